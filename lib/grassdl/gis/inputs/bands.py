# SPDX-License-Identifier: GPL-2.0-or-later
"""The bands of a module: their maps, names and derived bands, and their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import reduce
from typing import cast

import grass.script as gs
import numpy as np

from ...core.bands import (
    NDSM,
    NDVI,
    OBSERVED,
    OPTION_PREFIXES,
    Band,
    Derivation,
    Resampling,
    Transform,
    holds,
    names_mismatch,
    ndsm,
    ndvi,
    number_mismatch,
    number_of_dates,
    smallest_dtype,
    smallest_dtype_name,
    transforms_of,
)
from ...core.dates import days_of, far_dates, joined_dates, of_date
from ...core.readers import empty_layers
from ...core.resampling import NEAREST
from ...core.text import listed
from ..raster.info import ANY_CELL, BeyondRangeError, info_of
from ..raster.region import Region
from ..raster.rows import is_null
from ..raster.undeclared_nodata import undeclared_nodata
from .band_maps import BandMaps
from .planes import ResampledRows, method_for, open_plane
from .series import maps_by_date

_DERIVE: Mapping[Derivation, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    NDSM: ndsm,
    NDVI: ndvi,
}


def describe_bands(
    given: Sequence[BandMaps],
    region: Region,
    resampling: Resampling | Sequence[Resampling] = NEAREST,
    transforms: Sequence[Transform | None] | Mapping[str, Transform] | None = None,
) -> list[Band]:
    """The bands of all dates in order: see `core.dates`.

    Args:
        given: The maps of the user's options, by date.
        region: The grid they are read on.
        resampling: How maps are resampled to that grid, for all or for each band.
        transforms: Transformations of the maps' values, for each band or by name; None for
            none.

    Raises:
        ValueError: Two bands have the same name, the bands of dates differ, or there is no map
            of a name to transform.
    """
    count = sum(len(one.maps) + len(one.derived) for one in given)
    methods = iter([resampling] * count if isinstance(resampling, str) else resampling)
    bands = joined_dates([_bands_of_date(one, region, methods) for one in given])
    if isinstance(transforms, Mapping):
        names = [band.name for band in bands if band.derivation is None]
        unknown = [name for name in transforms if name not in names]
        if unknown:
            raise ValueError(
                f"Option transform names a band <{unknown[0]}>: the maps are those of "
                f"{listed(sorted(set(names)))}"
            )
        transforms = [transforms.get(band.name) for band in bands]
    return _transformed(bands, transforms) if transforms else bands


def bands_from_options(options: Mapping[str, str], region: Region) -> list[Band]:
    """The bands of i.dl.patches, see `maps_by_date` and `describe_bands`.

    Raises:
        ValueError: The options contradict each other.
    """
    transforms = transforms_of(options["transform"])
    resampling = cast(Resampling, options["resample"])
    return describe_bands(maps_by_date(options), region, resampling, transforms)


def _transformed(bands: Sequence[Band], transforms: Sequence[Transform | None]) -> list[Band]:
    """Bands whose maps are transformed as they are read."""
    changed = [
        replace(band, transform=one, dtype="float32", units="dB") if one else band
        for band, one in zip(bands, transforms, strict=True)
    ]
    read = {
        (name, band.transform)
        for band in changed
        if band.derivation != OBSERVED
        for name in band.source.values()
    }
    names = sorted(name for name, _ in read)
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(
            f"Raster map <{twice[0]}> would be read with and without a transform: leave out "
            "the band without one, or option transform"
        )
    return changed


def _bands_of_date(given: BandMaps, region: Region, methods: Iterator[Resampling]) -> list[Band]:
    """The bands of a date: those of maps first, then the derived ones."""
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
    return [replace(band, day=given.day, day_of_year=given.day_of_year) for band in bands]


def _name_of(raster: str) -> str:
    """The name of the band of a map if the user gives it none."""
    return info_of(raster).semantic_label or raster.split("@")[0]


def _plain_band(raster: str, name: str, region: Region, method: Resampling) -> Band:
    info = info_of(raster)
    declared = bool(name or info.semantic_label)
    grid = Region.of_raster(raster)
    same_values = method_for(grid, region, method) == NEAREST
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
        dtype="uint8" if name == OBSERVED else "float32",
    )


def _resolution(grid: Region) -> float:
    return (grid.nsres + grid.ewres) / 2


class BandStack:
    """Bands of the process's region as a `grassdl.core.readers.BandReader`.

    Their dtype follows from the metadata of the maps. Values are checked against it as they are
    read.

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
        read = {
            name: (band.resampling, band.transform)
            for band in sorted(bands, key=lambda band: band.derivation == OBSERVED, reverse=True)
            for name in band.source.values()
        }
        self._maps = {name: open_plane(name, region, *read[name]) for name in sorted(read)}
        # Dates of a series may be missing separately, and a cell is NULL where all are.
        observed = [band for band in bands if band.derivation == OBSERVED]
        self._maps_of_dates = [list(band.source.values()) for band in observed] or [[*self._maps]]

    @property
    def cell_bytes(self) -> int:
        """Bytes of memory per cell while it is read, all bands together."""
        per_map = 16 if any(isinstance(one, ResampledRows) for one in self._maps.values()) else 8
        return per_map * len(self._maps) + 2 * len(self.bands) * self.dtype.itemsize

    @property
    def value_range(self) -> tuple[int, int] | None:
        """Lowest and highest value of the maps; None if a band is of floating type."""
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
        """See `core.readers.RowReader.read`; `dtype` changes to one that holds all values if it
        does not hold one."""
        planes = self.planes(row, rows)
        missing = self._missing(lambda name: is_null(planes[name]))
        null = np.logical_and.reduce(missing)
        shape = (*null.shape, len(self.bands))
        try:
            return self._filled(empty_layers(shape, self.dtype), planes, missing), null
        except BeyondRangeError:
            self.dtype = np.dtype(np.int32)
            return self._filled(empty_layers(shape, self.dtype), planes, missing), null

    def planes(self, row: int, rows: int) -> dict[str, np.ndarray]:
        """See `grassdl.core.readers.BandReader.planes`."""
        return {name: one.read(row, rows) for name, one in self._maps.items()}

    def stack(self, planes: dict[str, np.ndarray], null: np.ndarray) -> np.ndarray:
        """See `grassdl.core.readers.BandReader.stack`.

        Raises:
            BeyondRangeError: `dtype` does not hold a value.
        """
        values = np.empty((*null.shape, len(self.bands)), self.dtype)
        missing = [null]
        if len(self._maps_of_dates) > 1:
            missing = [null | one for one in self._missing(lambda name: is_null(planes[name]))]
        return self._filled(values, planes, missing)

    def _missing(self, null_of: Callable[[str], np.ndarray]) -> list[np.ndarray]:
        """Masks (rows, cols) of the cells where a map is NULL: one for each date of a series, else
        one for all maps."""
        return [reduce(np.logical_or, map(null_of, names)) for names in self._maps_of_dates]

    def _filled(
        self, values: np.ndarray, planes: dict[str, np.ndarray], missing: Sequence[np.ndarray]
    ) -> np.ndarray:
        """An array (rows, cols, bands) with the values of planes, 0 where they are missing."""
        some_missing = [one.any() for one in missing]
        for place, band in enumerate(self.bands):
            date = band.date if len(missing) > 1 else 0
            if band.derivation == OBSERVED:
                values[..., place] = ~missing[date]
                continue
            sources = [planes[name] for name in band.source.values()]
            # NULL and values beyond float32 are replaced below.
            with np.errstate(invalid="ignore", over="ignore"):
                cells = _derived(band, sources) if band.derivation else sources[0]
            if some_missing[date]:
                cells = np.where(missing[date], cells.dtype.type(0), cells)
            if values.dtype.kind != "f" and not holds(values.dtype, cells):
                raise BeyondRangeError.of(band.source["map"])
            values[..., place] = cells
        return values

    def null(self, row: int, rows: int) -> np.ndarray:
        """The mask (rows, cols) of cells that are NULL in a band."""
        return self.scan(row, rows)[0]

    def scan(self, row: int, rows: int) -> tuple[np.ndarray, dict[str, tuple[int, int]]]:
        """See `grassdl.core.readers.BandReader.scan`."""
        ranges = {}

        def null_of(name: str) -> np.ndarray:
            if name not in self._unsure:
                return self._maps[name].null(row, rows)
            cells = self._maps[name].read(row, rows)
            null, lowest = np.zeros(cells.shape, bool), cells.min()
            # NULL is the lowest of integers.
            if is_null(lowest):
                null = is_null(cells)
                lowest = cells.min(where=~null, initial=ANY_CELL[1])
            highest = cells.max()
            if not is_null(highest):
                ranges[name] = int(lowest), int(highest)
            return null

        return np.logical_and.reduce(self._missing(null_of)), ranges

    def close(self) -> None:
        """Close all maps."""
        for one in self._maps.values():
            one.close()


