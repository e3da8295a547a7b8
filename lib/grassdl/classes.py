# SPDX-License-Identifier: GPL-2.0-or-later
"""Classes of a map: value <-> index, label and colour, and the two codes that are no class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from .records import Text, checked

NULL_INDEX = 254
"""Label code of a cell that is NULL in at least one band."""

NO_STRATUM = 65535
"""Code of a cell that belongs to no stratum."""

UNLABELLED_INDEX = 255
"""Label code of a cell whose class nobody has told."""

MAX_CLASSES = NULL_INDEX
"""Class indices run from 0 to 253."""

MAX_VALUE = 2**31 - 1
"""The largest category of a GRASS raster map."""

NULL_VALUE = -(2**31)
"""What a NULL cell of an integer raster map holds when it is read."""

COLOR = r"^(25[0-5]|2[0-4]\d|1?\d?\d)(:(25[0-5]|2[0-4]\d|1?\d?\d)){2}$"
"""Red, green and blue from 0 to 255, as GRASS writes them."""


@dataclass(frozen=True)
class MapClass:
    """One class: its category `value` in GRASS, its `label`, and its `color` as "R:G:B"."""

    value: Annotated[int, Meta(ge=0, le=MAX_VALUE)]
    label: Text
    color: Annotated[str, Meta(pattern=COLOR)]

    @property
    def full_name(self) -> str:
        """Value and label; the value alone where there is no other label."""
        return self.label if self.label == str(self.value) else f"{self.value} {self.label}"

    @property
    def rgb(self) -> tuple[float, float, float]:
        """The colour as three shares of 1, as matplotlib wants it."""
        red, green, blue = (int(part) / 255 for part in self.color.split(":"))
        return red, green, blue


class ClassScheme:
    """The classes of a dataset or model, in the order of their values; the place is the index.

    Args:
        classes: At least two classes with different values.

    Raises:
        ValueError: Fewer than two classes, too many, values that repeat or that no
            GRASS category raster of classes may hold.
    """

    def __init__(self, classes: Iterable[MapClass]):
        self.classes = tuple(sorted(classes, key=lambda one: one.value))
        values = [one.value for one in self.classes]
        if len(values) < 2:
            found = f"only class {values[0]}" if values else "none"
            raise ValueError(f"At least two classes are needed, found {found}")
        if len(values) > MAX_CLASSES:
            raise ValueError(f"At most {MAX_CLASSES} classes are possible, found {len(values)}")
        if len(set(values)) < len(values):
            raise ValueError("Two classes have the same value")
        if values[0] < 0 or values[-1] > MAX_VALUE:
            wrong = values[0] if values[0] < 0 else values[-1]
            raise ValueError(f"Class values run from 0 to {MAX_VALUE}, found {wrong}")

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[MapClass]:
        return iter(self.classes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassScheme) and self.classes == other.classes

    @property
    def values(self) -> np.ndarray:
        """Category values by class index, int64."""
        return np.array([one.value for one in self.classes], dtype=np.int64)

    @property
    def labels(self) -> list[str]:
        """Labels by class index."""
        return [one.label for one in self.classes]

    def index_of(self, values: np.ndarray) -> np.ndarray:
        """Class indices (uint8) of category values; what is no class becomes unlabelled."""
        place = np.searchsorted(self.values, values)
        place = np.minimum(place, len(self) - 1)
        known = self.values[place] == values
        return np.where(known, place, UNLABELLED_INDEX).astype(np.uint8)

    def to_json(self) -> list[dict]:
        """The classes as JSON objects with index, value, label and colour."""
        return [{"index": index, **asdict(one)} for index, one in enumerate(self.classes)]

    @classmethod
    def from_json(cls, items: list[dict]) -> ClassScheme:
        """The reverse of `to_json`.

        Raises:
            ValueError: There are no such classes, or not in the order of their values, which is
                that of the indices.
        """
        scheme = cls(checked(items, list[MapClass]))
        if scheme.values.tolist() != [item["value"] for item in items]:
            raise ValueError("the classes are not in the order of their values")
        return scheme
