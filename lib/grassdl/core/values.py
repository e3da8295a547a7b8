# SPDX-License-Identifier: GPL-2.0-or-later
"""A value of each cell as the target of a network: height, biomass, cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal, TypedDict

import numpy as np
from msgspec import Meta

from .band_statistics import BandStatistics
from .classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from .label_codes import VALUE_CODES
from .schema import Text, Value32, checked
from .target import VALUE, Target

RANGES = 10
"""Number of the ranges in which cells are counted, with about as many cells each."""

FEWEST_DIGITS, MOST_WHOLE, ALL_DIGITS = 4, 9, 17
"""Digits in the names of ranges: the fewest, the most before the point, and what tells all floats
apart."""

VIRIDIS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Colours from the lowest to the highest value, whose order is preserved in greyscale print."""


@dataclass(frozen=True)
class ValueTarget(Target):
    """A value of cells.

    Attributes:
        name: The name of its map or column.
        units: Units, or "".
        mean, deviation: Over the labelled cells of the training split.
        minimum, maximum: The same; None where there are none.
        edges: Lower ends (1 to n) of the ranges in which cells are counted, except the first.
    """

    name: str
    units: str = ""
    mean: float = 0.0
    deviation: float = 1.0
    minimum: float | None = None
    maximum: float | None = None
    edges: tuple[float, ...] = (0.0,)

    kind = VALUE
    codes = VALUE_CODES

    @property
    def outputs(self) -> int:
        """See `Target.outputs`."""
        return 1

    @property
    def counted(self) -> ClassScheme:
        """The ranges of values as classes 1, 2, ..."""
        ends = _distinct_texts(self.edges)
        inner = (f"{low} to {high}" for low, high in zip(ends, ends[1:], strict=False))
        labels = [f"below {ends[0]}", *inner, f"{ends[-1]} and more"]
        places = np.linspace(0, 1, len(labels))
        return ClassScheme(
            MapClass(number, label, viridis(place))
            for number, (label, place) in enumerate(zip(labels, places, strict=True), start=1)
        )

    def counted_codes(self, labels: np.ndarray) -> np.ndarray:
        """See `Target.counted_codes`."""
        # In the dtype of the labels: a label equal to an edge belongs to the range above it.
        edges = np.array(self.edges, labels.dtype)
        found = np.searchsorted(edges, labels, side="right").astype(np.uint8)
        found[~self.codes.is_labelled(labels)] = UNLABELLED_INDEX
        found[self.codes.is_null(labels)] = NULL_INDEX
        return found

    def described_by(self, statistics: Sequence[BandStatistics]) -> ValueTarget:
        """See `Target.described_by`."""
        (own,) = statistics
        return replace(
            self,
            mean=float(own.mean),
            deviation=float(own.deviation),
            minimum=own.minimum,
            maximum=own.maximum,
        )

    def measured(self, labels: np.ndarray) -> np.ndarray:
        """See `Target.measured`."""
        return np.where(self.codes.is_labelled(labels), labels, 0)[..., np.newaxis]

    def joined(self, others: Sequence[ValueTarget]) -> ValueTarget:
        """See `Target.joined`; the ranges are those of the first."""
        return self

    def difference(self, other: ValueTarget) -> str | None:
        """See `Target.difference`; the name may differ."""
        if self.units and other.units and self.units != other.units:
            return f"values are in {self.units} of one and in {other.units} of the other"
        return None

    def is_same(self, other: Target) -> bool:
        """See `Target.is_same`."""
        return isinstance(other, ValueTarget) and self.difference(other) is None

    @property
    def title(self) -> str:
        """Name and units."""
        return f"<{self.name}> in {self.units}" if self.units else f"<{self.name}>"

    @property
    def summary(self) -> str:
        """See `Target.summary`."""
        return f"values of {self.title}"

    @property
    def deciding(self) -> list[Any]:
        """See `Target.deciding`."""
        return [self.kind]

    def to_json(self) -> dict[str, Any]:
        """The target as a JSON object."""
        return {"kind": self.kind, **asdict(self), "edges": list(self.edges)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ValueTarget:
        """The reverse of `to_json`.

        Raises:
            ValueError: The content describes no target.
        """
        found = checked(content, _Record)
        edges = found["edges"]
        if any(low >= high for low, high in zip(edges, edges[1:], strict=False)):
            raise ValueError("the ranges of the target's values do not ascend")
        return cls(
            found["name"],
            found["units"],
            found["mean"],
            found["deviation"],
            found["minimum"],
            found["maximum"],
            tuple(edges),
        )


class _Record(TypedDict):
    kind: Literal["value"]
    name: Text
    units: Text
    mean: Value32
    deviation: Annotated[float, Meta(ge=0, le=3.4e38)]
    minimum: Value32 | None
    maximum: Value32 | None
    edges: Annotated[list[Value32], Meta(min_length=1, max_length=2 * RANGES)]


def _distinct_texts(edges: Sequence[float]) -> list[str]:
    """Numbers as texts that differ, with all digits before the point if these are few."""
    whole = len(f"{max(map(abs, edges)):.0f}")
    least = max(FEWEST_DIGITS, whole) if whole <= MOST_WHOLE else FEWEST_DIGITS
    for digits in range(least, ALL_DIGITS):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(texts):
            return texts
    return [repr(float(edge)) for edge in edges]


def viridis(place: float) -> str:
    """The colour "R:G:B" at a position from 0 to 1."""
    stops = np.linspace(0, 1, len(VIRIDIS))
    parts = (round(np.interp(place, stops, channel)) for channel in zip(*VIRIDIS, strict=True))
    return ":".join(map(str, parts))


def range_edges(values: np.ndarray) -> tuple[float, ...]:
    """Lower ends of ranges with about equal counts of some values, except the first.

    A value that fills more than a range by itself, such as 0 of heights, has one of its own, and
    the others have their ranges as if it were not there.

    Args:
        values: Finite values, at least one; of a single value there is a range from it on.
    """
    ordered = np.sort(values.ravel())
    starts, times = np.unique(_starts(ordered), return_counts=True)
    frequent = starts[times > 1]
    behind = np.searchsorted(ordered, frequent, side="right")
    following = ordered[behind[behind < len(ordered)]]
    others = _starts(ordered[~np.isin(ordered, frequent)])
    found = np.unique(np.concatenate([frequent, following, others]))
    return tuple(found[found > ordered[0]].tolist() or ordered[-1:].tolist())


def _starts(ordered: np.ndarray) -> np.ndarray:
    """The first value of each tenth of ascending values."""
    return ordered[np.arange(RANGES) * len(ordered) // RANGES] if len(ordered) else ordered
