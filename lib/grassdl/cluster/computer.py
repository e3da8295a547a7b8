# SPDX-License-Identifier: GPL-2.0-or-later
"""The choice between this process and a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from ..predict.strips import StripComputer, StripsHere


def strip_computer(
    options: Mapping[str, str],
    flags: Mapping[str, bool],
    report: Callable[[str], None],
) -> AbstractContextManager[StripComputer]:
    """Computes the strips of i.dl.predict, in this process or on the workers of a cluster.

    Args:
        options, flags: Of the module.
        report: Takes a line for the user.

    Raises:
        ValueError: See `cluster_strips`.
        ModuleNotFoundError: The package for clusters is not installed.
    """
    if not options["scheduler"]:
        return nullcontext(StripsHere())
    # It needs an optional package.
    from .cluster_strips import cluster_strips

    return cluster_strips(options, flags, report)
