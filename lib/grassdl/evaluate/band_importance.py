# SPDX-License-Identifier: GPL-2.0-or-later
"""Permutation importance of the bands of a model: the loss of its scores without a band.

Breiman (2001), Random Forests, Machine Learning 45, 5-32: a band is permuted among the cells, so
that it keeps its distribution and loses its relation to the labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from ..core import accuracy
from ..core.accuracy import Margins, margins_of
from ..core.text import none_if_nan
from ..model.card import ModelCard
from ..model.ensemble import Predict
from .scored_patches import Batch, ScoredPatches, sampled

POOL_CELLS = 1_000_000
"""Cells whose values the permuted bands are drawn from: some megabytes for each band."""

LEVEL = 0.95


def band_importance(
    predict: Predict,
    card: ModelCard,
    patches: ScoredPatches,
    repeats: int,
    seed: int,
    progress: Callable[[int], None] = lambda patches: None,
) -> dict[str, Any]:
    """The loss of F1 for each band that is permuted, or at its mean throughout.

    A permuted band has in each cell with data the value of another such cell of the split, drawn
    at random from at most `POOL_CELLS`. All other bands are unchanged: information that two bands
    share is lost with neither.

    Args:
        predict: The model's network.
        card: The model's card.
        patches: The patches to score.
        repeats: How often each band is permuted.
        seed: Same seed, same figures.
        progress: Takes the number of patches that are done.

    Returns:
        A JSON object: `repeats`, `seed`, `f1_macro` of the unchanged bands, and for each of
        `bands` the losses: mean over the repeats, its 95 % interval, and the loss at the mean.

    Raises:
        ValueError: No pixel is labelled.
    """
    pool = _pool(patches, seed)
    bands = range(len(card.bands))
    draws = [_generators(seed, band, repeats) for band in bands]
    whole = np.zeros((3, len(patches.classes)))
    # For each band the margins at its mean, then those of each repeat.
    changed = np.zeros((len(bands), 1 + repeats, *whole.shape))
    done = 0
    for batch in patches.batches():
        whole += _margins(predict, card, patches, batch, batch.images)
        cells = batch.has_data
        for band in bands:
            images = batch.images.copy()
            drawn = (rng.choice(pool[:, band], np.count_nonzero(cells)) for rng in draws[band])
            for number, values in enumerate(chain([card.fill_values[band]], drawn)):
                images[cells, band] = values
                changed[band, number] += _margins(predict, card, patches, batch, images)
        done += len(batch.images)
        progress(done)
    if not whole.any():
        raise ValueError(
            f"No pixel of the {patches.split} patches is labelled: there is nothing to score"
        )
    return {
        "repeats": repeats,
        "seed": seed,
        "f1_macro": none_if_nan(float(accuracy.f1_macro(Margins(whole)))),
        "bands": [
            {"band": one.label, **_losses(patches, Margins(whole), Margins(changed[band]))}
            for band, one in enumerate(card.bands)
        ],
    }


def _generators(seed: int, band: int, repeats: int) -> list[np.random.Generator]:
    """A generator of random numbers for each repeat of a band."""
    return [np.random.default_rng([seed, band, number]) for number in range(repeats)]


def _pool(patches: ScoredPatches, seed: int) -> np.ndarray:
    """Band values (cells, bands) of cells with data, the same number of each patch."""
    step, most = sampled(patches, POOL_CELLS)
    rng = np.random.default_rng(seed)
    found = []
    for batch in patches.batches(step):
        for image, has_data in zip(batch.images, batch.has_data, strict=True):
            cells = image[has_data]
            found.append(rng.choice(cells, min(most, len(cells)), replace=False))
    return np.concatenate(found) if found else np.zeros((0, 1), np.float32)


def _margins(
    predict: Predict,
    card: ModelCard,
    patches: ScoredPatches,
    batch: Batch,
    images: np.ndarray,
) -> np.ndarray:
    """Margins (3, classes) of a batch with these images."""
    index = patches.classes.places_of(card.classes)[card.index_of(card.tempered(predict(images)))]
    return margins_of(accuracy.confusion_counts(index, batch.truth, len(patches.classes)))


def _losses(patches: ScoredPatches, whole: Margins, changed: Margins) -> dict[str, Any]:
    """The losses of one band: of macro F1, and by class."""
    macro = _loss("f1_macro_loss", accuracy.f1_macro(whole) - accuracy.f1_macro(changed))
    by_class = accuracy.f1(whole) - accuracy.f1(changed)
    classes = [
        {"value": one.value, "label": one.label, **_loss("f1_loss", by_class[:, place])}
        for place, one in enumerate(patches.classes)
    ]
    return {**macro, "classes": classes}


def _loss(name: str, losses: np.ndarray) -> dict[str, Any]:
    """A loss (1 + repeats,), that at the mean first: mean of the repeats, and its interval.

    The interval is that of Student's t for the mean; none of a single repeat.
    """
    at_mean, repeated = losses[0], losses[1:]
    mean, interval = repeated.mean(), None
    if len(repeated) > 1 and np.isfinite(mean):
        half = _t_quantile(len(repeated) - 1) * repeated.std(ddof=1) / math.sqrt(len(repeated))
        interval = [float(mean - half), float(mean + half)]
    return {
        name: none_if_nan(mean),
        f"{name}_interval": interval,
        f"{name}_at_mean": none_if_nan(at_mean),
    }


def _t_quantile(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, freedom))
