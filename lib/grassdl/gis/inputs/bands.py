# SPDX-License-Identifier: GPL-2.0-or-later
"""The bands that a module is given: their maps, names and derived bands, and their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import grass.script as gs
import numpy as np

from ...core.bands import (
    NDSM,
    NDVI,
    OPTION_PREFIXES,
    Band,
    Derivation,
    Resampling,
    check_band_name,
    holds,
    names_mismatch,
    ndsm,
    ndvi,
    number_mismatch,
    number_of_dates,
    smallest_dtype,
    smallest_dtype_name,
)
from ...core.dates import joined_dates, of_date
from ...core.readers import empty_layers
from ...core.resampling import NEAREST, Axis, effective_method, resample
from ...core.text import listed
from ..raster.info import ANY_CELL, BeyondRangeError, info_of, mask_name, require_raster
from ..raster.region import Region
from ..raster.rows import RasterRows, SourceRows, is_null
from ..raster.undeclared_nodata import undeclared_nodata

_DERIVE: Mapping[Derivation, tuple[Callable[..., np.ndarray], tuple[str, str]]] = {
    NDSM: (ndsm, ("dsm", "dtm")),
    NDVI: (ndvi, ("red", "nir")),
}

SOURCE_CELLS = 2_000_000
"""Cells of a map of another grid that are held at once."""


@dataclass(frozen=True)
class BandMaps:
    """What the user named as bands of one date; every module takes them by the same options.

    Attributes:
        maps: Raster maps in the order of the bands.
        names: Names from `bands=`, or empty.
        derived: Source maps by role of each derived band: {"ndsm": {"dsm": ..., "dtm": ...}}.
    """

    maps: list[str]
    names: list[str]
    derived: dict[Derivation, dict[str, str]]

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> list[BandMaps]:
        """Read group, subgroup, input, bands, dsm, dtm, red and nir, and the options of a second
        date: after, after_input, after_dsm, after_dtm, after_red and after_nir.

        Returns:
            The maps of each date.

        Raises:
            ValueError: A map or group is missing, options do not go together, or the second date
                has other bands than the first, or the same maps.
        """
        first = cls._of_date(options, "")
        if not (options.get("after") or options.get("after_input")):
            return [first]
        after = {**_second_date(options), "bands": options["bands"]}
        second = first._completed(cls._of_date(after, OPTION_PREFIXES[1]))
        if second == first:
            raise ValueError(
                f"Both dates have the same maps ({listed(first.maps)}), between which nothing "
                "changes: after or after_input takes those of the second date"
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
        for name, (_, roles) in _DERIVE.items():
            given = {role: options[role] for role in roles if options[role]}
            if len(given) == 1:
                both = " and ".join(prefix + role for role in roles)
                raise ValueError(f"Options {both} go together: give both")
            if given:
                derived[name] = {role: require_raster(one) for role, one in given.items()}
        names = [name.strip() for name in options["bands"].split(",") if name.strip()]
        for one in names:
            check_band_name(one)
        if names and len(names) != len(maps):
            raise ValueError(
                f"bands names {len(names)} bands, but {len(maps)} raster maps are given: "
                f"{listed(maps)}"
            )
        return cls(maps, names, derived)

    def _completed(self, second: BandMaps) -> BandMaps:
        """The maps of a second date, with red and near infrared from the places of the first.

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
                roles = " and ".join(prefix + role for role in _DERIVE[missing[0]][1])
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


def _second_date(options: Mapping[str, str]) -> dict[str, str]:
    """The options of the second date by the names of those of the first."""
    roles = (role for _, pair in _DERIVE.values() for role in pair)
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


