# SPDX-License-Identifier: GPL-2.0-or-later
"""The baseline to beat: a random forest that classifies single pixels.

It gets the same bands as the network but no neighbourhood, so the gap between the two is what
context and shape are worth.
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier

MAX_SAMPLES = 40_000
ROWS_PER_CHUNK = 128


def fit_and_predict(
    bands_train: np.ndarray,
    labels_train: np.ndarray,
    bands_all: np.ndarray,
    seed: int = 0,
    max_samples: int = MAX_SAMPLES,
) -> np.ndarray:
    """Train on labelled pixels and classify a whole image.

    Args:
        bands_train: (n, C) band values of labelled pixels; at most `max_samples` of them, drawn
            at random, are used.
        labels_train: (n,) their class values.
        bands_all: (H, W, C) the image, bands in the same order.
        seed: for the draw and the forest.
        max_samples: how many pixels to learn from.

    Returns:
        (H, W) class values, of the dtype of `labels_train`.
    """
    rng = np.random.default_rng(seed)
    if len(labels_train) > max_samples:
        chosen = rng.choice(len(labels_train), max_samples, replace=False)
        bands_train, labels_train = bands_train[chosen], labels_train[chosen]
    forest = RandomForestClassifier(
        n_estimators=100, min_samples_leaf=2, n_jobs=-1, random_state=seed
    )
    forest.fit(bands_train, labels_train)
    height, width, channels = bands_all.shape
    result = np.empty((height, width), labels_train.dtype)
    for top in range(0, height, ROWS_PER_CHUNK):
        rows = bands_all[top : top + ROWS_PER_CHUNK]
        result[top : top + ROWS_PER_CHUNK] = forest.predict(rows.reshape(-1, channels)).reshape(
            rows.shape[:2]
        )
    return result
