# SPDX-License-Identifier: GPL-2.0-or-later
"""A dilated network at full resolution, all of whose blocks are classified together."""

from __future__ import annotations

from collections.abc import Sequence

from keras import KerasTensor, layers

from ..layers.blocks import class_scores

DILATIONS = (1, 2, 5)

ENCODER = ("block",)
"""Prefixes of the names of the encoder's layers."""


def dilated(
    pixels: KerasTensor,
    outputs: int,
    *,
    filters: int = 32,
    depth: int = 6,
    kernel: Sequence[int] = (3,),
    dilations: Sequence[int] = DILATIONS,
) -> KerasTensor:
    """Dilated blocks at full resolution, whose outputs are classified together.

    The receptive field grows with each block; nothing is downsampled, so borders of classes stay
    sharp. NickNet is one of this family. Dilations that rise and have no common divisor leave no
    pixel unseen (Wang et al. 2018, doi 10.1109/WACV.2018.00163, whence the default).

    Source: the family of ANAGEO, Universite libre de Bruxelles, slides of FOSS4G 2019.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands).
        outputs: Number of scores.
        filters: Filters of every block.
        depth: Number of blocks.
        kernel: Edge of the kernel of each block, odd; the list is repeated until it is long enough.
        dilations: Dilation of each block, repeated likewise; of the default, as many as there are
            blocks.

    Returns:
        Scores (batch, rows, columns, outputs).

    Raises:
        ValueError: An even kernel, or longer lists than there are blocks.
    """
    if tuple(dilations) == DILATIONS:
        dilations = DILATIONS[:depth]
    for name, one_each in (("kernel", kernel), ("dilations", dilations)):
        if not 1 <= len(one_each) <= depth:
            raise ValueError(
                f"<{name}> must have 1 to {depth} numbers for {depth} blocks, found {len(one_each)}"
            )
    if any(edge % 2 == 0 for edge in kernel):
        raise ValueError(f"<kernel> must be odd, found {', '.join(map(str, kernel))}")
    scales = []
    features = pixels
    for number in range(depth):
        edge, dilation = kernel[number % len(kernel)], dilations[number % len(dilations)]
        features = _block(features, filters, edge, dilation, name=f"block{number}")
        scales.append(features)
    joined = layers.Concatenate(name="scales")(scales) if depth > 1 else features
    return class_scores(joined, outputs)


def _block(
    features: KerasTensor, filters: int, kernel: int, dilation: int, *, name: str
) -> KerasTensor:
    margin = dilation * (kernel - 1) // 2
    x = layers.ZeroPadding2D(margin, name=f"{name}_pad")(features)
    x = layers.Conv2D(filters, kernel, dilation_rate=dilation, name=f"{name}_conv")(x)
    x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    # After batch norm values may be negative: a border of zeros is not padding="same",
    # whose border never wins the maximum.
    x = layers.ZeroPadding2D(1, name=f"{name}_pool_pad")(x)
    return layers.MaxPooling2D(3, strides=1, name=f"{name}_pool")(x)
