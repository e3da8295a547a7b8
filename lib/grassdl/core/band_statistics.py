# SPDX-License-Identifier: GPL-2.0-or-later
"""Statistics of a band's values that merge exactly: count, sums, range and histogram."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NotRequired, TypedDict

import numpy as np
from msgspec import Meta

from .bands import LARGEST_SUM
from .schema import Count, checked

PIECE_VALUES = 1 << 16
"""Values of 8 or 16 bits that are counted at a time: in 64 bits each, they fit a cache."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass
class Histogram:
    """Counts of values in bins [k w, (k + 1) w) with w a power of two.

    The bin width is the smallest that keeps the range within `MAX_BINS` and the bins' numbers
    within `MAX_BIN_BITS`, so it follows from the minimum and maximum alone, and histograms of
    parts merge to exactly that of the whole.
    """

    MAX_BINS = 256
    MIN_EXPONENT = -20
    MAX_BIN_BITS = 40

    exponent: int = MIN_EXPONENT
    first: int = 0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(cls, values: np.ndarray, counts: np.ndarray | None = None) -> Histogram:
        """The histogram of finite values of any shape, each once or as often as `counts` says."""
        if values.size == 0:
            return cls()
        exponent = cls._exponent_for(float(values.min()), float(values.max()))
        # In float32 the tiniest values would round to 0, and negative ones change their bin.
        bins = np.floor(values.ravel().astype(np.float64) * 2.0**-exponent).astype(np.int64)
        first = int(bins.min())
        weights = None if counts is None else counts.ravel()
        return cls(exponent, first, np.bincount(bins - first, weights).astype(np.int64))

    @classmethod
    def _exponent_for(cls, low: float, high: float) -> int:
        _, bits = math.frexp(max(abs(low), abs(high)))
        exponent = max(cls.MIN_EXPONENT, bits - cls.MAX_BIN_BITS)
        if high > low:
            exponent = max(exponent, math.floor(math.log2((high - low) / cls.MAX_BINS)))
        while math.floor(high * 2.0**-exponent) - math.floor(low * 2.0**-exponent) >= cls.MAX_BINS:
            exponent += 1
        return exponent

    def merge(self, other: Histogram) -> Histogram:
        """The histogram of both sets of values together."""
        if not len(self.counts) or not len(other.counts):
            return other if len(other.counts) else self
        exponent = max(self.exponent, other.exponent)
        while True:
            parts = [self._coarsened(exponent), other._coarsened(exponent)]
            first = min(part.first for part in parts)
            last = max(part.first + len(part.counts) for part in parts)
            if last - first <= self.MAX_BINS:
                break
            exponent += 1
        counts = np.zeros(last - first, np.int64)
        for part in parts:
            start = part.first - first
            counts[start : start + len(part.counts)] += part.counts
        return Histogram(exponent, first, counts)

    def _coarsened(self, exponent: int) -> Histogram:
        shift = exponent - self.exponent
        bins = (np.arange(len(self.counts)) + self.first) >> shift
        return Histogram(
            exponent, int(bins[0]), np.bincount(bins - bins[0], self.counts).astype(np.int64)
        )

    def to_json(self) -> HistogramRecord:
        """Bin width, lower edge of the first bin, and counts."""
        width = 2.0**self.exponent
        return {"width": width, "start": self.first * width, "counts": self.counts.tolist()}

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Histogram:
        """The reverse of `to_json`.

        Raises:
            ValueError: It describes no histogram.
        """
        found = checked(item, HistogramRecord)
        width, start = found["width"], found["start"]
        fraction, exponent = math.frexp(width)
        if fraction != 0.5 or abs(start) > width * 2.0 ** (cls.MAX_BIN_BITS + 1):
            raise ValueError(f"a histogram has no bins of {width:g} from {start:g} on")
        return cls(exponent - 1, round(start / width), np.array(found["counts"], np.int64))


class HistogramRecord(TypedDict):
    """A histogram as JSON."""

    width: Annotated[float, Meta(ge=2.0**Histogram.MIN_EXPONENT, le=2.0**500)]
    start: float
    counts: Annotated[list[Count], Meta(max_length=Histogram.MAX_BINS)]


def _sum_of_squares(values: np.ndarray) -> int:
    """The exact sum of the squares of at most 2^31 values of 32 bits, given as int64."""
    high, low = values >> 16, values & 0xFFFF
    parts = (high * high).sum(), (high * low).sum(), (low * low).sum()
    return (int(parts[0]) << 32) + (int(parts[1]) << 17) + int(parts[2])


