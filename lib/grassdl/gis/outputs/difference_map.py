# SPDX-License-Identifier: GPL-2.0-or-later
"""A raster map of where two classifications are right or wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...core.colors import PALETTE
from ..session.mapset import current_mapset
from ..session.output_names import check_not_read, check_output_rasters
from .computed_map import write_computed

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


def write_difference(output: str, reference: str, names: Mapping[str, str]) -> None:
    """Write the map: 1 both are right, 2 the first alone, 3 the second alone, 4 neither.

    NULL where one of the maps is. The map gets its name when it is complete.

    Args:
        output: Name of the map, as `check_difference` has checked it.
        reference: Name of the raster map that holds the reference.
        names: Names of the maps by the options classification, compare and reference.
    """
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
