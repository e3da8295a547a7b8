# SPDX-License-Identifier: GPL-2.0-or-later
"""Values, labels and colours that the user gives to classes, and warnings about classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .classes import ClassScheme, MapClass, are_integers, classes_of_texts
from .colors import default_colors
from .text import one_line

BACKGROUND_LABEL = "background"

BORDER_LABEL = "border"

FEWEST_OBJECTS = 8
"""Least number of objects to warn about: fewer may each have a class of its own."""


@dataclass(frozen=True)
class ClassRules:
    """The user's settings of classes.

    Attributes:
        labels: Label by class value.
        colors: Colour "R:G:B" by class value or label.
        path: File of the labels.
        background: Class value of cells without a label; None leaves them unlabelled.
        borders: Width in cells of the class between objects; 0 for no such class.
    """

    labels: dict[int, str] = field(default_factory=dict)
    colors: dict[int | str, str] = field(default_factory=dict)
    path: str = ""
    background: int | None = None
    borders: int = 0

    def classes(self, texts: Mapping[int, str]) -> dict[int, MapClass]:
        """Classes of texts; see `classes_of_texts`. Those of the file have its values.

        Raises:
            ValueError: The file lacks a text.
        """
        if not self.labels or are_integers(texts.values()):
            self._check_numbers(texts)
            return classes_of_texts(texts)
        value_of = {label: value for value, label in self.labels.items()}
        lines = {key: one_line(text) for key, text in texts.items()}
        unknown = sorted(set(lines.values()) - set(value_of))
        if unknown:
            raise ValueError(
                f"Class <{unknown[0]}> has no value in <{self.path}>: add a line such as "
                f"{max(self.labels) + 1}|{unknown[0]}"
            )
        return {key: MapClass(value_of[text], text, "") for key, text in lines.items()}

    def _check_numbers(self, texts: Mapping[int, str]) -> None:
        """Refuse other values for texts that are all integers, which are class values themselves.

        Raises:
            ValueError: The file has one.
        """
        given = set(texts.values())
        for value, label in self.labels.items():
            if label in given and label != str(value):
                raise ValueError(
                    f"Texts that are all integers are class values, and <{self.path}> gives "
                    f"<{label}> the value {value}: name classes by words, or leave out that line"
                )

    def check_background(self, table: Mapping[int, MapClass]) -> None:
        """Refuse a background whose value is also that of a text."""
        for one in table.values():
            if one.numbered and one.value == self.background and one.label != str(one.value):
                raise ValueError(
                    f"background={self.background} is the value of class <{one.label}> (texts have "
                    "the values 1, 2, ...): choose another one, such as 0"
                )

    def background_index(self, classes: ClassScheme) -> int | None:
        """Class index of cells without a label; None leaves them unlabelled."""
        if self.background is None:
            return None
        return int(classes.index_of(np.array([self.background]))[0])

    def scheme(self, found: Iterable[MapClass], name: str, lost: Sequence[str] = ()) -> ClassScheme:
        """The classes with the background's, each with its label and a colour.

        Args:
            found: The classes.
            name: Name of the map.
            lost: Sentences about labels without effect, a possible reason of missing classes.
        """
        classes = {one.value: self.applied(one) for one in found}
        if self.background is not None and self.background not in classes:
            plain = MapClass(self.background, BACKGROUND_LABEL, "")
            classes[self.background] = self.applied(plain)
        if self.background is not None:
            classes[self.background] = replace(classes[self.background], background=True)
        if self.borders:
            border = self._border(classes)
            classes[border.value] = self.applied(border)
        listed = [one for _, one in sorted(classes.items())]
        without = [one.label for one in listed if not one.color]
        chosen = iter(default_colors(without, {one.color for one in listed if one.color}))
        complete = [one if one.color else replace(one, color=next(chosen)) for one in listed]
        try:
            return ClassScheme(complete)
        except ValueError as error:
            told = f"Labels <{name}> in the region: {error}"
            if len(complete) == 1 and self.background is None and not lost:
                told += (
                    ", which all labelled cells have: enlarge the region, or give background= if "
                    "all other cells are a class"
                )
            raise ValueError(". ".join([told, *lost])) from None

    def doubts(self, classes: ClassScheme, objects: int) -> list[str]:
        """Sentences about classes that are probably not as intended.

        Args:
            classes: The classes.
            objects: Number of categories that have one.
        """
        own = len(classes) - (self.background is not None) - bool(self.borders)
        return renumbered(classes) + _numbers_of_objects(own, objects)

    def _border(self, classes: Mapping[int, MapClass]) -> MapClass:
        """The class of the borders: its value is that of the file, or the next free one.

        Raises:
            ValueError: A class has its label or value already.
        """
        given = [value for value, label in self.labels.items() if label == BORDER_LABEL]
        value = given[0] if given else max(classes) + 1
        for one in classes.values():
            if one.label == BORDER_LABEL or one.value == value:
                raise ValueError(
                    f"Class {one.full_name} has value or label of the class <{BORDER_LABEL}> that "
                    "borders= adds: give it another label and value, or leave out borders"
                )
        return MapClass(value, BORDER_LABEL, "", numbered=True, border=self.borders)

    def applied(self, one: MapClass) -> MapClass:
        """A class with the label and colour that the files give it."""
        label = self.labels.get(one.value, one.label)
        color = self.colors.get(one.value) or self.colors.get(label) or one.color
        return replace(one, label=label, color=color)


def renumbered(classes: ClassScheme) -> list[str]:
    """A sentence about numbers among texts, which become texts, if there are any."""
    told = [
        f"<{one.label}> has the value {one.value}"
        for one in classes
        if one.numbered and are_integers([one.label]) and one.label != str(one.value)
    ]
    if not told:
        return []
    listed = ", ".join(told[:3]) + (", ..." if len(told) > 3 else "")
    return [
        f"The classes are numbers and texts: all are taken as texts, which get the values 1, 2, "
        f"... in sorted order, so that {listed}; class_values= gives them other values"
    ]


def _numbers_of_objects(classes: int, objects: int) -> list[str]:
    """A sentence about classes that look like the numbers of objects, if they do."""
    if classes < objects or objects < FEWEST_OBJECTS:
        return []
    return [
        f"{classes} classes for {objects} categories: these look like the numbers of objects; "
        "give column= with the class, or value= where all are of one class"
    ]