def describe_bands(
    given: Sequence[BandMaps],
    region: Region,
    resampling: Resampling | Sequence[Resampling] = NEAREST,
) -> list[Band]:
    """The bands of all dates in order: see `core.dates`.

    Args:
        given: What the user named, by date.
        region: The grid they are read on.
        resampling: How maps come onto that grid, for all or for each band.

    Raises:
        ValueError: Two bands have the same name, or the dates have other bands.
    """
    count = sum(len(one.maps) + len(one.derived) for one in given)
    methods = iter([resampling] * count if isinstance(resampling, str) else resampling)
    return joined_dates([_bands_of_date(one, region, methods) for one in given])


def _bands_of_date(given: BandMaps, region: Region, methods: Iterator[Resampling]) -> list[Band]:
    """The bands of a date: the maps first, then nDSM and NDVI where asked for."""
    names = given.names or [""] * len(given.maps)
    bands = [
        _plain_band(one, name, region, next(methods))
        for one, name in zip(given.maps, names, strict=True)
    ]
    bands += [_derived_band(name, source, next(methods)) for name, source in given.derived.items()]
    seen = [band.name for band in bands]
    twice = sorted({name for name in seen if seen.count(name) > 1})
    if twice:
        raise ValueError(f"Two bands have the name <{twice[0]}>: give each its own with bands=")
    return bands


def _name_of(raster: str) -> str:
    """What the band of a map is called unless the user gives it a name."""
    return info_of(raster).semantic_label or raster.split("@")[0]


def _plain_band(raster: str, name: str, region: Region, method: Resampling) -> Band:
    info = info_of(raster)
    declared = bool(name or info.semantic_label)
    grid = Region.of_raster(raster)
    same_values = _method_for(grid, region, method) == NEAREST
    return Band(
        name=name or _name_of(raster),
        declared=declared,
        source={"map": raster},
        derivation=None,
        resolution=_resolution(grid),
        resampling=method,
        units=info.units,
        dtype=smallest_dtype_name([info.range]) if same_values else "float32",
    )


def _derived_band(name: Derivation, source: dict[str, str], method: Resampling) -> Band:
    first = next(iter(source.values()))
    return Band(
        name=name,
        declared=True,
        source=source,
        derivation=name,
        resolution=min(_resolution(Region.of_raster(raster)) for raster in source.values()),
        resampling=method,
        units=info_of(first).units if name == NDSM else "",
        dtype="float32",
    )


def _method_for(grid: Region, region: Region, method: str) -> str:
    """How a map of some grid comes onto the region's; cells on that grid are taken as they are."""
    if method == NEAREST or region.place_of(grid):
        return NEAREST
    return effective_method(method, (region.nsres / grid.nsres, region.ewres / grid.ewres))


def _resolution(grid: Region) -> float:
    return (grid.nsres + grid.ewres) / 2


class Plane(Protocol):
    """One map on the region's grid."""

    def read(self, row: int, rows: int) -> np.ndarray:
        """Rows `row` to `row + rows` in the map's own type; `raster_rows.is_null` tells NULL."""

    def null(self, row: int, rows: int) -> np.ndarray:
        """Which cells of these rows are NULL."""

    def close(self) -> None:
        """Let go of the map."""


class ResampledRows:
    """Reads a raster map of another grid, resampled from its own cells, as a `Plane`.

    Args:
        name: The map.
        grid: Its grid.
        region: The grid that is wanted.
        method: "bilinear", "bicubic" or "average".
    """

    def __init__(self, name: str, grid: Region, region: Region, method: str):
        self._source = SourceRows(name)
        self._method = method
        grid = region.beside(grid)
        self._rows = Axis(
            (grid.north - region.north) / grid.nsres, region.nsres / grid.nsres, grid.rows
        )
        cols = Axis(
            (region.west - grid.west) / grid.ewres,
            region.ewres / grid.ewres,
            grid.cols,
            around=None if grid.turn is None else grid.turn / grid.ewres,
        )
        self._cols = cols.taps(method, 0, region.cols)
        # A coarse region has many of the map's rows in each of its own.
        self._step = max(1, int(SOURCE_CELLS / (grid.cols * self._rows.ratio)))
        mask = mask_name()
        self._mask = RasterRows(mask) if mask else None

    def read(self, row: int, rows: int) -> np.ndarray:
        """See `Plane.read`; the session's mask is applied on the region's grid."""
        values = np.empty((rows, len(self._cols.inside)), np.float32)
        for start in range(0, rows, self._step):
            part = values[start : start + self._step]
            taps = self._rows.taps(self._method, row + start, len(part))
            first, count = taps.span
            source = self._source.read(first, count)
            part[:] = resample(source, first, taps, self._cols, self._method)
        if self._mask is not None:
            shown = self._mask.read(row, rows)
            values[is_null(shown) | (shown == 0)] = np.nan
        return values

    def null(self, row: int, rows: int) -> np.ndarray:
        """See `Plane.null`."""
        return is_null(self.read(row, rows))

    def close(self) -> None:
        """Close the mask; the map itself is open only while it is read."""
        if self._mask is not None:
            self._mask.close()


