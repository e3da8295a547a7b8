# SPDX-License-Identifier: GPL-2.0-or-later
"""Permutation importance of the bands of a model: the loss of its scores without a band.

Breiman (2001), Random Forests, Machine Learning 45, 5-32: a band is permuted among the cells, so
that it keeps its distribution and loses its relation to the labels.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from ..core.dates import cells_by_band
from ..model.card import ModelCard
from ..model.ensemble import Predict
from .band_losses import LOSSES
from .scored_patches import ScoredPatches, sampled
from .value_patches import ValuePatches

Patches = ScoredPatches | ValuePatches

POOL_CELLS = 1_000_000
"""Cells whose values the permuted bands are drawn from: some megabytes for each band."""


def band_importance(
    predict: Predict,
    card: ModelCard,
    patches: Patches,
    repeats: int,
    seed: int,
    progress: Callable[[int], None] = lambda patches: None,
) -> dict[str, Any]:
    """The loss of F1, or of R2 and RMSE, for each band that is permuted, or at its mean throughout.

    A permuted band has in each cell with data the value of another such cell of the split, drawn
    at random from at most `POOL_CELLS`. All other bands are unchanged: information that two bands
    share is lost with neither. Bands of a series are permuted among the cells where their date was
    observed, and have no value elsewhere; permuted itself, "observed" shows the bands' means there.

    Args:
        predict: The model's network.
        card: The model's card.
        patches: The patches to score.
        repeats: How often each band is permuted.
        seed: Same seed, same figures.
        progress: Takes the number of patches that are done.

    Returns:
        A JSON object: `repeats`, `seed`, the scores of the unchanged bands, and for each of
        `bands` the losses: mean over the repeats, its 95 % interval, and the loss at the mean.

    Raises:
        ValueError: No pixel is labelled.
    """
    pool = _pool(card, patches, seed)
    bands = range(len(card.bands))
    draws = [_generators(seed, band, repeats) for band in bands]
    scored = LOSSES.of(card.target)(card, patches)
    whole = np.zeros(scored.shape)
    # For each band the sums at its mean, then those of each repeat.
    changed = np.zeros((len(bands), 1 + repeats, *whole.shape))
    done = 0
    for batch in patches.batches():
        whole += scored.table(predict(batch.images), batch)
        there = cells_by_band(card.bands, batch.images, batch.has_data)
        known = np.where(np.stack(there, axis=-1), batch.images, card.fill_values)
        for band, cells in enumerate(there):
            images = known.copy()
            number_of_cells = np.count_nonzero(cells)
            others = pool[band] if len(pool[band]) else card.fill_values[band : band + 1]
            drawn = (rng.choice(others, number_of_cells) for rng in draws[band])
            for number, values in enumerate(chain([card.fill_values[band]], drawn)):
                images[cells, band] = values
                changed[band, number] += scored.table(predict(images), batch)
        done += len(batch.images)
        progress(done)
    if not whole.any():
        raise ValueError(
            f"No pixel of the {patches.split} patches is labelled: there is nothing to score"
        )
    return {
        "repeats": repeats,
        "seed": seed,
        **scored.scores(whole),
        "bands": [
            {"band": one.label, **scored.losses(whole, changed[band])}
            for band, one in enumerate(card.bands)
        ],
    }


def _generators(seed: int, band: int, repeats: int) -> list[np.random.Generator]:
    """A generator of random numbers for each repeat of a band."""
    return [np.random.default_rng([seed, band, number]) for number in range(repeats)]


def _pool(card: ModelCard, patches: Patches, seed: int) -> list[np.ndarray]:
    """Values (cells,) of each band in cells with data, of the same number of cells of each patch;
    of a series where the band's date was observed."""
    step, most = sampled(patches, POOL_CELLS)
    rng = np.random.default_rng(seed)
    found = []
    for batch in patches.batches(step):
        for image, has_data in zip(batch.images, batch.has_data, strict=True):
            cells = image[has_data]
            found.append(rng.choice(cells, min(most, len(cells)), replace=False))
    cells = np.concatenate([np.zeros((0, len(card.bands)), np.float32), *found])
    there = cells_by_band(card.bands, cells, np.ones(len(cells), bool))
    return [cells[one, band] for band, one in enumerate(there)]
