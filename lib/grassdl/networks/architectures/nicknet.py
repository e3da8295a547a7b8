# SPDX-License-Identifier: GPL-2.0-or-later
"""NickNet, the dilated multiscale network of ANAGEO."""

from __future__ import annotations

from keras import KerasTensor

from .dilated import dilated

KERNELS = (5, 5, 3, 3, 3, 3, 3)
"""Kernel size of each block."""

DILATION = 2

ENCODER = ("block",)
"""Prefixes of the names of the encoder's layers."""


def nicknet(pixels: KerasTensor, outputs: int, *, filters: int = 64) -> KerasTensor:
    """Seven dilated blocks at full resolution, whose outputs are classified together.

    The receptive field grows with each block (11, 21, 27, 33, 39, 45 and 51 pixels).

    Source: ANAGEO, Universite libre de Bruxelles, slides of FOSS4G 2019.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands).
        outputs: Number of scores.
        filters: Filters of every block.

    Returns:
        Scores (batch, rows, columns, outputs).
    """
    return dilated(
        pixels,
        outputs,
        filters=filters,
        depth=len(KERNELS),
        kernel=KERNELS,
        dilations=(DILATION,),
    )
