# SPDX-License-Identifier: GPL-2.0-or-later
"""What the session knows: its projection, and a place for scratch files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grass.script as gs


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder in the mapset's place for temporary files, which GRASS clears after a kill."""
    folder = Path(gs.tempfile(create=False))
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def crs_wkt() -> str:
    """The project's coordinate reference system as WKT; "" for an unprojected (XY) project."""
    if gs.parse_command("g.region", flags="gp").get("projection") == "0":
        return ""
    # UTF-8 whatever the locale says: the C locale of batch jobs knows no degree sign.
    return gs.read_command("g.proj", flags="wf", encoding=None, quiet=True).decode().strip()
