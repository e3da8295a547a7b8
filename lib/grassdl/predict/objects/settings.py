# SPDX-License-Identifier: GPL-2.0-or-later
"""Which classes have objects, and which class separates them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...core.class_rules import BACKGROUND_LABEL
from ...core.options import positive, wholes
from ...core.text import listed
from ...model.card import ModelCard


@dataclass(frozen=True)
class ObjectSettings:
    """How objects are found.

    Attributes:
        classes: Indices of the classes that have objects.
        border: Index of the border class; None if there is none.
        reach: Cells that an object grows over the border at most: the width of the border.
        minsize: Cells that an object has at least.
    """

    classes: tuple[int, ...]
    border: int | None = None
    reach: int = 0
    minsize: int = 1

    @classmethod
    def from_options(cls, options: Mapping[str, str], card: ModelCard) -> ObjectSettings | None:
        """Read objects, object_classes and minsize; None if no objects are wanted.

        Raises:
            ValueError: A class is not in the model or is its border, or nothing separates objects.
        """
        if not options["objects"]:
            return None
        border = card.classes.border_index
        return cls(
            _given(options, card) if options["object_classes"] else _usual(card),
            border,
            list(card.classes)[border].border if border is not None else 0,
            positive(options, "minsize", default=1),
        )


def _given(options: Mapping[str, str], card: ModelCard) -> tuple[int, ...]:
    """The classes that the user names."""
    values = card.classes.values.tolist()
    wanted = sorted(set(wholes(options, "object_classes")))
    for value in wanted:
        if value not in values or values.index(value) == card.classes.border_index:
            there = [one.full_name for one in card.classes if not one.border]
            raise ValueError(
                f"Class {value} of option object_classes has no objects in model <{card.name}>: "
                f"its classes are {listed(there)}"
            )
    return tuple(values.index(value) for value in wanted)


def _usual(card: ModelCard) -> tuple[int, ...]:
    """All classes of a model with borders but border and background."""
    if card.classes.border_index is None:
        raise ValueError(
            f"Model <{card.name}> has no class of borders, without which objects that touch are "
            "one: train it on patches with borders (i.dl.patches borders=), or name the classes "
            "whose connected areas are objects (object_classes)"
        )
    found = tuple(
        index
        for index, one in enumerate(card.classes)
        # In older datasets only the label marks the border.
        if not one.border and not one.background and one.label != BACKGROUND_LABEL
    )
    if not found:
        raise ValueError(
            f"Model <{card.name}> has no class but background and border: leave out objects"
        )
    return found