@contextmanager
def open_bands(bands: Sequence[Band], region: Region) -> Iterator[BandStack]:
    """The bands of the process's region; the user is warned of possible undeclared no data.

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


def _derived(band: Band, sources: Sequence[np.ndarray]) -> np.ndarray:
    # Float64 keeps the difference of two 32-bit maps.
    assert band.derivation is not None
    return _DERIVE[band.derivation](*(one.astype(np.float64) for one in sources))


def dtype_of(bands: Sequence[Band]) -> np.dtype:
    """The dtype in which a `BandStack` of these bands gives their values."""
    return smallest_dtype([_joined_range(bands, _ranges(bands))])


def _ranges(bands: Sequence[Band]) -> dict[str, tuple[int, int]]:
    """Lowest and highest value of the map of each integer band, by its metadata."""
    plain = [band for band in bands if band.derivation is None]
    maps = [band.source["map"] for band in plain if np.dtype(band.dtype).kind != "f"]
    return {name: info_of(name).integer_range for name in maps}


def _joined_range(
    bands: Sequence[Band], ranges: Mapping[str, tuple[int, int]]
) -> tuple[int, int] | None:
    """Lowest and highest value of all bands; None if one is of floating type."""
    if any(np.dtype(band.dtype).kind == "f" for band in bands):
        return None
    # 0 and 1 of the bands that mark missing dates.
    known = [*ranges.values(), *([(0, 1)] if days_of(bands) else [])]
    return min(low for low, _ in known), max(high for _, high in known)


def bands_for_model(
    given: Sequence[BandMaps], expected: Sequence[Band], region: Region
) -> list[Band]:
    """The given bands of each date, derived and resampled as the model's bands were, checked
    against them.

    Raises:
        ValueError: The bands do not fit the model.
    """
    _check_dates(given, expected)
    prefixes = [""] * len(given) if days_of(expected) else OPTION_PREFIXES
    complete = [
        _derived_for_model(one, of_date(expected, date), prefix)
        for date, (one, prefix) in enumerate(zip(given, prefixes, strict=False))
    ]
    how = [band.resampling for band in expected], [band.transform for band in expected]
    bands = describe_bands(complete, region, *how)
    wrong = names_mismatch(expected, bands)
    if wrong:
        raise ValueError(f"The inputs do not fit the model: {wrong}")
    for sentence in far_dates(expected, bands, "the series", "the training"):
        gs.warning(sentence)
    wanted, named = ([band.label for band in some] for some in (expected, bands))
    if wanted != named and sorted(wanted) == sorted(named):
        gs.warning(
            f"The bands are those of the training in another order: {listed(named)} "
            f"instead of {listed(wanted)}"
        )
    return bands


def _check_dates(given: Sequence[BandMaps], expected: Sequence[Band]) -> None:
    """Refuse dates that differ from those of a model, and a series for a pair or the reverse."""
    days, dates = days_of(expected), number_of_dates(expected)
    if given[0].is_series != bool(days):
        raise ValueError(
            f"The model is of a series of {dates} dates: give a space time raster dataset by strds"
            if days
            else "The model is of no series: leave out strds, and give its maps by group or input"
        )
    if len(given) == dates:
        return
    if days:
        raise ValueError(
            f"The model is of a series of {dates} dates, strds has {len(given)}: choose as many "
            "by where"
        )
    raise ValueError(
        "The model is of one date: leave out after and after_input"
        if len(given) > dates
        else f"The model compares {dates} dates: give the maps of the second by after or "
        "after_input"
    )


def _derived_for_model(given: BandMaps, expected: Sequence[Band], prefix: str) -> BandMaps:
    """The maps of a date, whose options begin with a prefix, and the source maps of the derived
    bands that the model has at this date.

    A red or near infrared that was itself a band of the model is read from the map at the same
    position, so that it need not be named again.
    """
    plain = [band.source["map"] for band in expected if band.derivation is None]
    if expected and not plain:
        # The modules' options require maps, which such a model does not read.
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
    """Refuse more or fewer maps than the bands of a model that are not derived."""
    found = given.names or [_name_of(one) for one in given.maps]
    wrong = number_mismatch(expected, found)
    if wrong:
        how = (
            "Each date of strds has a map of each, chosen by where such as semantic_label in (...)"
            if given.is_series
            else "Options input or group take a map of each, in this order"
        )
        raise ValueError(f"The inputs do not fit the model: {wrong}. {how}")


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
    """All properties of bands as text, including order, derivation and resampling."""
    return str([band.to_json() for band in bands])
