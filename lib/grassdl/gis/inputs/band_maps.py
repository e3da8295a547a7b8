# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps that options name as bands, by date, before their cells are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import grass.script as gs

from ...core.bands import (
    NDSM,
    NDVI,
    OBSERVED,
    OPTION_PREFIXES,
    Derivation,
    check_band_name,
)
from ...core.text import listed
from ..raster.info import require_raster

SOURCES: Mapping[Derivation, tuple[str, str]] = {NDSM: ("dsm", "dtm"), NDVI: ("red", "nir")}
"""Options that give the maps of each derived band."""


@dataclass(frozen=True)
class BandMaps:
    """The maps of the bands of one date; every module reads them from the same options.

    Attributes:
        maps: Raster maps in the order of the bands.
        names: Names from `bands=`, or empty.
        derived: Source maps by role of each derived band: {"ndsm": {"dsm": ..., "dtm": ...}}.
        day: Days from the first date of a series.
        day_of_year: That of the date of a series; 0 for maps that are none.
    """

    maps: list[str]
    names: list[str]
    derived: dict[Derivation, dict[str, str]]
    day: int = 0
    day_of_year: int = 0

    @property
    def is_series(self) -> bool:
        """Whether the date may be missing in some cells."""
        return OBSERVED in self.derived

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> list[BandMaps]:
        """Read group, subgroup, input, bands, dsm, dtm, red and nir, and the options of a second
        date: after, after_input, after_dsm, after_dtm, after_red and after_nir.

        Returns:
            The maps of each date.

        Raises:
            ValueError: A map or group is missing, options contradict each other, or the second date
                has other bands than the first, or the same maps.
        """
        first = cls._of_date(options, "")
        if not (options.get("after") or options.get("after_input")):
            return [first]
        after = {**_second_date(options), "bands": options["bands"]}
        second = first._completed(cls._of_date(after, OPTION_PREFIXES[1]))
        if second == first:
            raise ValueError(
                f"Both dates have the same maps ({listed(first.maps)}): give those of the second "
                "date by after or after_input"
            )
        return [first, second]

    @classmethod
    def _of_date(cls, options: Mapping[str, str], prefix: str) -> BandMaps:
        """The maps of a date, whose options begin with a prefix."""
        if options["group"]:
            maps = group_members(options["group"], options["subgroup"])
        else:
            maps = options["input"].split(",")
        maps = [require_raster(name) for name in maps]
        derived = {}
        for name, roles in SOURCES.items():
            given = {role: options[role] for role in roles if options[role]}
            if len(given) == 1:
                both = " and ".join(prefix + role for role in roles)
                raise ValueError(f"Options {both} must be given together")
            if given:
                derived[name] = {role: require_raster(one) for role, one in given.items()}
        return cls(maps, names_of_bands(options["bands"], maps), derived)

    def _completed(self, second: BandMaps) -> BandMaps:
        """The maps of a second date, with red and near infrared at the positions of the first.

        Raises:
            ValueError: It has other bands.
        """
        if len(self.maps) != len(second.maps):
            raise ValueError(
                f"The first date has {len(self.maps)} maps ({listed(self.maps)}), the second "
                f"{len(second.maps)} ({listed(second.maps)}): after or after_input takes the same "
                "bands in the same order"
            )
        derived = {**self._at_same_places(second), **second.derived}
        for prefix, here, there in (("after_", self.derived, derived), ("", derived, self.derived)):
            missing = [name for name in here if name not in there]
            if missing:
                roles = " and ".join(prefix + role for role in SOURCES[missing[0]])
                raise ValueError(
                    f"One date has the band {missing[0]}, the other not: give {roles}, too, or "
                    "leave them out of both"
                )
        # In the order of the first date.
        return replace(second, derived={name: derived[name] for name in self.derived})

    def _at_same_places(self, second: BandMaps) -> dict[Derivation, dict[str, str]]:
        """Red and near infrared of a second date, if those of the first are among its maps."""
        sources = self.derived.get(NDVI, {})
        if not sources or not set(sources.values()) <= set(self.maps):
            return {}
        return {NDVI: {role: second.maps[self.maps.index(one)] for role, one in sources.items()}}


def names_of_bands(text: str, maps: Sequence[str]) -> list[str]:
    """The names that option bands gives to maps, or none.

    Raises:
        ValueError: They are more or fewer than the maps, or a name is invalid.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for one in names:
        check_band_name(one)
    if names and len(names) != len(maps):
        raise ValueError(
            f"bands names {len(names)} bands, but {len(maps)} raster maps are given: {listed(maps)}"
        )
    return names


def _second_date(options: Mapping[str, str]) -> dict[str, str]:
    """The options of the second date by the names of those of the first."""
    roles = (role for pair in SOURCES.values() for role in pair)
    named = {"input": "after_input", **{role: OPTION_PREFIXES[1] + role for role in roles}}
    maps = {name: options[option] for name, option in named.items()}
    return {"group": options["after"], "subgroup": "", **maps}


def group_members(group: str, subgroup: str = "") -> list[str]:
    """Raster maps of an imagery group or subgroup, fully qualified, in its order.

    Raises:
        ValueError: The group is missing or has no members.
    """
    found = gs.find_file(group, element="group")["fullname"]
    if not found:
        raise ValueError(f"Group <{group}> not found")
    where = {"group": found, **({"subgroup": subgroup} if subgroup else {})}
    listed = gs.read_command("i.group", flags="lg", quiet=True, **where)
    members = [
        line.strip() for line in listed.splitlines() if "@" in line and " " not in line.strip()
    ]
    if not members:
        name = f"{group}/{subgroup}" if subgroup else group
        raise ValueError(f"Group <{name}> has no raster maps: add some with i.group")
    return members
