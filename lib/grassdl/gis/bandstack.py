# SPDX-License-Identifier: GPL-2.0-or-later
"""The bands that a module is given: their maps, names and derived bands, and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import grass.script as gs
import numpy as np

from ..bands import NDSM, NDVI, Band, names_mismatch, ndsm, ndvi, smallest_dtype
from .raster_rows import RasterRows, is_null
from .rasters import require_raster
from .region import Region

_DERIVE = {NDSM: (ndsm, ("dsm", "dtm")), NDVI: (ndvi, ("red", "nir"))}


@dataclass(frozen=True)
class BandMaps:
    """What the user named as bands; every module takes them by the same options.

    Attributes:
        maps: Raster maps in the order of the bands.
        names: Names from `bands=`, or empty.
        derived: Source maps by role of each derived band: {"ndsm": {"dsm": ..., "dtm": ...}}.
    """

    maps: list[str]
    names: list[str]
    derived: dict[str, dict[str, str]]

    @classmethod
    def from_options(cls, options: dict[str, str]) -> BandMaps:
        """Read group, subgroup, input, bands, dsm, dtm, red and nir.

        Raises:
            ValueError: A map or group is missing, or options do not go together.
        """
        if options["group"]:
            maps = group_members(options["group"], options["subgroup"])
        else:
            maps = options["input"].split(",")
        maps = [require_raster(name) for name in maps]
        derived = {}
        for name, (_, roles) in _DERIVE.items():
            given = {role: options[role] for role in roles if options[role]}
            if len(given) == 1:
                raise ValueError(f"Options {roles[0]} and {roles[1]} go together: give both")
            if given:
                derived[name] = {role: require_raster(one) for role, one in given.items()}
        names = [name.strip() for name in options["bands"].split(",") if name.strip()]
        if names and len(names) != len(maps):
            raise ValueError(
                f"bands names {len(names)} bands, but {len(maps)} raster maps are given: "
                f"{', '.join(maps)}"
            )
        return cls(maps, names, derived)


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


def describe_bands(given: BandMaps) -> list[Band]:
    """The bands in order: the maps first, then nDSM and NDVI where asked for.

    Raises:
        ValueError: Two bands have the same name.
    """
    names = given.names or [""] * len(given.maps)
    bands = [_plain_band(one, name) for one, name in zip(given.maps, names, strict=True)]
    bands += [_derived_band(name, source) for name, source in given.derived.items()]
    seen = [band.name for band in bands]
    twice = sorted({name for name in seen if seen.count(name) > 1})
    if twice:
        raise ValueError(f"Two bands have the name <{twice[0]}>: give each its own with bands=")
    return bands


def _plain_band(raster: str, name: str) -> Band:
    info = gs.raster_info(raster)
    label = str(info.get("semantic_label", "none")).strip('"')
    declared = name or (label if label != "none" else "")
    return Band(
        name=declared or raster.split("@")[0],
        declared=bool(declared),
        source={"map": raster},
        derivation=None,
        resolution=_resolution(info),
        resampling="nearest",
        units=_units(info),
        dtype=_smallest_dtype_of(info).name,
    )


def _derived_band(name: str, source: dict[str, str]) -> Band:
    infos = [gs.raster_info(raster) for raster in source.values()]
    return Band(
        name=name,
        declared=True,
        source=source,
        derivation=name,
        resolution=min(_resolution(info) for info in infos),
        resampling="nearest",
        units=_units(infos[0]) if name == NDSM else "",
        dtype="float32",
    )


def _resolution(info: dict) -> float:
    return (float(info["nsres"]) + float(info["ewres"])) / 2


def _units(info: dict) -> str:
    units = str(info.get("units", "none")).strip('"')
    return "" if units in ("none", "None") else units


def _smallest_dtype_of(info: dict) -> np.dtype:
    return smallest_dtype([_range(info) if info["datatype"] == "CELL" else None])


def _range(info: dict) -> tuple[int, int]:
    low, high = (0 if info[end] in (None, "NULL") else int(info[end]) for end in ("min", "max"))
    return low, high


class BandStack:
    """Bands of the process's region as a `grassdl.bands.BandReader`.

    Args:
        bands: As `describe_bands` gives them.
    """

    def __init__(self, bands: Sequence[Band]):
        self.bands = list(bands)
        self.dtype = _common_dtype(bands)
        sources = {one for band in bands for one in band.source.values()}
        self._maps = {name: RasterRows(name) for name in sorted(sources)}
        any_map = next(iter(self._maps.values()))
        self.rows, self.cols = any_map.rows, any_map.cols

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """See `grassdl.bands.BandReader.read`."""
        null = np.zeros((rows, self.cols), bool)
        planes = {}
        for name, one in self._maps.items():
            planes[name] = one.read(row, rows)
            null |= is_null(planes[name])
        values = np.empty((rows, self.cols, len(self.bands)), self.dtype)
        for place, band in enumerate(self.bands):
            values[..., place] = self._values(band, planes, null)
        return values, null

    def _values(self, band: Band, planes: dict[str, np.ndarray], null: np.ndarray) -> np.ndarray:
        sources = [planes[name] for name in band.source.values()]
        if band.derivation is None:
            return np.where(null, 0, sources[0])
        # Float64 keeps the difference of two 32-bit maps; NULL would warn in the arithmetic.
        filled = [np.where(null, 0, one).astype(np.float64) for one in sources]
        return _DERIVE[band.derivation][0](*filled)

    def close(self) -> None:
        """Close all maps."""
        for one in self._maps.values():
            one.close()


def _common_dtype(bands: Sequence[Band]) -> np.dtype:
    """The smallest dtype that holds all bands, as `grassdl.bands.smallest_dtype` has it."""
    if any(np.dtype(band.dtype).kind == "f" for band in bands):
        return smallest_dtype([None])
    return smallest_dtype([_range(gs.raster_info(band.source["map"])) for band in bands])


def bands_for_model(given: BandMaps, expected: Sequence[Band]) -> list[Band]:
    """The given bands, derived as the model's bands were, checked against them.

    A red or near infrared that was itself a band of the model is taken from the same place
    among the given maps, so that it need not be named again.

    Raises:
        ValueError: The bands do not fit the model.
    """
    plain = [band.source["map"] for band in expected if band.derivation is None]
    derived = {}
    for band in expected:
        if band.derivation is None:
            continue
        source = given.derived.get(band.derivation)
        if source is None:
            places = [plain.index(one) for one in band.source.values() if one in plain]
            if len(places) < len(band.source) or max(places) >= len(given.maps):
                roles = " and ".join(band.source)
                raise ValueError(f"The model has a band <{band.name}>: options {roles} are needed")
            source = {
                role: given.maps[place] for role, place in zip(band.source, places, strict=True)
            }
        derived[band.derivation] = source
    surplus = [name for name in given.derived if name not in derived]
    if surplus:
        roles = " and ".join(given.derived[surplus[0]])
        raise ValueError(f"The model has no band <{surplus[0]}>: leave out {roles}")
    bands = describe_bands(BandMaps(given.maps, given.names, derived))
    wrong = names_mismatch(expected, bands)
    if wrong:
        raise ValueError(f"The inputs do not fit the model: {wrong}")
    wanted, named = ([band.name for band in some] for some in (expected, bands))
    if wanted != named and sorted(wanted) == sorted(named):
        gs.warning(
            f"The bands are those of the training in another order: {', '.join(named)} "
            f"instead of {', '.join(wanted)}"
        )
    return bands


def frame_of(bands: Sequence[Band], region: Region) -> tuple[int, int, int, int]:
    """The extent that all maps on the region's grid share.

    Returns:
        First row, rows, first column and columns, counted from the region's upper left cell (they
        may be negative). Where no map is on the region's grid, the region itself.

    Raises:
        ValueError: The maps have no cell in common.
    """
    top, bottom, left, right = [], [], [], []
    for name in sorted({one for band in bands for one in band.source.values()}):
        grid = Region.of_raster(name)
        place = region.place_of(grid)
        if place:
            top.append(place[0])
            bottom.append(place[0] + grid.rows)
            left.append(place[1])
            right.append(place[1] + grid.cols)
    if not top:
        return 0, region.rows, 0, region.cols
    rows, cols = min(bottom) - max(top), min(right) - max(left)
    if rows <= 0 or cols <= 0:
        raise ValueError("The input maps have no cell in common")
    return max(top), rows, max(left), cols
