# SPDX-License-Identifier: GPL-2.0-or-later
"""How the features of a trained network vary over its training patches, see `model.novelty`."""

from __future__ import annotations

import keras
import numpy as np

from ..dataset.patchset import JoinedPatchSets
from ..dataset.reader import PatchReader
from ..model.novelty import FeatureStatistics
from ..networks.analysis.feature_extraction import LAST, with_features
from .data.band_values import means
from .targets.choice import learning_of

MOST_PATCHES, MOST_COMPUTED = 256, 1 << 21
"""Most training patches, evenly spaced over all, and most cells of them."""

MOST_CELLS = 50_000
"""Labelled cells of these patches."""

MOST_BYTES = 2**27
"""Memory that their features may take."""

BATCH_CELLS = 1 << 16
"""Cells that are computed at a time."""


def feature_statistics(
    network: keras.Model, data: JoinedPatchSets, seed: int
) -> FeatureStatistics | None:
    """The statistics of the last hidden features of a network over labelled training cells.

    Cells of a value have a mean of features for each range of values, of which there are about ten
    with as many cells each: the features of low values are not those of high ones.

    Args:
        network: The trained network, in single precision.
        data: What it was trained on.
        seed: Seed of the choice of cells.

    Returns:
        None if it is not clear which features are the last ones, if there are too few cells, or if
        models of the target have none.
    """
    if not learning_of(data.target).has_novelty:
        return None
    try:
        both, _ = with_features(network, LAST)
    except ValueError:
        return None
    reader = PatchReader(data.arrays("train"), np.array(means(data), np.float32))
    most = max(1, min(MOST_PATCHES, MOST_COMPUTED // data.size**2))
    places = np.unique(np.linspace(0, len(reader) - 1, most).round().astype(int))
    outputs = data.target.outputs
    number = both.output_shape[-1] - outputs
    wanted = min(MOST_CELLS, MOST_BYTES // (4 * number)) // len(places) + 1
    generator = np.random.default_rng(seed)
    features, classes = [], []
    for _, images, labels in reader.batches(max(1, BATCH_CELLS // data.size**2), places):
        # Not compiled: for a few batches that would take longer than they do.
        result = keras.ops.convert_to_numpy(both(images, training=False))
        is_labelled = data.target.codes.is_labelled(labels)
        counted = data.target.counted_codes(labels)
        for found, codes, known in zip(result, counted, is_labelled, strict=True):
            chosen = generator.permutation(np.flatnonzero(known))[:wanted]
            features.append(found[..., outputs:].reshape(-1, number)[chosen])
            classes.append(codes.ravel()[chosen])
    return FeatureStatistics.of(np.concatenate(features), np.concatenate(classes))
