# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps under temporary names: removed at the end, or by the next run after a kill."""

from __future__ import annotations

import atexit
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock

import grass.script as gs

from ...io.locks import Hold, abandoned
from .mapset import current_mapset, mapset_folder
from .messages import has_session

_ELEMENTS = {"raster": "cell", "vector": "vector", "group": "group"}

_LOCK_BEGINS, _LOCK_ENDS = ".i_dl_", ".lock"
"""Begin and end of the names of lock files in the mapset, which show whose processes run."""

_one_at_a_time = Lock()
"""Threads that make maps at the same time all get the same word."""


def temporary_name(prefix: str, name: str = "") -> str:
    """A name that no map of another process has.

    Args:
        prefix: Prefix of the temporary names of a task.
        name: Suffix.
    """
    with _one_at_a_time:
        return f"{prefix}_{_hold().word}{name}"


def remove_maps(names: Sequence[str], kind: str = "raster") -> None:
    """Remove those of these maps that exist in the current mapset.

    If the session has been removed they are left for `remove_debris` of the next run.

    Args:
        names: Names without mapset.
        kind: "raster", "vector" or "group".
    """
    if not has_session():
        return
    element = _ELEMENTS[kind]
    found = {name: gs.find_file(name, element=element, mapset=".") for name in names}
    # The session may be removed at any moment: then nothing is found, and nothing removed.
    present = [name for name, where in found.items() if where.get("file")]
    if present:
        gs.run_command("g.remove", flags="f", type=kind, name=present, quiet=True, errors="ignore")


def remove_debris(prefix: str, kind: str = "raster") -> None:
    """Remove the maps of `temporary_name` whose processes were killed."""
    listed = gs.read_command("g.list", type=kind, pattern=f"{prefix}_*", mapset=".")
    found = {name: re.match(rf"{prefix}_(\d+)", name) for name in listed.split()}
    word_of = {name: match[1] for name, match in found.items() if match}
    locks = mapset_folder(current_mapset()).glob(f"{_LOCK_BEGINS}*{_LOCK_ENDS}")
    words = [path.name[len(_LOCK_BEGINS) : -len(_LOCK_ENDS)] for path in locks]
    for word in abandoned([*word_of.values(), *words], _lock_of):
        remove_maps([name for name, own in word_of.items() if own == word], kind)


@cache
def _hold() -> Hold:
    """The lock that shows that this process is running, until it ends."""
    hold = Hold(_lock_of)
    atexit.register(hold.release)
    return hold


def _lock_of(word: str) -> Path:
    return mapset_folder(current_mapset()) / f"{_LOCK_BEGINS}{word}{_LOCK_ENDS}"
