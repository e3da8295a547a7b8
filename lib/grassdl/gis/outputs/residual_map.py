# SPDX-License-Identifier: GPL-2.0-or-later
"""A raster map of residuals: predicted values minus those of the reference."""

from __future__ import annotations

from collections.abc import Mapping

from ..raster.info import info_of
from ..session.output_names import check_not_read, check_output_rasters
from .computed_map import write_computed

TEMPORARY_PREFIX = "i_dl_residuals_tmp"

DEVIATIONS = 2
"""Standard deviations from 0 at which the colour scale ends: larger residuals are rare."""

LARGEST = 3.4e38
"""About the largest value of a map in single precision."""

RED, WHITE, BLUE = "178:24:43", "247:247:247", "33:102:172"
"""Too high, right and too low, as in the pictures of the report."""


def check_residuals(output: str, names: Mapping[str, str]) -> None:
    """Refuse a name that cannot be written, or that is one of the maps that are read.

    Args:
        output: Name of the map.
        names: Fully qualified names of the maps that are read.

    Raises:
        ValueError: It is.
    """
    check_output_rasters([output])
    check_not_read([output], names.values())


def write_residuals(output: str, reference: str, names: Mapping[str, str], rmse: float) -> None:
    """Write the map: above 0 where the prediction is too high, NULL where one of the maps is.

    Args:
        output: Name of the map, as `check_residuals` has checked it.
        reference: Name of the raster map that holds the reference.
        names: Names of the maps by the options classification and reference.
        rmse: Root mean square of the residuals, from which the colour scale is chosen.
    """
    predicted = names["classification"]
    write_computed(
        output,
        TEMPORARY_PREFIX,
        f'float("{predicted}" - "{reference}")',
        f"{predicted} minus {names['reference']}",
        f"reference {names['reference']}",
        deviation_colors(rmse, BLUE, WHITE, RED),
        units=info_of(predicted).units,
    )


def deviation_colors(rmse: float, low: str, middle: str, high: str) -> list[str]:
    """Rules of colours for differences around 0.

    Args:
        rmse: Root mean square of the differences, or of like ones.
        low, middle, high: Colours far below 0, of 0, and far above.
    """
    end = DEVIATIONS * rmse or 1.0
    stops = {-LARGEST: low, -end: low, 0.0: middle, end: high, LARGEST: high}
    return [f"{value:.9g} {color}" for value, color in stops.items()]
