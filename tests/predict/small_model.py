# SPDX-License-Identifier: GPL-2.0-or-later
"""What the small models of these tests know."""

from grassdl.bands import Band
from grassdl.classes import ClassScheme, MapClass

CLASSES = ClassScheme(
    [
        MapClass(2, "grass", "120:200:80"),
        MapClass(5, "roof", "200:60:50"),
        MapClass(9, "a b|c", "1:2:3"),
    ]
)

ROWS, COLS = 45, 70
MEAN, DEVIATION = [100.0, 40.0], [30.0, 10.0]


def plain_band(name: str, declared: bool = False) -> Band:
    """A band of a map of the same name."""
    return Band(name, declared, {"map": f"{name}@PERMANENT"}, None, 1.0, "nearest", "", "float32")
