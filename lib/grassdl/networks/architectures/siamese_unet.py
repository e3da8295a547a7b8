# SPDX-License-Identifier: GPL-2.0-or-later
"""FC-Siam-diff: a U-Net with one encoder for both dates and the differences of its features."""

from __future__ import annotations

import keras
from keras import KerasTensor

from ..layers.blocks import class_scores
from ..layers.dates import AbsoluteDifference, DatesApart
from .unet import decoded, own_encoder

ENCODER = ("encoder", "bottom")
"""Prefixes of the names of the encoder's layers."""


def siamese_unet(
    pixels: KerasTensor,
    outputs: int,
    *,
    filters: int = 16,
    depth: int = 4,
    dropout: float = 0.0,
    batch_norm: bool = True,
    dates: int = 2,
) -> KerasTensor:
    """A U-Net for change: both dates pass through the same encoder, and the decoder gets the
    absolute differences of their features at each level, and the deepest features of the second.

    Unlike the original, convolutions are two at each level, as in `unet`.

    Source: Daudt, Le Saux and Boulch 2018, doi 10.1109/ICIP.2018.8451652.

    Args:
        pixels: Normalised pixels (batch, rows, columns, 2 x bands), the first date before the
            second, rows and columns multiples of 2**depth.
        outputs: Number of scores.
        filters: Filters at full resolution; each level down has twice as many.
        depth: Number of times the resolution is halved.
        dropout: Share of features dropped in training at the lowest resolution.
        batch_norm: Whether batch normalisation follows each convolution.
        dates: Number of dates.

    Returns:
        Scores (batch, rows, columns, outputs).

    Raises:
        ValueError: There are other than two dates.
    """
    if dates != 2:
        given = "one" if dates == 1 else f"{dates}"
        raise ValueError(
            f"Network <siamese_unet> compares two dates, the data have {given}: cut patches of two "
            "with after of i.dl.patches, or choose another network"
        )
    before, after = DatesApart(dates, name="dates")(pixels)
    encoder = shared_encoder(before.shape[-1], filters, depth, batch_norm)
    *skips_before, _ = encoder(before)
    *skips_after, deepest = encoder(after)
    skips = [
        AbsoluteDifference(name=f"difference{level}")(*pair)
        for level, pair in enumerate(zip(skips_before, skips_after, strict=True))
    ]
    x = decoded(skips, deepest, filters, dropout, batch_norm, gate=lambda skip, *_: skip)
    return class_scores(x, outputs)


def shared_encoder(bands: int, filters: int, depth: int, batch_norm: bool) -> keras.Model:
    """What all dates pass through: from (batch, rows, columns, bands) to the features of each
    level and the deepest."""
    pixels = keras.Input((None, None, bands), name="date")
    skips, deepest = own_encoder(pixels, filters, depth, batch_norm)
    return keras.Model(pixels, [*skips, deepest], name="shared")
