# SPDX-License-Identifier: GPL-2.0-or-later
"""The encoder of the U-Net, pooled over the whole patch: one class of a patch."""

from __future__ import annotations

from keras import KerasTensor, layers

from ..encoders import catalog
from ..layers.image_pooling import ImagePooling2D
from .unet import encoded

ENCODER = ("encoder", "bottom")
"""Prefixes of the names of the encoder's layers."""


def patch_cnn(
    pixels: KerasTensor,
    outputs: int,
    *,
    filters: int = 16,
    depth: int = 4,
    dropout: float = 0.0,
    batch_norm: bool = True,
    encoder: str = catalog.NONE,
) -> KerasTensor:
    """An encoder that halves the resolution `depth` times, the mean of its features over the patch,
    and a dense layer.

    Every cell gets the scores of the whole patch, so that losses, metrics and ensembles are those
    of cells.

    Source: object-based CNN after Zhang et al. 2018, doi 10.1016/j.rse.2018.06.034; global average
    pooling after Lin, Chen and Yan 2014, arXiv 1312.4400.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands), rows and columns multiples of
            2**depth.
        outputs: Number of scores.
        filters: Filters at full resolution; each level down has twice as many.
        depth: Number of times the resolution is halved.
        dropout: Share of pooled features dropped in training.
        batch_norm: Whether batch normalisation follows each convolution; not in `encoder`.
        encoder: See `unet.u_shape`.

    Returns:
        Scores (batch, rows, columns, outputs), the same in all cells of an image.
    """
    _, x = encoded(pixels, filters, depth, batch_norm, encoder)
    x = ImagePooling2D(name="pooled")(x)
    if dropout:
        x = layers.Dropout(dropout, noise_shape=(None, 1, 1, None), name="pooled_dropout")(x)
    x = layers.Conv2D(outputs, 1, name="dense")(x)
    return layers.UpSampling2D(2**depth, name="logits")(x)
