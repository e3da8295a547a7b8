# SPDX-License-Identifier: GPL-2.0-or-later
"""How TensorFlow gets its batches."""

import numpy as np

from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.runtime import keras_backend
from grassdl.train.data.batches import TrainingBatches


def batches_of_a_split(dataset):
    """Six batches of four patches, shuffled."""
    parts = JoinedPatchSets([PatchSet.open(dataset())]).arrays("train")
    return TrainingBatches(parts, 4, np.zeros(2, np.float32), [], seed=1)


def test_tensorflow_is_fed_the_batches_of_the_epoch_that_begins(dataset):
    batches = batches_of_a_split(dataset)
    fed = keras_backend.feed(batches)
    assert int(fed.cardinality()) == 6
    for epoch in range(2):
        batches.start_epoch(epoch)
        for number, (images, labels) in enumerate(fed.as_numpy_iterator()):
            np.testing.assert_array_equal(images, batches[number][0])
            np.testing.assert_array_equal(labels, batches[number][1])
        assert number == 5


def test_tensorflow_is_fed_without_the_thread_that_holds_epochs_up(dataset):
    assert keras_backend.feed(batches_of_a_split(dataset)).options().autotune.enabled is False
