# SPDX-License-Identifier: GPL-2.0-or-later
"""What the session knows: its projection, and a place for scratch files."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from platform import node

import grass.script as gs
from grass.exceptions import CalledModuleError

from .. import folders

SCRATCH_FOLDER = ".i_dl_scratch"
"""In the mapset. GRASS's own place for temporary files, .tmp, is cleared by the numbers of
processes, which come again, and of files only."""


@contextmanager
def scratch_folder(needed: int, what: str) -> Iterator[Path]:
    """A folder in the mapset for temporary files, see `folders.scratch_folder`.

    Args:
        needed: Bytes that they will take.
        what: What they hold, for the message.

    Raises:
        ValueError: The disk cannot hold them.
    """
    mapset = mapset_folder(current_mapset())
    with folders.scratch_folder(mapset / SCRATCH_FOLDER) as folder:
        # What a killed run left there is gone by now.
        folders.check_disk(folder, needed, what)
        yield folder


def outlive_session() -> None:
    """Put temporary files where they stay when `grass --exec` is interrupted.

    It removes the folder of its session then, where TMPDIR leads, without waiting for the module.
    """
    session = Path(os.environ["GISRC"]).parent
    if os.environ.get("TMPDIR") == str(session):
        os.environ["TMPDIR"] = str(session.parent)
        tempfile.tempdir = None


@cache
def _variables() -> dict[str, str]:
    """What `g.gisenv` tells, which stays the same as long as a module runs."""
    return gs.gisenv()


def current_mapset() -> str:
    """The name of the session's mapset."""
    return _variables()["MAPSET"]


def mapset_folder(mapset: str) -> Path:
    """The folder of a mapset of the session's project."""
    return Path(_variables()["GISDBASE"], _variables()["LOCATION_NAME"], mapset)


def crs_wkt() -> str:
    """The project's coordinate reference system as WKT; "" for an unprojected (XY) project."""
    if gs.parse_command("g.region", flags="gp").get("projection") == "0":
        return ""
    # UTF-8 whatever the locale says: the C locale of batch jobs knows no degree sign.
    return gs.read_command("g.proj", flags="wf", encoding=None, quiet=True).decode().strip()


def provenance() -> dict[str, str]:
    """What a dataset tells of the session: `crs`, `grass_version` and `project`, by name."""
    return {
        "crs": crs_wkt(),
        "grass_version": gs.version()["version"],
        "project": _variables()["LOCATION_NAME"],
    }


_running: set[subprocess.Popen] = set()
"""Modules that `run_module` waits for."""


def run_module(module: str, stdin: str | None = None, **options: object) -> None:
    """Run a GRASS module quietly to its end; it ends with this process if that is interrupted.

    GRASS would clear the temporary files of an interrupted module only when its session ends.

    Raises:
        CalledModuleError: It failed.
    """
    process = gs.start_command(
        module, quiet=True, stdin=subprocess.PIPE if stdin is not None else None, **options
    )
    _running.add(process)
    try:
        process.communicate(None if stdin is None else stdin.encode())
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        _running.discard(process)
        if process.returncode:
            for file in mapset_folder(current_mapset()).glob(f".tmp/{node()}/{process.pid}.*"):
                file.unlink(missing_ok=True)
    if process.returncode:
        raise CalledModuleError(module, repr(options), process.returncode)


def side_by_side(tasks: Iterable[Callable[[], None]]) -> None:
    """Do tasks that run modules at the same time, begun in their order.

    There is one thread more than there are cores, since Python lets a single task at a time
    compute by itself, however many wait for modules.

    Raises:
        BaseException: What the first task raised that failed, or an interrupt of this process.
            Before, tasks that have not begun are given up, and the modules of the others are
            killed; what Python itself does in these comes to its end.
    """
    with ThreadPoolExecutor(1 + os.cpu_count()) as pool:
        futures = []
        try:
            for one in tasks:
                futures.append(pool.submit(one))
            for one in as_completed(futures):
                one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            begun = [one for one in futures if not one.cancelled()]
            while wait(begun, timeout=0.02).not_done:
                for process in list(_running):
                    process.kill()
            raise
