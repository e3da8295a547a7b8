# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps of each date of a module: by options of one date or two, or as a series.

A series is a space time raster dataset. Its maps are listed by GRASS's own module, whose options
are the same in all versions.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import grass.script as gs

from ...core.bands import OBSERVED
from ...core.registered_maps import Registered, by_start, check_order
from ..raster.info import require_raster
from .band_maps import BandMaps, names_of_bands

PATIENCE = 10
"""Seconds that a module of the temporal framework may take to end after all is written."""

LONGEST_LISTING = 600
"""Most seconds that the listing of a series may take."""

UNLABELLED = ("", "None")
"""Semantic labels in the temporal framework of a map without one."""


def maps_by_date(options: Mapping[str, str]) -> list[BandMaps]:
    """The maps of the bands that the options name, for each date.

    Args:
        options: strds, where and bands, or those of `BandMaps.from_options`.

    Raises:
        ValueError: A map is missing, options contradict each other, or the bands of dates differ.
    """
    if options.get("strds"):
        return _series(options["strds"], options["where"], options["bands"])
    return BandMaps.from_options(options)


def _series(strds: str, where: str, bands: str) -> list[BandMaps]:
    """The maps of a series by start time; those of a date in the order of their labels."""
    dates = by_start(strds, _registered(strds, where))
    given = []
    check_order(
        [one.strip() for one in bands.split(",")],
        [one.label for one in next(iter(dates.values()))],
    )
    for start, maps in dates.items():
        names = [require_raster(one.name) for one in maps]
        numbered = {str(place): name for place, name in enumerate(names, start=1)}
        days = (start - next(iter(dates))).days, start.timetuple().tm_yday
        given.append(BandMaps(names, names_of_bands(bands, names), {OBSERVED: numbered}, *days))
    return given


def _registered(strds: str, where: str) -> list[Registered]:
    """The maps of a space time raster dataset in a period, by start time; at least one.

    Raises:
        ValueError: It is missing, the condition is invalid, no map fits, or time is relative.
    """
    told, complaint = _listing(strds, where)
    maps = [line.split("|") for line in told.splitlines() if line.count("|") == 2]
    if not maps:
        raise ValueError(_why_none(strds, where, complaint))
    try:
        return [
            Registered(name, "" if label in UNLABELLED else label, datetime.fromisoformat(start))
            for name, label, start in maps
        ]
    except ValueError:
        raise ValueError(
            f"Space time raster dataset <{strds}> has relative time: a series has absolute time "
            "(t.create temporaltype=absolute)"
        ) from None


def _listing(strds: str, where: str) -> tuple[str, str]:
    """The output of t.rast.list, and its error messages, in English.

    The temporal framework computes in separate processes, for which its modules sometimes wait
    forever at their end: after its list, or an error, the module has `PATIENCE` seconds to end, and
    is then killed with them.
    """
    with TemporaryDirectory() as folder:
        listing, complaint = Path(folder) / "listing", Path(folder) / "complaint"
        with complaint.open("wb") as stream:
            process = gs.start_command(
                "t.rast.list", input=strds, where=where, columns="id,semantic_label,start_time",
                order="start_time", separator="pipe", flags="u", output=listing,
                stdin=subprocess.DEVNULL, stderr=stream, preexec_fn=os.setpgrp,
                env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "C"},
            )  # fmt: skip
        try:
            latest = time.time() + LONGEST_LISTING
            while process.poll() is None and time.time() < latest:
                if _is_at_its_end(listing, complaint):
                    break
                time.sleep(0.02)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return _text(listing), _text(complaint)


def _is_at_its_end(listing: Path, complaint: Path) -> bool:
    """Whether a module has had enough time to end since it wrote its list or an error."""
    told = listing if _text(listing) else complaint if "ERROR" in _text(complaint) else None
    return told is not None and time.time() - told.stat().st_mtime > PATIENCE


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _why_none(strds: str, where: str, complaint: str) -> str:
    """Why no maps of a space time raster dataset could be listed, by the messages of the module,
    which may be missing if it ended before they were written."""
    name, period = f"Space time raster dataset <{strds}>", f" where {where}" if where else ""
    if "Nothing found" in complaint:
        return f"{name} has no map{period}: see t.rast.list"
    if "not found" in complaint or "no temporal database" in complaint:
        _, _, mapset = strds.partition("@")
        add = f" after g.mapsets mapset={mapset} operation=add" if mapset else ""
        return f"{name} not found: t.list lists those there are{add}"
    if complaint.strip():
        last = complaint.strip().splitlines()[-1]
        return f"{name} cannot be listed, check option where: {last}"
    return f"{name} not found, or it has no map{period}: see t.list and t.rast.list"
