# SPDX-License-Identifier: GPL-2.0-or-later
"""Options as the parser leaves them: strings, whose values still need a look."""

from __future__ import annotations

import math


def positive(options: dict[str, str], name: str, default: int | None = None) -> int:
    """An option that counts something.

    Raises:
        ValueError: It is missing and has no default, or below 1.
    """
    value = int(options[name]) if options[name] else default
    if value is None or value < 1:
        raise ValueError(f"Option {name} takes a number of 1 or more")
    return value


def number(
    options: dict[str, str], name: str, lowest: float = -math.inf, highest: float = math.inf
) -> float:
    """An option that is a number within bounds.

    Raises:
        ValueError: It is not.
    """
    value = float(options[name])
    if not (lowest <= value <= highest and math.isfinite(value)):
        bounds = f"{lowest:g} or more" if highest == math.inf else f"{lowest:g} to {highest:g}"
        raise ValueError(f"Option {name} takes a number of {bounds}, not {value:g}")
    return value
