# SPDX-License-Identifier: GPL-2.0-or-later
"""U-TAE: a U-Net with one encoder for all dates of a series, and attention to the dates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from keras import KerasTensor, layers

from ..layers.blocks import class_scores, conv_norm_relu
from ..layers.date_attention import AttendedDates, DateAttention, WithDays
from ..layers.dates import DatesApart, LastBand
from .siamese_unet import shared_encoder
from .unet import decoded

ENCODER = ("encoder", "bottom")
"""Prefixes of the names of the encoder's layers."""

HEADS = 8
"""Most heads of the attention; the number used is its greatest common divisor with the filters."""


def utae(
    pixels: KerasTensor,
    outputs: int,
    *,
    filters: int = 16,
    depth: int = 3,
    dropout: float = 0.0,
    batch_norm: bool = True,
    dates: int = 2,
    days: Sequence[int] | None = None,
) -> KerasTensor:
    """A U-Net for series, with temporal attention: all dates pass through the same encoder. At the
    lowest resolution each cell attends to the dates by several heads; interpolated, this attention
    also weights the dates at each level of the decoder.

    As in the original, each head has one learnt query, so that scores are linear in the features;
    here the product of query and key weights is learnt as one matrix. Missing dates get no
    attention. Unlike the original, it has batch normalisation and fewer heads.

    Source: Garnot and Landrieu 2021, doi 10.1109/ICCV48922.2021.00483.

    Args:
        pixels: Normalised pixels (batch, rows, columns, dates x bands), rows and columns multiples
            of 2**depth.
        outputs: Number of scores.
        filters: Filters at full resolution; each lower level has twice as many.
        depth: Number of times the resolution is halved.
        dropout: Share of features dropped in training at the lowest resolution.
        batch_norm: Whether batch normalisation follows each convolution.
        dates: Number of dates.
        days: Days from the first date of a series to each, whose last band is 1 where the date was
            observed; None for dates that are never missing, and are taken as one day apart.

    Returns:
        Scores (batch, rows, columns, outputs).

    Raises:
        ValueError: There is one date.
    """
    if dates < 2:
        raise ValueError(
            "Network <utae> needs a series of dates, the data have one: cut patches of several by "
            "strds of i.dl.patches, or choose another network"
        )
    images = DatesApart(dates, name="dates")(pixels)
    encoder = shared_encoder(images[0].shape[-1], filters, depth, batch_norm)
    *levels, deepest = zip(*(encoder(image) for image in images), strict=True)
    shares = _shares(images, depth) if days is not None else [[]] * (depth + 1)

    dated = WithDays(range(dates) if days is None else days, name="days")(list(deepest))
    score = layers.Conv2D(math.gcd(filters, HEADS), 1, name="attention_scores")
    scores = [score(one) for one in dated]
    attention = DateAttention(dates, name="attention")([*scores, *shares[-1]])
    seen = AttendedDates(dates, name="attended")([attention, *dated])
    width = filters * 2**depth
    seen = conv_norm_relu(seen, width, 1, name="attended_mlp", bias=True, norm=batch_norm)
    skips = []
    for level, features in enumerate(levels):
        finer = layers.UpSampling2D(
            2 ** (depth - level), interpolation="bilinear", name=f"attention{level}"
        )(attention)
        skip = AttendedDates(dates, name=f"attended{level}")([finer, *features, *shares[level]])
        name, width = f"attended{level}_mlp", filters * 2**level
        skips.append(conv_norm_relu(skip, width, 1, name=name, bias=True, norm=batch_norm))
    x = decoded(skips, seen, filters, dropout, batch_norm, gate=lambda skip, *_: skip)
    return class_scores(x, outputs)


def _shares(images: Sequence[KerasTensor], depth: int) -> list[list[KerasTensor]]:
    """The share of observed cells (batch, rows, columns, 1) by date, of each level and the deepest
    one."""
    last = LastBand(name="observed_dates")
    shares = [[last(image) for image in images]]
    for level in range(depth):
        pool = layers.AveragePooling2D(2, name=f"observed{level}_pool")
        shares.append([pool(one) for one in shares[-1]])
    return shares
