# SPDX-License-Identifier: GPL-2.0-or-later
"""A raster map of where two classifications are right, or two maps of values closer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...core.colors import PALETTE
from ...core.target import ByTarget
from ..raster.info import info_of
from ..session.mapset import current_mapset
from ..session.output_names import check_not_read, check_output_rasters
from .computed_map import write_computed
from .residual_map import WHITE, deviation_colors

TEMPORARY_PREFIX = "i_dl_difference_tmp"

GREY, BLACK = "230:230:230", "60:60:60"


def check_difference(output: str, names: Mapping[str, str], probabilities: str) -> None:
    """Refuse a name that cannot be written, or that is one of the maps that are read.

    Args:
        output: Name of the map.
        names: Fully qualified names of the maps that are read.
        probabilities: Prefix of the probability maps that are read, or "".

    Raises:
        ValueError: It is.
    """
    check_output_rasters([output])
    prefix, _, mapset = probabilities.partition("@")
    own = mapset in ("", current_mapset())
    read_too = own and re.fullmatch(rf"{re.escape(prefix)}_[0-9]+", output) is not None
    check_not_read(
        [output], [*names.values(), *([f"{output}@{current_mapset()}"] if read_too else [])]
    )


def write_difference(
    kind: str, output: str, reference: str, names: Mapping[str, str], report: Mapping[str, Any]
) -> None:
    """Write the map, NULL where one of the maps is. It gets its name when it is complete.

    Args:
        kind: That of the maps' target.
        output: Name of the map, as `check_difference` has checked it.
        reference: Name of the raster map that holds the reference.
        names: Names of the maps by the options classification, compare and reference.
        report: On the maps.
    """
    _WRITE.named(kind)(output, reference, names, report)


def _of_classes(
    output: str, reference: str, names: Mapping[str, str], report: Mapping[str, Any]
) -> None:
    """1 where both are right, 2 the first alone, 3 the second alone, 4 neither."""
    rules = {
        1: ("both right", GREY),
        2: (f"only {names['classification']} right", PALETTE[0]),
        3: (f"only {names['compare']} right", PALETTE[4]),
        4: ("both wrong", BLACK),
    }
    first, second = names["classification"], names["compare"]
    write_computed(
        output,
        TEMPORARY_PREFIX,
        f'if("{first}" == "{reference}", if("{second}" == "{reference}", 1, 2), '
        f'if("{second}" == "{reference}", 3, 4))',
        f"Where {first} and {second} are right",
        f"reference {names['reference']}",
        [f"{value} {color}" for value, (_, color) in rules.items()],
        [f"{value}\t{label}" for value, (label, _) in rules.items()],
    )


def _of_values(
    output: str, reference: str, names: Mapping[str, str], report: Mapping[str, Any]
) -> None:
    """By how much the first is closer to the reference; below 0 where the second is."""
    first, second = names["classification"], names["compare"]
    write_computed(
        output,
        TEMPORARY_PREFIX,
        f'float(abs("{second}" - "{reference}") - abs("{first}" - "{reference}"))',
        f"By how much {first} is closer than {second}",
        f"reference {names['reference']}",
        deviation_colors(report["rmse"], PALETTE[4], WHITE, PALETTE[0]),
        units=info_of(first).units,
    )


_WRITE: ByTarget[Callable[[str, str, Mapping[str, str], Mapping[str, Any]], None]] = ByTarget(
    classes=_of_classes, value=_of_values
)
