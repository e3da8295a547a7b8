# SPDX-License-Identifier: GPL-2.0-or-later
"""Files in which a user assigns values, labels and colours to classes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..core.classes import COLOR, MAX_VALUE
from ..core.colors import GRASS_COLORS
from ..core.text import one_line
from .delimited import read_text

_VALUE_AND_LABEL = re.compile(r"([0-9]{1,10})\s*[|,;:\s]\s*(.+)")

NO_CLASS = ("nv", "default")
"""Keys of r.colors that are not classes."""


def read_labels(path: str) -> dict[int, str]:
    """Labels by class value, of lines such as 3|building, as r.category takes them.

    Raises:
        ValueError: The file cannot be read, a line is no rule, or two rules contradict.
    """
    found: dict[int, str] = {}
    for number, line in _rules(path, "File of class values"):
        rule = _VALUE_AND_LABEL.fullmatch(line)
        if not rule or int(rule[1]) > MAX_VALUE:
            raise ValueError(
                f"Line {number} of <{path}> is '{line}': a class value and its label are expected, "
                "such as 3|building"
            )
        value, label = int(rule[1]), one_line(rule[2])
        others = {other for one, other in found.items() if one != value}
        if found.get(value, label) != label or label in others:
            raise ValueError(
                f"Line {number} of <{path}> gives value {value} and label <{label}>, one of which "
                "an earlier line gives to another class: each class needs one of its own"
            )
        found[value] = label
    return found


def read_colors(path: str) -> dict[int | str, str]:
    """Colours by class value or label, of lines such as 3 213:94:0, as r.colors takes them.

    Raises:
        ValueError: The file cannot be read, or a line is no rule.
    """
    found: dict[int | str, str] = {}
    for number, line in _rules(path, "File of class colours"):
        *words, color = line.split()
        key, color = one_line(" ".join(words)), GRASS_COLORS.get(color.lower(), color)
        if not key or not re.match(COLOR, color):
            raise ValueError(
                f"Line {number} of <{path}> is '{line}': a class value or label and a "
                "colour are expected, such as 7 0:114:178 or water blue"
            )
        if key not in NO_CLASS:
            found[int(key) if key.isascii() and key.isdigit() else key] = color
    return found


def _rules(path: str, what: str) -> Iterator[tuple[int, str]]:
    """The lines of a file that are neither empty nor comments, with their numbers."""
    for number, line in enumerate(read_text(path, what).splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, one_line(line)
