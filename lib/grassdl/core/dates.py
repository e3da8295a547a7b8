# SPDX-License-Identifier: GPL-2.0-or-later
"""Bands of several dates: T dates of B bands are one list of T x B bands, date after date.

Files, tiles and engines see this one list. Bands of one name share what they are normalised by, so
that a network sees what changed between the dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from .band_statistics import BandStatistics
from .bands import Band, names_mismatch, number_of_dates
from .text import listed


def of_date(bands: Sequence[Band], date: int) -> list[Band]:
    """The bands of a date."""
    return [band for band in bands if band.date == date]


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
    return None


def joined_dates(by_date: Sequence[Sequence[Band]]) -> list[Band]:
    """The bands of all dates, each list described as if it were alone.

    Bands are called as at the first date, unless both names are declared and differ.

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
    """The statistics by which each band is normalised: those of its place at all dates together."""
    per_date = len(bands) // number_of_dates(bands)
    merged = [
        reduce(BandStatistics.merge, statistics[place::per_date]) for place in range(per_date)
    ]
    return [merged[place % per_date] for place in range(len(bands))]
