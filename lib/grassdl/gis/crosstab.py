# SPDX-License-Identifier: GPL-2.0-or-later
"""Cross-tabulation of two class maps in the computational region."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import grass.script as gs
import numpy as np

from ..classes import MAX_CLASSES, MAX_VALUE
from .rasters import mask_name, require_integer

NULL = "*"


@dataclass(frozen=True)
class LeftOut:
    """Cells of the region that were not counted, by reason."""

    masked: int = 0
    null_in_classification: int = 0
    null_in_reference: int = 0
    null_in_both: int = 0


@dataclass(frozen=True)
class CrossTable:
    """Counts of two maps' classes.

    Attributes:
        classification: Fully qualified name of the map that is assessed.
        reference: Fully qualified name of the map that is taken as true.
        values: Class values found in either map among the counted cells, ascending.
        counts: (values, values) int64, rows = classification, columns = reference.
        left_out: The cells that were not counted.
    """

    classification: str
    reference: str
    values: list[int]
    counts: np.ndarray
    left_out: LeftOut


def cross_tabulate(classification: str, reference: str) -> CrossTable:
    """Count the pairs of classes of two integer maps, honouring region and mask.

    One pass of `r.stats` over the maps, row by row: memory depends on the number of pairs only.

    Raises:
        ValueError: A map is missing or of floating point type; the maps have no cell or no
            class in common; a value is no class value or there are too many of them.
    """
    classification = require_integer(classification)
    reference = require_integer(reference)
    pairs, left_out = _count_pairs(classification, reference)
    mapped = {value for value, _ in pairs}
    present = {value for _, value in pairs}
    if not pairs:
        raise ValueError(
            f"Maps <{classification}> and <{reference}> have no cell in common "
            "in the current region: check region, mask and NULL cells"
        )
    _check_values(mapped, classification)
    _check_values(present, reference)
    if not mapped & present:
        raise ValueError(
            f"No class of reference <{reference}> ({_listing(present)}) "
            f"occurs in classification <{classification}> ({_listing(mapped)})"
        )
    values = sorted(mapped | present)
    index = {value: place for place, value in enumerate(values)}
    counts = np.zeros((len(values), len(values)), np.int64)
    for (value, true_value), cells in pairs.items():
        counts[index[value], index[true_value]] = cells
    return CrossTable(classification, reference, values, counts, left_out)


def _count_pairs(classification: str, reference: str) -> tuple[dict[tuple[int, int], int], LeftOut]:
    """Cells of each pair of values, and the cells left out."""
    mask = mask_name()
    # Read as a third map, the mask tells masked cells (NULL in all three) from other NULLs.
    maps = [classification, reference, *([mask] if mask else [])]
    table = gs.read_command("r.stats", flags="c", input=maps, separator="comma")
    pairs: Counter[tuple[int, int]] = Counter()
    left_out: Counter[str] = Counter()
    for line in table.splitlines():
        value, true_value, *mask_value, cells = line.split(",")
        if mask_value == [NULL]:
            left_out["masked"] += int(cells)
        elif value == true_value == NULL:
            left_out["null_in_both"] += int(cells)
        elif value == NULL:
            left_out["null_in_classification"] += int(cells)
        elif true_value == NULL:
            left_out["null_in_reference"] += int(cells)
        else:
            pairs[int(value), int(true_value)] += int(cells)
    return dict(pairs), LeftOut(**left_out)


def _check_values(values: set[int], raster: str) -> None:
    if len(values) > MAX_CLASSES:
        raise ValueError(
            f"Raster map <{raster}> holds {len(values)} different values, "
            f"at most {MAX_CLASSES} classes are possible: is it a class map?"
        )
    if min(values) < 0:
        raise ValueError(
            f"Raster map <{raster}> holds the value {min(values)}, "
            f"class values run from 0 to {MAX_VALUE}: set cells without class to NULL (r.null)"
        )


def _listing(values: set[int], most: int = 8) -> str:
    shown = [str(value) for value in sorted(values)[:most]]
    return ", ".join(shown + ["..."] * (len(values) > most))
