# SPDX-License-Identifier: GPL-2.0-or-later
"""Options as the parser returns them: strings, whose values must be checked.

GRASS's parser takes 32.5, 1e3 and 0x20 for integers, and "nan" for a number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

HIGHEST = 2**31 - 1
"""The largest integer of GRASS."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def positive(options: Mapping[str, str], name: str, default: int | None = None) -> int:
    """An option that counts something.

    Raises:
        ValueError: It is missing and has no default, or no whole number of 1 or more.
    """
    if options[name] or default is None:
        return whole(options, name, lowest=1)
    return default


def whole(
    options: Mapping[str, str], name: str, lowest: int = -HIGHEST, highest: int = HIGHEST
) -> int:
    """An option that is a whole number within bounds.

    Raises:
        ValueError: It is not.
    """
    return _whole(options[name], name, lowest, highest)


def wholes(
    options: Mapping[str, str], name: str, lowest: int = -HIGHEST, highest: int = HIGHEST
) -> tuple[int, ...]:
    """An option that lists whole numbers within bounds, separated by commas.

    Raises:
        ValueError: One of them is not.
    """
    return tuple(_whole(one, name, lowest, highest) for one in _listed(options[name]))


def number(
    options: Mapping[str, str], name: str, lowest: float = -math.inf, highest: float = math.inf
) -> float:
    """An option that is a number within bounds.

    Raises:
        ValueError: It is not.
    """
    return parsed_number(options[name], name, lowest, highest)


def numbers(
    options: Mapping[str, str], name: str, lowest: float = -math.inf, highest: float = math.inf
) -> tuple[float, ...]:
    """An option that lists numbers within bounds, separated by commas.

    Raises:
        ValueError: One of them is not.
    """
    return tuple(parsed_number(one, name, lowest, highest) for one in _listed(options[name]))


def parsed_number(
    text: str, name: str, lowest: float = -math.inf, highest: float = math.inf
) -> float:
    """A number within bounds that is part of the option `name`.

    Raises:
        ValueError: It is not.
    """
    value = float(text) if _DECIMAL.fullmatch(text.strip()) else math.nan
    if not (lowest <= value <= highest and math.isfinite(value)):
        raise ValueError(f"Option {name} takes a number{_bounds(lowest, highest)}, not {text}")
    return value


def _whole(text: str, name: str, lowest: int, highest: int) -> int:
    value = int(text) if _WHOLE.fullmatch(text.strip()) else None
    if value is None or not lowest <= value <= highest:
        bounds = _bounds(
            lowest if lowest > -HIGHEST else -math.inf, highest if highest < HIGHEST else math.inf
        )
        too_large = value is not None and abs(value) > highest >= HIGHEST
        least = f" up to {highest}" if too_large else ""
        raise ValueError(f"Option {name} takes a whole number{bounds}{least}, not {text}")
    return value


def _bounds(lowest: float, highest: float) -> str:
    if math.isinf(lowest):
        return "" if math.isinf(highest) else f" of at most {highest:.10g}"
    return (
        f" of {lowest:.10g} or more"
        if math.isinf(highest)
        else f" of {lowest:.10g} to {highest:.10g}"
    )


def _listed(text: str) -> list[str]:
    return text.split(",") if text else []


def check_range(name: str, value: float, lowest: float, highest: float) -> None:
    """Refuse a value beyond its bounds.

    Args:
        name: Name of its option.
        value: The value.
        lowest: The lowest that makes sense.
        highest: The highest that is plausible.

    Raises:
        ValueError: It is lower or higher, or no number.
    """
    if not value >= lowest:
        raise ValueError(f"<{name}> must be at least {lowest:g}, found {value:g}")
    if not value <= highest:
        raise ValueError(f"<{name}> must be at most {highest:.12g}, found {value:.12g}")
