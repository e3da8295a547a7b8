# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python environment of the toolset's packages: how it is found, entered and made.

GRASS starts modules with the first `python3` of its PATH, which on Debian may have no packages of
pip. This file needs the standard library only, since it is read before any of them is there.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

VARIABLE = "I_DL_VENV"
"""Variable that names the environment if it is not in its usual place."""

USUAL = "~/.local/share/i.dl/venv"
"""The usual place, in which `make setup` makes it."""

REQUIRED = "requirements.txt"
OPTIONAL = "requirements-optional.txt"

_ENTERED = "I_DL_ENTERED_BY"
"""Variable by which a process that has entered the environment does not enter it again."""

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}
"""Names under which packages are installed, where they differ from those of their import."""


_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)")


def environment() -> Path:
    """The folder of the environment: the named one, or that of this Python, or the usual one."""
    named = os.environ.get(VARIABLE)
    if not named and _in_environment():
        return Path(sys.prefix)
    return Path(named or USUAL).expanduser().absolute()


def enter_environment() -> None:
    """Run this program in the environment if the Python that runs it lacks packages.

    The program starts again from its beginning, with the same arguments and in the same process, so
    that GRASS's session and programs that wait for the process are not affected. Without an
    environment it continues, and the import of a missing package fails.

    Raises:
        ValueError: `I_DL_VENV` names no environment.
    """
    named = os.environ.get(VARIABLE)
    folder = environment()
    python = folder / "bin" / "python"
    if named and not python.exists():
        raise ValueError(
            f"{VARIABLE}={named} is no Python environment: expected the folder of one, with "
            "bin/python in it; correct or unset the variable"
        )
    entered = os.environ.get(_ENTERED) == str(os.getpid())
    if entered or not python.exists() or folder.resolve() == Path(sys.prefix).resolve():
        return
    if named or absent(REQUIRED):
        os.environ[_ENTERED] = str(os.getpid())
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(python, [str(python), *sys.orig_argv[1:]])


def absent(file: str) -> list[str]:
    """The packages of a file of requirements that are not installed in this Python.

    Requirements of other machines (`; platform_machine == ...`) are left out.
    """
    return [name for name, line in _listed(file).items() if ";" not in line and not _has(name)]


def how_to_install(names: Iterable[str]) -> tuple[str, list[str]]:
    """How to install packages that cannot be imported.

    Args:
        names: The missing packages, by the names of their modules.

    Returns:
        A sentence that lists these and all other required packages that are not installed, and
        two shell commands that make the environment and install them.
    """
    missed = {_DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in names}
    missing = missed.union(absent(REQUIRED))
    files = [file for file in (REQUIRED, OPTIONAL) if missing.intersection(_listed(file))]
    words = [word for file in files for word in ("-r", str(_path(file)))]
    words += sorted(missing.difference(_listed(REQUIRED), _listed(OPTIONAL)))
    folder = environment()
    make = ["python3", "-m", "venv", "--system-site-packages", str(folder)]
    install = [str(folder / "bin" / "pip"), "install", *words]
    # Debian has the module that makes environments in a separate package.
    as_root = "" if os.geteuid() == 0 else "sudo "
    before = "" if find_spec("ensurepip") else f"{as_root}apt-get install -y python3-venv && "
    told = (
        f"Missing Python packages: {', '.join(sorted(missing, key=str.lower))}. Two commands "
        "install them into the environment that the modules of i.dl find by themselves:"
    )
    return told, [before + shlex.join(make), shlex.join(install)]


def _in_environment() -> bool:
    return sys.prefix != sys.base_prefix


def _path(file: str) -> Path:
    """Where a file of requirements is: beside the installed library, or above `lib`."""
    library = Path(__file__).resolve().parents[1]
    beside = library.parent / file
    return beside if beside.exists() else library.parents[1] / file


def _listed(file: str) -> dict[str, str]:
    """The packages of a file of requirements, and the lines that name them."""
    lines = _path(file).read_text(encoding="utf-8").splitlines()
    return {one.group(1): one.string for one in map(_NAME.match, lines) if one}


def _has(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
