# SPDX-License-Identifier: GPL-2.0-or-later
"""Properties of the session, such as its projection, and a folder for scratch files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import grass.script as gs

from ...io import folders
from .printed import read_text

SCRATCH_FOLDER = ".i_dl_scratch"
"""In the mapset. GRASS's own folder of temporary files, .tmp, is cleared by process numbers, which
are reused, and only of files."""


@contextmanager
def scratch_folder(needed: int, what: str) -> Iterator[Path]:
    """A folder in the mapset for temporary files, see `folders.scratch_folder`.

    Args:
        needed: Bytes that they will take.
        what: What they contain, for the message.

    Raises:
        ValueError: The disk has too little free space.
    """
    mapset = mapset_folder(current_mapset())
    with folders.scratch_folder(mapset / SCRATCH_FOLDER) as folder:
        # Remains of killed runs have been removed.
        folders.check_disk(folder, needed, what)
        yield folder


def outlive_session() -> None:
    """Move temporary files to a folder that is kept when `grass --exec` is interrupted.

    It then removes the folder of its session, to which TMPDIR points, without waiting for the
    module.
    """
    session = Path(os.environ["GISRC"]).parent
    if os.environ.get("TMPDIR") == str(session):
        os.environ["TMPDIR"] = str(session.parent)
        tempfile.tempdir = None


@cache
def _variables() -> dict[str, str]:
    """The output of `g.gisenv`, which does not change while a module runs."""
    return gs.gisenv()


def current_mapset() -> str:
    """The name of the session's mapset."""
    return _variables()["MAPSET"]


def mapset_folder(mapset: str) -> Path:
    """The folder of a mapset of the session's project."""
    return Path(_variables()["GISDBASE"], _variables()["LOCATION_NAME"], mapset)


def session_variables() -> dict[str, str]:
    """Variables of GRASS, project and mapset, for another process that is to open them."""
    known = _variables()
    return {
        "gisbase": os.environ["GISBASE"],
        "gisdbase": os.fspath(Path(known["GISDBASE"]).absolute()),
        "project": known["LOCATION_NAME"],
        "mapset": known["MAPSET"],
    }


def crs_wkt() -> str:
    """The project's coordinate reference system as WKT; "" for an unprojected (XY) project."""
    if gs.parse_command("g.region", flags="gp").get("projection") == "0":
        return ""
    # UTF-8 in any locale: the C locale of batch jobs has no degree sign.
    return read_text("g.proj", flags="wf").strip()


def provenance() -> dict[str, str]:
    """What a dataset records of the session: `crs`, `grass_version` and `project`, by name."""
    return {
        "crs": crs_wkt(),
        "grass_version": gs.version()["version"],
        "project": _variables()["LOCATION_NAME"],
    }
