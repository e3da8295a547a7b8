# SPDX-License-Identifier: GPL-2.0-or-later
"""How bands are normalised: by mean and deviation over the training patches of all datasets."""

from __future__ import annotations

from ...dataset.patchset import JoinedPatchSets


def means(data: JoinedPatchSets) -> list[float]:
    """Mean of every band without NULLs; stands for NULL, too."""
    return [float(one.mean) for one in data.statistics]


def deviations(data: JoinedPatchSets) -> list[float]:
    """Standard deviation of every band; 1 for a constant band, which has nothing to scale."""
    return [float(one.deviation) or 1.0 for one in data.statistics]