class BandStack:
    """Bands of the process's region as a `grassdl.core.readers.BandReader`.

    Their dtype is that of what the maps are said to hold. What is read is checked against it.

    Args:
        bands: As `describe_bands` gives them.
        region: The region that this process uses.
    """

    def __init__(self, bands: Sequence[Band], region: Region):
        self.bands = list(bands)
        self._ranges = _ranges(bands)
        self._unsure = {name for name in self._ranges if not info_of(name).recorded}
        self.dtype = dtype_of(bands)
        self.rows, self.cols = region.rows, region.cols
        methods = {one: band.resampling for band in bands for one in band.source.values()}
        self._maps = {name: _plane(name, region, methods[name]) for name in sorted(methods)}

    @property
    def cell_bytes(self) -> int:
        """Memory in bytes that a cell takes while it is read, all bands together."""
        per_map = 16 if any(isinstance(one, ResampledRows) for one in self._maps.values()) else 8
        return per_map * len(self._maps) + 2 * len(self.bands) * self.dtype.itemsize

    @property
    def value_range(self) -> tuple[int, int] | None:
        """Lowest and highest value of the maps; None as soon as a band is of floating type."""
        return _joined_range(self.bands, self._ranges)

    def learn(self, found: Mapping[str, tuple[int, int]]) -> None:
        """See `grassdl.core.readers.BandReader.learn`."""
        for name in self._unsure:
            self._ranges[name] = found.get(name, (0, 0))
        self.bands = [
            replace(band, dtype=smallest_dtype_name([self._ranges[band.source["map"]]]))
            if band.source.get("map") in self._unsure
            else band
            for band in self.bands
        ]
        self.dtype = smallest_dtype([self.value_range])

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """See `core.readers.RowReader.read`; from a value on that `dtype` does not hold, it is one
        that holds all."""
        planes = self.planes(row, rows)
        null = np.zeros((rows, self.cols), bool)
        for plane in planes.values():
            null |= is_null(plane)
        shape = (*null.shape, len(self.bands))
        try:
            return self._filled(empty_layers(shape, self.dtype), planes, null), null
        except BeyondRangeError:
            self.dtype = np.dtype(np.int32)
            return self._filled(empty_layers(shape, self.dtype), planes, null), null

    def planes(self, row: int, rows: int) -> dict[str, np.ndarray]:
        """See `grassdl.core.readers.BandReader.planes`."""
        return {name: one.read(row, rows) for name, one in self._maps.items()}

    def stack(self, planes: dict[str, np.ndarray], null: np.ndarray) -> np.ndarray:
        """See `grassdl.core.readers.BandReader.stack`.

        Raises:
            BeyondRangeError: `dtype` does not hold a value.
        """
        values = np.empty((*null.shape, len(self.bands)), self.dtype)
        return self._filled(values, planes, null)

    def _filled(
        self, values: np.ndarray, planes: dict[str, np.ndarray], null: np.ndarray
    ) -> np.ndarray:
        """An array (rows, cols, bands) with the values of planes, 0 where NULL."""
        some_null = null.any()
        for place, band in enumerate(self.bands):
            sources = [planes[name] for name in band.source.values()]
            # NULL and what is beyond float32 is replaced below.
            with np.errstate(invalid="ignore", over="ignore"):
                cells = _derived(band, sources) if band.derivation else sources[0]
            if some_null:
                cells = np.where(null, cells.dtype.type(0), cells)
            if values.dtype.kind != "f" and not holds(values.dtype, cells):
                raise BeyondRangeError.of(band.source["map"])
            values[..., place] = cells
        return values

    def null(self, row: int, rows: int) -> np.ndarray:
        """The mask (rows, cols) of cells that are NULL in a band."""
        return self.scan(row, rows)[0]

    def scan(self, row: int, rows: int) -> tuple[np.ndarray, dict[str, tuple[int, int]]]:
        """See `grassdl.core.readers.BandReader.scan`."""
        null = np.zeros((rows, self.cols), bool)
        ranges = {}
        for name, one in self._maps.items():
            if name not in self._unsure:
                null |= one.null(row, rows)
                continue
            cells = one.read(row, rows)
            lowest = cells.min()
            # NULL is the lowest of integers.
            if is_null(lowest):
                missing = is_null(cells)
                null |= missing
                lowest = cells.min(where=~missing, initial=ANY_CELL[1])
            highest = cells.max()
            if not is_null(highest):
                ranges[name] = int(lowest), int(highest)
        return null, ranges

    def close(self) -> None:
        """Close all maps."""
        for one in self._maps.values():
            one.close()


