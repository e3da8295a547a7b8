# SPDX-License-Identifier: GPL-2.0-or-later
"""A stack of bands: names, order, derived bands, dtype, and statistics that merge exactly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, cast, get_args

import numpy as np

from .schema import Above0, DateNumber, Day, DayOfYear, Text, checked
from .text import LONGEST_LABEL, listed, one_line

NDSM: Final = "ndsm"
NDVI: Final = "ndvi"
OBSERVED: Final = "observed"

Derivation = Literal["ndsm", "ndvi", "observed"]
"""How a band is computed from source maps."""

Transform = Literal["db"]
"""Transformations of values as they are read: see `decibel`."""

VALUES_OF: Mapping[Transform | None, str] = {None: "the values of the map", "db": "decibel"}
"""What a band holds, by its transform."""

ROLES = {None: {"map"}, NDSM: {"dsm", "dtm"}, NDVI: {"red", "nir"}}
"""Names of the source maps of a band, by its derivation; those of "observed", which are all maps of
its date, are numbered."""

DType = Literal["uint8", "uint16", "int16", "int32", "float32", "float64"]
"""Names of the dtypes that bands have."""

OPTION_PREFIXES = ("", "after_")
"""Prefixes of the options that give the maps of each date of a pair."""

IMAGERY = ("group", "input", "strds")
"""Options of which one gives the imagery; without them a module reads existing probabilities."""

COLORS = ("red", "green", "blue")

NAMES_OF_COLORS = (
    COLORS,
    ("r", "g", "b"),
    ("s2_4", "s2_3", "s2_2"),
    ("b04", "b03", "b02"),
    *((f"l{number}_4", f"l{number}_3", f"l{number}_2") for number in (8, 9)),
    *((f"l{number}_3", f"l{number}_2", f"l{number}_1") for number in (4, 5, 7)),
)
"""Names of the bands of red, green and blue light: plain names, and GRASS's semantic labels of
Sentinel-2 and Landsat."""

Resampling = Literal["nearest", "bilinear", "bicubic", "average"]

LARGEST_SUM = 1e120
"""Limit of sums and sums of squares, far above plausible ones; its square is a finite number."""


@dataclass(frozen=True)
class Band:
    """One band of a stack.

    Attributes:
        name: From `bands=`, else the map's semantic label, else the map's name.
        declared: Whether the name is one of the first two, so that it can be compared.
        source: Source maps by role: {"map": ...}, or for a derived band {"dsm": ..., "dtm": ...}
            or {"red": ..., "nir": ...}; {"1": ..., "2": ...} for "observed".
        derivation: None, "ndsm", "ndvi" or "observed": see `dates`.
        resolution: Cell size of the source in map units (the finer of two).
        resampling: How a source of another grid was resampled to the region's: "nearest",
            "bilinear", "bicubic" or "average".
        units: Units of the source map, or "".
        dtype: The smallest NumPy dtype that holds the band's values.
        date: Index of its date, from 0: see `dates`.
        day: Days from the first date of a series to its own.
        day_of_year: That of its date in a series, from 1; 0 if it is not known.
        transform: Transformation of the values of the source map, or None.
    """

    name: Text
    declared: bool
    source: dict[str, Text]
    derivation: Derivation | None
    resolution: Above0
    resampling: Resampling
    units: Text
    dtype: DType
    date: DateNumber = 0
    day: Day = 0
    day_of_year: DayOfYear = 0
    transform: Transform | None = None

    def __post_init__(self) -> None:
        numbered = {str(place + 1) for place in range(len(self.source))}
        roles = numbered if self.derivation == OBSERVED else ROLES.get(self.derivation)
        if not self.source or self.source.keys() != roles:
            raise ValueError(f"the source maps do not belong to derivation {self.derivation}")
        for name in ("name", "units"):
            object.__setattr__(self, name, one_line(getattr(self, name)))

    def to_json(self) -> dict[str, Any]:
        """The band as a JSON object, without date and days if there is one date only, and without
        transform if there is none."""
        later = ("date", "day", "day_of_year", "transform")
        unset = {name for name in later if not getattr(self, name)}
        return {name: one for name, one in asdict(self).items() if name not in unset}

    @classmethod
    def from_json(cls, item: dict[str, Any]) -> Band:
        """The reverse of `to_json`."""
        return checked(item, cls)

    @property
    def label(self) -> str:
        """The name, and the date if it is not the first: no two bands of a list share it."""
        return f"{self.name} (date {self.date})" if self.date else self.name

    def at(self, date: int, like: Band) -> Band:
        """The band at a date, with the name of another band, its counterpart at the first date."""
        return replace(self, date=date, name=like.name, declared=like.declared)


def check_band_name(name: str) -> None:
    """Refuse a name of a band that is not valid in files and messages.

    Raises:
        ValueError: It has no printable character, or too many.
    """
    length = len(one_line(name))
    if not 1 <= length <= LONGEST_LABEL:
        raise ValueError(
            f"Option bands has a name of {length} printable characters: a name of a band has 1 to "
            f"{LONGEST_LABEL}"
        )


def transforms_of(text: str) -> dict[str, Transform]:
    """The transformations that option transform lists, by name of the band.

    Raises:
        ValueError: It is no list of name:transform, or there is no such transform.
    """
    found: dict[str, Transform] = {}
    for one in filter(None, (word.strip() for word in text.split(","))):
        name, colon, transform = one.rpartition(":")
        if not colon or transform not in get_args(Transform):
            raise ValueError(
                f"Option transform takes BAND:TRANSFORM, with transforms "
                f"{listed(get_args(Transform))}, such as vv:db; found {one}"
            )
        found[name] = cast(Transform, transform)
    return found


def ndsm(dsm: np.ndarray, dtm: np.ndarray) -> np.ndarray:
    """Normalised surface model, the height above ground: DSM - DTM, in their unit (float32)."""
    return (dsm - dtm).astype(np.float32)


def ndvi(red: np.ndarray, nir: np.ndarray) -> np.ndarray:
    """Normalised difference vegetation index (NIR - red) / (NIR + red), float32 in -1..1.

    0 where both are 0, so that black water has a value (Rouse et al. 1974).
    """
    total = nir + red
    difference = nir - red
    return np.divide(
        difference, total, out=np.zeros(total.shape, np.float64), where=total != 0
    ).astype(np.float32)


def decibel(power: np.ndarray) -> np.ndarray:
    """Backscatter in decibel, 10 log10 of its power (float32); NaN where that is 0 or less."""
    found = np.full(power.shape, np.nan, np.float32)
    np.log10(power, out=found, where=power > 0, casting="same_kind")
    found *= 10
    return found


def smallest_dtype(ranges: Iterable[tuple[float, float] | None]) -> np.dtype:
    """The smallest dtype that holds all bands.

    Args:
        ranges: (minimum, maximum) of each integer band; None for a band of floating type.

    Returns:
        uint8, uint16, int16 or int32; float32, the precision networks compute in, as soon as
        one band is of floating type.
    """
    ranges = list(ranges)
    known = [one for one in ranges if one is not None]
    if len(known) < len(ranges):
        return np.dtype(np.float32)
    low = min(one[0] for one in known)
    high = max(one[1] for one in known)
    for candidate in (np.uint8, np.uint16, np.int16):
        limits = np.iinfo(candidate)
        if limits.min <= low and high <= limits.max:
            return np.dtype(candidate)
    return np.dtype(np.int32)


def smallest_dtype_name(ranges: Iterable[tuple[float, float] | None]) -> DType:
    """The name of `smallest_dtype`."""
    return cast(DType, smallest_dtype(ranges).name)


def holds(dtype: np.dtype, cells: np.ndarray) -> bool:
    """Whether an integer dtype holds all of some values, given as int32."""
    limits = np.iinfo(dtype)
    if not cells.size or limits.bits == 32:
        return True
    # As unsigned numbers those below the lowest are the highest: one comparison instead of two.
    shifted = cells - np.int32(limits.min) if limits.min else cells
    return int(shifted.view(np.uint32).max()) <= limits.max - limits.min


def number_mismatch(expected: Sequence[str], given: Sequence[str]) -> str | None:
    """What is wrong with the number of bands, with the names of those that are missing or too many
    as far as they are known; None if nothing is."""
    if len(expected) == len(given):
        return None
    sentence = (
        f"{len(expected)} bands are expected ({listed(expected)}), {len(given)} are given "
        f"({listed(given)})"
    )
    # A name may occur twice.
    missing = list((Counter(expected) - Counter(given)).elements())
    surplus = list((Counter(given) - Counter(expected)).elements())
    if not surplus:
        return f"{sentence}; missing: {listed(missing)}"
    if not missing:
        return f"{sentence}; too many: {listed(surplus)}"
    return sentence


def number_of_dates(bands: Sequence[Band]) -> int:
    """The number of dates of bands."""
    return 1 + max(band.date for band in bands)


def names_mismatch(expected: Sequence[Band], given: Sequence[Band]) -> str | None:
    """What is wrong with `given` bands for something made from `expected` ones, or None.

    Names and their order are compared only where both sides declared them, transforms always.
    """
    dates = [number_of_dates(some) if some else 1 for some in (expected, given)]
    if dates[0] != dates[1]:
        return f"bands of {_dates(dates[0])} are expected, of {_dates(dates[1])} are given"
    wrong = number_mismatch([band.label for band in expected], [band.label for band in given])
    if wrong:
        return wrong
    for place, (one, other) in enumerate(zip(expected, given, strict=True), start=1):
        if one.declared and other.declared and one.name != other.name:
            return f"band {place} is expected to be <{one.label}>, but <{other.label}> is given"
        if one.transform != other.transform:
            return (
                f"band <{one.label}> is expected to hold {VALUES_OF[one.transform]}, but "
                f"{VALUES_OF[other.transform]} are given: see transform of i.dl.patches"
            )
    return None


def _dates(number: int) -> str:
    return "one date" if number == 1 else f"{number} dates"


def places_of(wanted: Sequence[Band], offered: Sequence[Band]) -> list[int | None]:
    """The index of each wanted band among the offered ones; None for a missing one.

    Equal numbers of bands whose declared names and transforms do not contradict are the same bands
    in the same order. Others are found by date, name and transform, and a name that is offered
    twice is not found.
    """
    if names_mismatch(wanted, offered) is None:
        return list(range(len(wanted)))
    labels = [band.label for band in offered]
    known = [(band.label, band.transform) for band in offered]
    return [
        known.index((one.label, one.transform))
        if labels.count(one.label) == 1 and (one.label, one.transform) in known
        else None
        for one in wanted
    ]


def color_of(name: str) -> str | None:
    """Red, green or blue, if that is the name of a band, or the part of it after a dot or the like
    ("ortho.red", "Blue"), or its semantic label is one of that colour; else None."""
    whole = name.lower()
    for called in (whole, re.split(r"[^a-z0-9]", whole)[-1]):
        for names in NAMES_OF_COLORS:
            if called in names:
                return COLORS[names.index(called)]
    return None


def names_imagery(options: Mapping[str, str]) -> bool:
    """Whether the options of a module name imagery for the network."""
    return any(options.get(name) for name in IMAGERY)


def options_of(bands: Sequence[Band]) -> dict[str, str]:
    """The options by which a module reads the maps of bands again.

    Red and near infrared that are bands themselves need not be named: see `bands_for_model`. The
    name of a series is not known.
    """
    if any(one.derivation == OBSERVED for one in bands):
        return {"strds": "SERIES"}
    options = {}
    for date, prefix in enumerate(OPTION_PREFIXES):
        plain = [one.source["map"] for one in bands if (one.date, one.derivation) == (date, None)]
        if plain:
            options[f"{prefix}input"] = ",".join(plain)
        for band in bands:
            apart = band.derivation and not set(band.source.values()) <= set(plain)
            if band.date == date and apart:
                options |= {prefix + role: one for role, one in band.source.items()}
    return options
