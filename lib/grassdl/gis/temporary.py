# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps under temporary names: removed at the end, or by the next run after a kill."""

from __future__ import annotations

import re
from collections.abc import Sequence

import grass.script as gs

from ..files import alive

_ELEMENTS = {"raster": "cell", "vector": "vector"}


def remove_maps(names: Sequence[str], kind: str = "raster") -> None:
    """Remove those of these maps that the current mapset has.

    Args:
        names: Names without mapset.
        kind: "raster" or "vector".
    """
    element = _ELEMENTS[kind]
    present = [name for name in names if gs.find_file(name, element=element, mapset=".")["file"]]
    if present:
        gs.run_command("g.remove", flags="f", type=kind, name=present, quiet=True)


def remove_debris(prefix: str, kind: str = "raster") -> None:
    """Remove temporary maps `PREFIX_PID...` of processes that were killed."""
    listed = gs.read_command("g.list", type=kind, pattern=f"{prefix}_*", mapset=".")
    names = {name: re.match(rf"{prefix}_(\d+)", name) for name in listed.split()}
    remove_maps([name for name, match in names.items() if match and not alive(int(match[1]))], kind)
