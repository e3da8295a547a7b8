# SPDX-License-Identifier: GPL-2.0-or-later
"""Who computes a prediction: the one place that asks whether there is a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from ..gis.raster.region import Region
from ..predict.strips import StripComputer, StripsHere


def strip_computer(
    options: Mapping[str, str],
    flags: Mapping[str, bool],
    region: Region,
    report: Callable[[str], None],
) -> AbstractContextManager[StripComputer]:
    """Who computes the strips of i.dl.predict: this process, or the workers of a cluster.

    Args:
        options, flags: Of the module.
        region: The region.
        report: Takes a line for the user.

    Raises:
        ValueError: See `cluster_strips`.
        ModuleNotFoundError: The package for clusters is not installed.
    """
    if not options["scheduler"]:
        return nullcontext(StripsHere())
    # It takes an optional package.
    from .cluster_strips import cluster_strips

    return cluster_strips(options, flags, region, report)
