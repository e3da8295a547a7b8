# SPDX-License-Identifier: GPL-2.0-or-later
"""The unit of a model's cells in metres, read from the coordinate system of its training area.

It stands alone since it reads WKT, of which no format for other tools should know.
"""

from __future__ import annotations

import re

from ..model.card import ModelCard

_UNIT = re.compile(r'\b(?:LENGTH)?UNIT\["[^"]*",\s*([0-9.eE+-]+)')


def metres_per_unit(card: ModelCard) -> float | None:
    """Metres per map unit; None for degrees, and if unknown.

    The last unit in the WKT of a projected system is that of its coordinates.
    """
    known = (metres_in(area.get("wkt", "")) for area in card.areas)
    return next((one for one in known if one), None)


def metres_in(wkt: str) -> float | None:
    """Metres per unit of a coordinate reference system; None if unknown."""
    units = _UNIT.findall(wkt) if wkt.lstrip().startswith(("PROJCS", "PROJCRS")) else []
    return float(units[-1]) if units else None