@dataclass
class BandStatistics:
    """Count, sum, sum of squares, range and histogram of a band's values without NULLs.

    Sums of integer bands are Python integers: parts merge to exactly the figures of the whole.
    Those of floats are rounded, and differences of them cancel out for a narrow band far from 0.
    Therefore floats also have the sum of squared differences from their mean (Chan et al. 1983).
    """

    count: int = 0
    total: float = 0
    total_squares: float = 0
    minimum: float | None = None
    maximum: float | None = None
    histogram: Histogram = field(default_factory=Histogram)
    squared_differences: float | None = None
    """Of floats; None for integers, and for floats of older datasets."""

    @classmethod
    def of(cls, values: np.ndarray) -> BandStatistics:
        """Statistics of values of any shape and dtype."""
        if values.size == 0:
            return cls()
        integer = values.dtype.kind in "iu"
        if integer and values.dtype.itemsize <= 2:
            return cls._of_short(values)
        number = int if integer else float
        wide: np.ndarray = values.astype(np.int64 if integer else np.float64)
        total, differences = number(wide.sum()), None
        total_squares = _sum_of_squares(wide) if integer else number((wide * wide).sum())
        if not integer:
            wide -= total / values.size
            differences = float(np.square(wide, out=wide).sum())
        return cls(
            count=values.size,
            total=total,
            total_squares=total_squares,
            minimum=number(values.min()),
            maximum=number(values.max()),
            histogram=Histogram.of(values),
            squared_differences=differences,
        )

    @classmethod
    def _of_short(cls, values: np.ndarray) -> BandStatistics:
        """Statistics of 8 or 16-bit integers, by the number of times that each value occurs."""
        lowest = np.iinfo(values.dtype).min
        counts = np.zeros(1 << 8 * values.dtype.itemsize, np.int64)
        pieces = np.atleast_1d(values)
        step = max(1, PIECE_VALUES // pieces[0].size)
        for first in range(0, len(pieces), step):
            piece = pieces[first : first + step].ravel()
            found = np.bincount(piece.astype(np.int32) - lowest if lowest else piece)
            counts[: len(found)] += found
        places = np.flatnonzero(counts)
        # int64 holds the sum of the squares of 2^31 16-bit values.
        distinct, counts = places + lowest, counts[places]
        return cls(
            count=values.size,
            total=int((distinct * counts).sum()),
            total_squares=int((distinct * distinct * counts).sum()),
            minimum=int(distinct[0]),
            maximum=int(distinct[-1]),
            histogram=Histogram.of(distinct, counts),
        )

    def merge(self, other: BandStatistics) -> BandStatistics:
        """Statistics of both sets of values together."""
        if not self.count or not other.count:
            return other if other.count else self
        ends = (self.minimum, self.maximum, other.minimum, other.maximum)
        known = [end for end in ends if end is not None]
        return BandStatistics(
            self.count + other.count,
            self.total + other.total,
            self.total_squares + other.total_squares,
            min(known),
            max(known),
            self.histogram.merge(other.histogram),
            self._merged_differences(other),
        )

    def _merged_differences(self, other: BandStatistics) -> float | None:
        if self.squared_differences is None and other.squared_differences is None:
            return None
        weight = self.count * other.count / (self.count + other.count)
        gap = other.mean - self.mean
        return self._differences + other._differences + gap * gap * weight

    @property
    def _differences(self) -> float:
        """Sum of the squared differences from the mean; computed from the sums if not recorded."""
        if self.squared_differences is not None:
            return self.squared_differences
        # In integers the difference is exact: no cancellation for a narrow band far from 0.
        spread = self.count * self.total_squares - self.total * self.total
        return max(spread, 0) / self.count

    @property
    def mean(self) -> float:
        """Arithmetic mean; 0 without values."""
        return self.total / self.count if self.count else 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation of the population; 0 without values, and for a constant band."""
        if self.minimum == self.maximum:
            return 0.0
        return math.sqrt(self._differences / self.count)

    def quantiles(self) -> dict[str, float]:
        """Values below which the shares `QUANTILES` of all values lie, from the histogram: to a bin
        of it, which is at most 1/128 of the range wide; nothing without values."""
        if self.minimum is None or self.maximum is None:
            return {}
        counts = self.histogram.counts
        width = 2.0**self.histogram.exponent
        ends = (self.histogram.first + np.arange(len(counts) + 1)) * width
        reached = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
        found = np.interp(QUANTILES, reached, ends).clip(self.minimum, self.maximum)
        return {f"{share:g}": float(one) for share, one in zip(QUANTILES, found, strict=True)}

    def to_json(self) -> dict[str, Any]:
        """The statistics as a JSON object."""
        differences = {"squared_differences": self.squared_differences}
        return {
            "count": self.count,
            "sum": self.total,
            "sum_of_squares": self.total_squares,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "histogram": self.histogram.to_json(),
            **(differences if self.squared_differences is not None else {}),
        }

    @classmethod
    def from_json(cls, item: dict[str, Any]) -> BandStatistics:
        """The reverse of `to_json`.

        Raises:
            ValueError: No values can have such statistics.
        """
        found = checked(item, _StatisticsRecord)
        figures = [found[name] for name in ("sum", "sum_of_squares", "minimum", "maximum")]
        if not all(one is None or abs(one) < LARGEST_SUM for one in figures):
            raise ValueError(f"a statistic is above {LARGEST_SUM:g}")
        histogram = Histogram.from_json(found["histogram"])
        read = cls(
            found["count"],
            found["sum"],
            found["sum_of_squares"],
            found["minimum"],
            found["maximum"],
            histogram,
            found.get("squared_differences"),
        )
        if read.count and not read._is_possible():
            raise ValueError("the mean of a band is not between its minimum and maximum")
        return read

    def _is_possible(self) -> bool:
        if self.minimum is None or self.maximum is None:
            return False
        rounding = 1e-6 * max(abs(self.minimum), abs(self.maximum))
        return self.minimum - rounding <= self.mean <= self.maximum + rounding


class _StatisticsRecord(TypedDict):
    count: Count
    sum: int | float
    sum_of_squares: int | float
    minimum: int | float | None
    maximum: int | float | None
    histogram: dict[str, Any]
    squared_differences: NotRequired[float | None]
