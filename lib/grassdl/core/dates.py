# SPDX-License-Identifier: GPL-2.0-or-later
"""Bands of several dates: T dates of B bands are one list of T x B bands, date after date.

Files, tiles and engines process this one list. Bands of one name share their normalisation, so that
changes between the dates are preserved.

Dates of a *series* may be missing in some cells: the last band of each is "observed", 1 where
all maps of the date have data and 0 elsewhere. The other bands of the date are 0 there; these
values are left out of all statistics, and the network replaces them by the means.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from .band_statistics import BandStatistics
from .bands import OBSERVED, Band, names_mismatch, number_of_dates
from .text import listed

FAR_DAYS = 20
"""Most days between a date and that of the training without a warning."""

YEAR = 365
"""Days of a year."""

AS_IT_IS = BandStatistics(count=2, total=0, total_squares=2, minimum=-1, maximum=1)
"""Statistics by which "observed" is normalised: mean 0 and deviation 1. NULL, which is replaced by
the mean, thus is not observed."""


def of_date(bands: Sequence[Band], date: int) -> list[Band]:
    """The bands of a date."""
    return [band for band in bands if band.date == date]


def days_of(bands: Sequence[Band]) -> tuple[int, ...] | None:
    """Days from the first date of a series to each; None for bands that are no series."""
    found = tuple(band.day for band in bands if band.derivation == OBSERVED)
    return found or None


def days_off(expected: Sequence[int], given: Sequence[int]) -> int:
    """The largest difference in days between the dates of two series; 0 up to `FAR_DAYS`."""
    off = max(abs(one - day) for one, day in zip(given, expected, strict=True))
    return off if off > FAR_DAYS else 0


def begins(bands: Sequence[Band]) -> int:
    """The day of the year of the first date of a series; 0 if it is not known."""
    return bands[0].day_of_year


def season_off(expected: Sequence[Band], given: Sequence[Band]) -> int:
    """Days between the days of the year on which two series begin, the shorter way around the
    year; 0 up to `FAR_DAYS`, and where one of them is not known."""
    first, second = begins(expected), begins(given)
    apart = abs(first - second) % YEAR
    off = min(apart, YEAR - apart) if first and second else 0
    return off if off > FAR_DAYS else 0


def far_dates(expected: Sequence[Band], given: Sequence[Band], name: str, others: str) -> list[str]:
    """Sentences about a series whose dates lie far off those of another, or in another season.

    Args:
        expected: Bands of the other.
        given: Its bands.
        name, others: What the two are called.
    """
    wanted, days = days_of(expected), days_of(given)
    if not wanted or not days:
        return []
    sentences = []
    if off := days_off(wanted, days):
        sentences.append(
            f"The dates of {name} are up to {off} days off those of {others}, which were taken on "
            f"days {listed(wanted)} from the first on"
        )
    if off := season_off(expected, given):
        sentences.append(
            f"The dates of {name} begin on day {begins(given)} of the year, {off} days off those "
            f"of {others}, which begin on day {begins(expected)}"
        )
    return sentences


def dates_mismatch(bands: Sequence[Band]) -> str | None:
    """Why bands are not the same bands at each date, date after date; None if they are."""
    dates = number_of_dates(bands)
    per_date = len(bands) // dates
    if [band.date for band in bands] != sorted(list(range(dates)) * per_date):
        return f"{len(bands)} bands are not the same number at each of {dates} dates"
    first = of_date(bands, 0)
    for date in range(1, dates):
        if [band.name for band in of_date(bands, date)] != [band.name for band in first]:
            return f"the bands of date {date} are not called like those of date 0"
    observed = [place for place, band in enumerate(bands) if band.derivation == OBSERVED]
    if observed and (
        per_date == 1 or observed != list(range(len(bands)))[per_date - 1 :: per_date]
    ):
        return f"<{OBSERVED}> is not the last of several bands at each date"
    return None


def joined_dates(by_date: Sequence[Sequence[Band]]) -> list[Band]:
    """The bands of all dates as one list, from the bands of each date.

    Bands have the names of the first date, unless both names are declared and differ.

    Raises:
        ValueError: A date has other bands than the first, or the same in another order.
    """
    first = by_date[0]
    joined = list(first)
    for date, bands in enumerate(by_date[1:], start=1):
        wrong = names_mismatch(first, bands) or _other_order(first, bands)
        if wrong:
            raise ValueError(f"The bands of date {date} are not those of date 0: {wrong}")
        joined += [band.at(date, one) for one, band in zip(first, bands, strict=True)]
    return joined


def _other_order(first: Sequence[Band], bands: Sequence[Band]) -> str | None:
    """A sentence if bands are called like those of the first date, but in another order."""
    names, others = ([band.name for band in some] for some in (first, bands))
    if names == others or sorted(names) != sorted(others):
        return None
    return f"they are {listed(others)}, in another order than {listed(names)}"


def shared_statistics(
    bands: Sequence[Band], statistics: Sequence[BandStatistics]
) -> list[BandStatistics]:
    """The statistics by which each band is normalised: those of its counterparts at all dates
    together; "observed" is not changed by its normalisation."""
    per_date = len(bands) // number_of_dates(bands)
    merged = [
        reduce(BandStatistics.merge, statistics[place::per_date]) for place in range(per_date)
    ]
    return [
        AS_IT_IS if band.derivation == OBSERVED else merged[place % per_date]
        for place, band in enumerate(bands)
    ]


def cells_by_band(bands: Sequence[Band], values: np.ndarray, known: np.ndarray) -> list[np.ndarray]:
    """The cells (...) where each band has values; arguments as of `present_cells`."""
    runs = present_cells(bands, values, known)
    return [there for run, there in runs for _ in range(*run.indices(len(bands)))]


def dates_to_show(missing: Sequence[int]) -> list[int]:
    """Which dates show an area, by the number of its cells that each misses: those that miss
    fewest, as a rule none."""
    return [date for date, cells in enumerate(missing) if cells == min(missing)]


def present_cells(
    bands: Sequence[Band], values: np.ndarray, known: np.ndarray
) -> list[tuple[slice, np.ndarray]]:
    """Groups of bands, and the mask (...) of the cells where they have values.

    Args:
        bands: The bands.
        values: Their values (..., bands), of some cells.
        known: Cells (...) that are not NULL.
    """
    dates = number_of_dates(bands)
    if days_of(bands) is None:
        return [(slice(0, len(bands)), known)]
    runs, per_date = [], len(bands) // dates
    for first in range(0, len(bands), per_date):
        last = first + per_date - 1
        observed = values[..., last] != 0
        runs += [(slice(first, last), known & observed), (slice(last, last + 1), known)]
    return runs
