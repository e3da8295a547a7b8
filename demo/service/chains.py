# SPDX-License-Identifier: GPL-2.0-or-later
"""Process chains for actinia: templates of JSON, whose words in braces are filled in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "chains"

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def names() -> list[str]:
    """The templates there are."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def template(name: str) -> dict[str, Any]:
    """A template as it is."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def placeholders(chain: Any) -> set[str]:
    """The words in braces that a template has."""
    return set(_PLACEHOLDER.findall(json.dumps(chain)))


def chain(name: str, values: dict[str, str]) -> dict[str, Any]:
    """A chain that can be sent.

    Args:
        name: Name of the template.
        values: The value of each word in braces; may have more than the template needs.

    Raises:
        ValueError: If a word has no value.
    """
    empty = template(name)
    absent = placeholders(empty) - values.keys()
    if absent:
        raise ValueError(
            f"The chain <{name}> has no value for {', '.join(sorted(absent))}: give one for each"
        )
    return _filled(empty, values)


def _filled(part: Any, values: dict[str, str]) -> Any:
    """A part of a template with its words replaced: values are data and never read as JSON."""
    if isinstance(part, dict):
        return {key: _filled(value, values) for key, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values) for value in part]
    if isinstance(part, str):
        return _PLACEHOLDER.sub(lambda found: values[found[1]], part)
    return part
