# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps whose labels of equal class values differ."""

from __future__ import annotations

from collections.abc import Mapping

MOST_LISTED = 3
"""Classes that a sentence lists at most."""


def contradictions(labels: Mapping[str, Mapping[int, str]]) -> list[str]:
    """A sentence for each map whose labels differ from those of the maps before it.

    Labels that differ in case and blanks only are the same.

    Args:
        labels: Labels of class values by name of the map.
    """
    sentences = []
    known: dict[int, tuple[str, str]] = {}
    for name, own in labels.items():
        found = [
            f"class {value} is <{known[value][0]}> in <{known[value][1]}> and <{label}> in <{name}>"
            for value, label in sorted(own.items())
            if value in known and _plain(known[value][0]) != _plain(label)
        ]
        if found:
            listed = ", ".join(found[:MOST_LISTED]) + (", ..." if len(found) > MOST_LISTED else "")
            sentences.append(
                f"Labels contradict each other: {listed}. Values are compared, not labels: make "
                "sure that equal values mean the same class, or change them with r.recode"
            )
        known = {value: (label, name) for value, label in own.items()} | known
    return sentences


def _plain(label: str) -> str:
    return " ".join(label.split()).casefold()
