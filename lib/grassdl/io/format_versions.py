# SPDX-License-Identifier: GPL-2.0-or-later
"""Versions of record formats: older records are migrated, newer ones refused.

A record contains its format's version, a whole number that is raised when earlier programs could no
longer read it. For each version there is a step that turns its content into that of the next, so
that datasets and models of all earlier versions can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.schema import shortened

Step = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the content of a record into that of the next format version."""


def check_version(content: dict[str, Any], what: str, newest: int, remedy: str = "") -> None:
    """Refuse a record that only a later i.dl can read.

    Args:
        content: The record.
        what: Begins the message, such as "Model <folder>".
        newest: The newest format version that is known.
        remedy: An alternative to a newer i.dl, such as ", or leave out -r to start anew".

    Raises:
        ValueError: The version is newer, or invalid.
    """
    version = content.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(
            f"{what} is damaged: a format version from 1 to {newest} is expected, found "
            f"{shortened(version)}{remedy}"
        )
    if version > newest:
        known = f"versions 1 to {newest}" if newest > 1 else "version 1"
        raise ValueError(
            f"{what} has format version {shortened(version)}, this i.dl reads {known}: install a "
            f"newer i.dl{remedy}"
        )


def migrated(content: dict[str, Any], steps: Sequence[Step]) -> dict[str, Any]:
    """The content of a record in the newest format version.

    Args:
        content: The record, whose version `check_version` has accepted.
        steps: One for each version but the newest, the first of which takes version 1.

    Raises:
        ValueError: The record is damaged.
    """
    for step in steps[content["version"] - 1 :]:
        content = step(content)
    return content
