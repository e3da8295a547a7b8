# SPDX-License-Identifier: GPL-2.0-or-later
"""The classes of a part of the report by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.text import value_label
from .tables import Part


def class_names(classes: Sequence[dict[str, Any]]) -> list[str]:
    """Value and label of each class, the values right-aligned."""
    width = max(len(str(one["value"])) for one in classes)
    return [
        " " * (width - len(str(one["value"]))) + value_label(one["value"], one["label"])
        for one in classes
    ]


def classes_of(part: Part, path: str = "classes") -> list[tuple[str, Part]]:
    """The name of each class and its part of the report."""
    return list(zip(class_names(part.get(path)), part.each(path), strict=True))