@contextmanager
def open_bands(bands: Sequence[Band], region: Region) -> Iterator[BandStack]:
    """The bands of the process's region; the user is warned of what may be undeclared no data.

    Args:
        bands: As `describe_bands` gives them.
        region: The region that this process uses.
    """
    with closing(BandStack(bands, region)) as stack:
        names: dict[str, str] = {}
        for band in bands:
            for one in band.source.values():
                names.setdefault(one, band.label)
        for sentence in undeclared_nodata(names):
            gs.warning(sentence)
        yield stack


def _plane(name: str, region: Region, method: str) -> Plane:
    grid = Region.of_raster(name)
    method = _method_for(grid, region, method)
    if method == NEAREST:
        return RasterRows(name)
    return ResampledRows(name, grid, region, method)


def _derived(band: Band, sources: Sequence[np.ndarray]) -> np.ndarray:
    # Float64 keeps the difference of two 32-bit maps.
    assert band.derivation is not None
    return _DERIVE[band.derivation][0](*(one.astype(np.float64) for one in sources))


def dtype_of(bands: Sequence[Band]) -> np.dtype:
    """The dtype in which a `BandStack` of these bands gives their values."""
    return smallest_dtype([_joined_range(bands, _ranges(bands))])


def _ranges(bands: Sequence[Band]) -> dict[str, tuple[int, int]]:
    """Lowest and highest value that the map of each integer band is said to hold."""
    maps = [band.source["map"] for band in bands if np.dtype(band.dtype).kind != "f"]
    return {name: info_of(name).integer_range for name in maps}


def _joined_range(
    bands: Sequence[Band], ranges: Mapping[str, tuple[int, int]]
) -> tuple[int, int] | None:
    """Lowest and highest value of all bands; None as soon as one is of floating type."""
    if any(np.dtype(band.dtype).kind == "f" for band in bands):
        return None
    return min(low for low, _ in ranges.values()), max(high for _, high in ranges.values())


