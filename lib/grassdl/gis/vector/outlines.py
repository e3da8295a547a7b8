# SPDX-License-Identifier: GPL-2.0-or-later
"""A vector map of areas with simplified outlines, from one whose outlines follow cells."""

from __future__ import annotations

import json
from collections.abc import Mapping

import grass.script as gs
import numpy as np

from ...core.outlines import Outlines, right_angled
from ..session.modules import run_module
from ..session.temporary_maps import remove_maps, temporary_name
from .geojson import geometries, import_areas


def redraw(
    raw: str, name: str, prefix: str, outlines: Outlines, values: np.ndarray, cell: float
) -> None:
    """Make a vector map of areas with simpler outlines and the same categories.

    First all of them are generalised by v.generalize, which keeps the topology; then those of some
    classes get right angles.

    Args:
        raw: Vector map of areas whose categories count from 1.
        name: Name of the new map.
        prefix: Prefix of the names of temporary maps.
        outlines: How outlines are drawn.
        values: Class value of each area, by its category.
        cell: Edge of a cell in map units.
    """
    if len(values) == 1:
        # The first element stands for none: of a map without areas modules make nothing, or fail.
        run_module("g.copy", vector=f"{raw},{name}")
        return
    general = temporary_name(prefix, "general") if outlines.regularize else name
    try:
        if outlines.generalize:
            run_module(
                "v.generalize", input=raw, output=general, method="douglas",
                threshold=outlines.generalize,
            )  # fmt: skip
        if outlines.regularize:
            turned = np.isin(values, outlines.regularize)
            drawn = geometries(raw)
            if outlines.generalize:
                drawn |= {cat: one for cat, one in geometries(general).items() if not turned[cat]}
            _turn(drawn, name, turned, cell)
    finally:
        if outlines.regularize:
            remove_maps([general], "vector")


def _turn(drawn: Mapping[int, str], name: str, turned: np.ndarray, cell: float) -> None:
    """Make a map of outlines, some of them with right angles, and report the changes."""
    found = right_angled(list(drawn.values()), [bool(turned[cat]) for cat in drawn], cell)
    areas = [
        (json.loads(one), {"cat": cat}) for cat, one in zip(drawn, found.outlines, strict=True)
    ]
    import_areas(areas, name, flags="t", key="cat", type="boundary")
    if not len(found.iou):
        return
    before, after = found.corners
    gs.message(
        f"Outlines with right angles: {len(found.iou) - found.kept} of {len(found.iou)} objects, "
        f"the others keep their own; corners {before:.1f} before, {after:.1f} after; intersection "
        f"over union with the cells {found.iou.mean():.3f} in the mean, {found.iou.min():.3f} at "
        "least"
    )
