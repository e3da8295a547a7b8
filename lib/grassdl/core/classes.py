# SPDX-License-Identifier: GPL-2.0-or-later
"""Classes of a map: value <-> index, label and colour, and the two codes of cells without class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from .band_statistics import BandStatistics
from .integer_tables import CodeTable
from .label_codes import CLASS_CODES
from .schema import Text, checked
from .target import CLASSES, Target
from .text import LONGEST_LABEL, listed, one_line, value_label

NULL_INDEX = 254
"""Label code of a cell that is NULL in at least one band."""

NO_STRATUM = 65535
"""Code of a cell that belongs to no stratum."""

UNLABELLED_INDEX = 255
"""Label code of an unlabelled cell."""

MAX_CLASSES = NULL_INDEX
"""Class indices run from 0 to 253."""

MAX_VALUE = 2**31 - 1
"""The largest category of a GRASS raster map."""

MOST_BORDER = 64
"""The widest border between objects, in cells: patches are not much larger."""

COLOR = r"^(25[0-5]|2[0-4]\d|1?\d?\d)(:(25[0-5]|2[0-4]\d|1?\d?\d)){2}$"
"""Red, green and blue from 0 to 255, as GRASS writes them."""


_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")

_COLOR = re.compile(r"[0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3}")


@dataclass(frozen=True)
class MapClass:
    """One class: its category `value` in GRASS, its `label`, and its `color` as "R:G:B".

    A label is one line without control characters, whatever its source. `numbered`: the value only
    numbers a text, which may have another number elsewhere. `border`: width in cells of the class
    that separates objects (see `core.object_borders`), 0 for all others. `background`: cells
    without a label are of this class, whatever its own label.
    """

    value: Annotated[int, Meta(ge=0, le=MAX_VALUE)]
    label: Text
    color: Annotated[str, Meta(pattern=COLOR)]
    numbered: bool = field(default=False, compare=False)
    border: Annotated[int, Meta(ge=0, le=MOST_BORDER)] = field(default=0, compare=False)
    background: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", one_line(self.label))

    @property
    def full_name(self) -> str:
        """Value and label; the value alone where there is no other label."""
        return value_label(self.value, self.label)

    @property
    def rgb(self) -> tuple[float, float, float]:
        """The colour as three shares of 1, as Matplotlib takes it."""
        red, green, blue = (int(part) / 255 for part in self.color.split(":"))
        return red, green, blue


class ClassScheme(Target):
    """The classes of a dataset or model, in the order of their values; the position is the index.

    Args:
        classes: At least two classes with different values.

    Raises:
        ValueError: Fewer than two classes, too many, repeated values, values that no GRASS raster
            map of classes can hold, an invalid label or colour, or two borders.
    """

    kind = CLASSES
    codes = CLASS_CODES

    def __init__(self, classes: Iterable[MapClass]):
        self.classes = tuple(sorted(classes, key=lambda one: one.value))
        values = [one.value for one in self.classes]
        for one in self.classes:
            _check_writable(one)
        if len(values) < 2:
            found = f"only class {_quoted(self.classes[0])}" if values else "none"
            raise ValueError(f"At least two classes are needed, found {found}")
        if len(values) > MAX_CLASSES:
            raise ValueError(f"At most {MAX_CLASSES} classes are possible, found {len(values)}")
        if len(set(values)) < len(values):
            raise ValueError("Two classes have the same value")
        if values[0] < 0 or values[-1] > MAX_VALUE:
            wrong = values[0] if values[0] < 0 else values[-1]
            raise ValueError(f"Class values run from 0 to {MAX_VALUE}, found {wrong}")
        borders = [one for one in self.classes if one.border]
        if len(borders) > 1:
            told = " and ".join(_quoted(one) for one in borders)
            raise ValueError(f"One class is the border between objects, found {told}")

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
    def border_index(self) -> int | None:
        """Index of the class that separates objects; None if there is none."""
        return next((index for index, one in enumerate(self.classes) if one.border), None)

    @property
    def labels(self) -> list[str]:
        """Labels by class index."""
        return [one.label for one in self.classes]

    def index_of(self, values: np.ndarray) -> np.ndarray:
        """Class indices (uint8) of category values; unlabelled for values of no class."""
        code_of = {one.value: index for index, one in enumerate(self)}
        return CodeTable(code_of, UNLABELLED_INDEX).encode(values)

    def places_of(self, classes: ClassScheme) -> np.ndarray:
        """Indices (uint8) in this scheme of another one's classes, unlabelled where there is none.

        Classes are the same by value; by label where the value of one of them only numbers a text.
        """
        places = self.index_of(classes.values)
        for index, one in enumerate(classes):
            by_value = places[index] < len(self) and not self.classes[places[index]].numbered
            if one.numbered or not by_value:
                same = [
                    place
                    for place, own in enumerate(self)
                    if own.label == one.label and (one.numbered or own.numbered)
                ]
                places[index] = same[0] if same else UNLABELLED_INDEX
        return places

    @property
    def outputs(self) -> int:
        """See `Target.outputs`."""
        return len(self)

    @property
    def counted(self) -> ClassScheme:
        """See `Target.counted`."""
        return self

    def counted_codes(self, labels: np.ndarray) -> np.ndarray:
        """See `Target.counted_codes`."""
        return labels

    def described_by(self, statistics: Sequence[BandStatistics]) -> ClassScheme:
        """See `Target.described_by`."""
        return self

    def measured(self, labels: np.ndarray) -> np.ndarray:
        """See `Target.measured`."""
        return np.zeros((*labels.shape, 0), np.float32)

    def joined(self, others: Sequence[ClassScheme]) -> ClassScheme:
        """See `Target.joined` and `union`."""
        return union([self, *others])

    def difference(self, other: ClassScheme) -> str | None:
        """See `Target.difference`."""
        values = [scheme.values.tolist() for scheme in (self, other)]
        if values[0] != values[1]:
            return (
                f"class values are {listed(values[0])} of one and {listed(values[1])} of the other"
            )
        for own, their in zip(self, other, strict=True):
            if own.label != their.label:
                return f"class {own.value} is <{own.label}> of one and <{their.label}> of the other"
        return None

    def is_same(self, other: Target) -> bool:
        """See `Target.is_same`."""
        return (
            isinstance(other, ClassScheme)
            and other.kind == self.kind
            and self.difference(other) is None
        )

    def with_widest_border(self, others: Iterable[ClassScheme]) -> ClassScheme:
        """The same classes, of the same kind, with the border as wide as the widest of other
        schemes like this one."""
        schemes = [self, *others]
        return type(self)(
            replace(one, border=max(list(scheme)[index].border for scheme in schemes))
            for index, one in enumerate(self)
        )

    def scheme(self, what: str) -> ClassScheme:
        """See `Target.scheme`."""
        return self

    @property
    def summary(self) -> str:
        """See `Target.summary`."""
        return f"{len(self)} classes"

    @property
    def deciding(self) -> list[Any]:
        """See `Target.deciding`."""
        return self.values.tolist()

    @property
    def hashed(self) -> list[dict[str, Any]]:
        """See `Target.hashed`: earlier versions did not record which class is the background."""
        return [
            {name: one for name, one in item.items() if name != "background"}
            for item in self.to_json()
        ]

    def to_json(self) -> list[dict[str, Any]]:
        """The classes as JSON objects with index, value, label and colour."""
        items = [{"index": index, **asdict(one)} for index, one in enumerate(self.classes)]
        for item in items:
            for name in ("numbered", "border", "background"):
                if not item[name]:
                    del item[name]
        return items

    @classmethod
    def from_json(cls, items: list[dict[str, Any]]) -> ClassScheme:
        """The reverse of `to_json`.

        Raises:
            ValueError: There are no such classes, or not in the order of their values, which is
                that of the indices.
        """
        scheme = cls(checked(items, list[MapClass]))
        if scheme.values.tolist() != [item["value"] for item in items]:
            raise ValueError("the classes are not in the order of their values")
        return scheme


def are_integers(texts: Iterable[str]) -> bool:
    """Whether texts are integers, all of them."""
    return all(_INTEGER.fullmatch(text) for text in texts)


def classes_of_texts(texts: Mapping[int, str]) -> dict[int, MapClass]:
    """Classes, without colours, of texts.

    Args:
        texts: The text of a class by category or segment. If all are integers, they are the class
            values; else they get the values 1, 2, ... in sorted order.
    """
    if are_integers(texts.values()):
        return {key: MapClass(int(text), str(int(text)), "") for key, text in texts.items()}
    lines = {key: one_line(text) for key, text in texts.items()}
    order = {text: place for place, text in enumerate(sorted(set(lines.values())), start=1)}
    return {key: MapClass(order[text], text, "", numbered=True) for key, text in lines.items()}


def union(schemes: Sequence[ClassScheme]) -> ClassScheme:
    """The classes of several schemes, of equal ones the first; a background of one is that of all,
    and a border is as wide as the widest.

    Where values only number texts, equal texts are one class: it has the value that another scheme
    gives to the label, else its own, or the next free one if that is taken.

    Raises:
        ValueError: There are too many classes.
    """
    listed = [one for scheme in schemes for one in scheme]
    joined: dict[int, MapClass] = {}
    for one in listed:
        if not one.numbered:
            joined.setdefault(one.value, one)
    known = {one.label for one in joined.values()}
    for one in listed:
        if one.numbered and one.label not in known:
            value = one.value if one.value not in joined else max(joined) + 1
            joined[value] = replace(one, value=value)
            known.add(one.label)
    background = {one.label for one in listed if one.background}
    border = {
        one.label: max(other.border for other in listed if other.label == one.label)
        for one in joined.values()
    }
    return ClassScheme(
        replace(one, background=one.label in background, border=border[one.label])
        for one in joined.values()
    )


def _check_writable(one: MapClass) -> None:
    """Refuse a class that cannot be written to a map, or would look broken there."""
    if len(one.label) > LONGEST_LABEL:
        raise ValueError(
            f"The label of class {one.value}, '{one.label[:20]}...', has {len(one.label)} "
            f"characters: shorten it to {LONGEST_LABEL}"
        )
    if not _COLOR.fullmatch(one.color) or max(map(int, one.color.split(":"))) > 255:
        raise ValueError(
            f"Class {_quoted(one)} has the colour '{one.color}': three numbers from 0 to 255 are "
            "expected, such as 230:159:0"
        )


def _quoted(one: MapClass) -> str:
    """Value and label for a message."""
    return str(one.value) if one.label in ("", str(one.value)) else f"{one.value} <{one.label}>"