def bands_for_model(
    given: Sequence[BandMaps], expected: Sequence[Band], region: Region
) -> list[Band]:
    """The given bands of each date, derived and resampled as the model's bands were, checked
    against them.

    Raises:
        ValueError: The bands do not fit the model.
    """
    dates = number_of_dates(expected)
    if len(given) != dates:
        raise ValueError(
            "The model is of one date: leave out after and after_input"
            if len(given) > dates
            else f"The model compares {dates} dates: give the maps of the second by after or "
            "after_input"
        )
    complete = [
        _derived_for_model(one, of_date(expected, date), prefix)
        for date, (one, prefix) in enumerate(zip(given, OPTION_PREFIXES, strict=False))
    ]
    bands = describe_bands(complete, region, [band.resampling for band in expected])
    wrong = names_mismatch(expected, bands)
    if wrong:
        raise ValueError(f"The inputs do not fit the model: {wrong}")
    wanted, named = ([band.label for band in some] for some in (expected, bands))
    if wanted != named and sorted(wanted) == sorted(named):
        gs.warning(
            f"The bands are those of the training in another order: {listed(named)} "
            f"instead of {listed(wanted)}"
        )
    return bands


def _derived_for_model(given: BandMaps, expected: Sequence[Band], prefix: str) -> BandMaps:
    """The maps of a date, whose options begin with a prefix, and of what the bands are derived that
    the model has at this date.

    A red or near infrared that was itself a band of the model is taken from the same place
    among the given maps, so that it need not be named again.
    """
    plain = [band.source["map"] for band in expected if band.derivation is None]
    if expected and not plain:
        # The modules' options ask for maps, of which such a model takes none.
        if given.maps:
            gs.message("The model has derived bands only: maps of input or group are not read")
        given = replace(given, maps=[], names=[])
    _check_number(given, [band.name for band in expected if band.derivation is None])
    derived = {}
    for band in expected:
        if band.derivation is None:
            continue
        source = given.derived.get(band.derivation)
        if source is None:
            places = [plain.index(one) for one in band.source.values() if one in plain]
            if len(places) < len(band.source):
                roles = " and ".join(prefix + role for role in band.source)
                raise ValueError(f"The model has a band <{band.name}>: options {roles} are needed")
            source = {
                role: given.maps[place] for role, place in zip(band.source, places, strict=True)
            }
        derived[band.derivation] = source
    surplus = [name for name in given.derived if name not in derived]
    if surplus:
        roles = " and ".join(given.derived[surplus[0]])
        raise ValueError(f"The model has no band <{surplus[0]}>: leave out {roles}")
    return replace(given, derived=derived)


def _check_number(given: BandMaps, expected: Sequence[str]) -> None:
    """Refuse more or fewer maps than a model has bands that are not derived, called as told."""
    found = given.names or [_name_of(one) for one in given.maps]
    wrong = number_mismatch(expected, found)
    if wrong:
        raise ValueError(
            f"The inputs do not fit the model: {wrong}. Options input or group take a map of each, "
            "in this order"
        )


def frame_of(bands: Sequence[Band], region: Region) -> tuple[int, int, int, int]:
    """The extent that all maps on the region's grid share.

    Returns:
        First row, rows, first column and columns, counted from the region's upper left cell (they
        may be negative). Where no map is on the region's grid, the region itself.

    Raises:
        ValueError: The maps have no cell in common.
    """
    top, bottom, left, right = [], [], [], []
    for name in sources_of(bands):
        grid = Region.of_raster(name)
        place = region.place_of(grid)
        if place:
            top.append(place[0])
            bottom.append(place[0] + grid.rows)
            west, east = region.span_of(place[1], grid.cols)
            left.append(west)
            right.append(east)
    if not top:
        return 0, region.rows, 0, region.cols
    rows, cols = min(bottom) - max(top), min(right) - max(left)
    if rows <= 0 or cols <= 0:
        raise ValueError("The input maps have no cell in common")
    return max(top), rows, max(left), cols


def sources_of(bands: Sequence[Band]) -> list[str]:
    """Fully qualified names of all maps that bands are read from."""
    return sorted({one for band in bands for one in band.source.values()})


def described(bands: Sequence[Band]) -> str:
    """All that is known of bands, as text: their order, derivation and resampling among it."""
    return str([band.to_json() for band in bands])
