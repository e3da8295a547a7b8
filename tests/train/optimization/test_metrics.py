# SPDX-License-Identifier: GPL-2.0-or-later
"""Mean IoU against scikit-learn."""

import keras
import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from grassdl.core.accuracy import confusion_counts, mean_iou
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX
from grassdl.train.optimization.losses import CrossEntropy
from grassdl.train.optimization.metrics import MeanIoU

CLASSES = 5


def batch(seed, classes=CLASSES):
    generator = np.random.default_rng(seed)
    codes = generator.integers(classes, size=(3, 8, 8)).astype(np.uint8)
    return codes, generator.random((3, 8, 8, classes)).astype(np.float32)


def by_scikit_learn(codes, probabilities):
    labelled = codes < NULL_INDEX
    reference, predicted = codes[labelled], probabilities.argmax(-1)[labelled]
    return jaccard_score(reference, predicted, average="macro")


def test_mean_iou_of_several_batches_is_that_of_all_pixels_together():
    metric = MeanIoU(CLASSES)
    batches = [batch(seed) for seed in range(3)]
    for codes, probabilities in batches:
        metric.update_state(codes, probabilities)
    together = [np.concatenate(part) for part in zip(*batches, strict=True)]
    assert float(metric.result()) == pytest.approx(by_scikit_learn(*together), rel=1e-6)


def test_unlabelled_and_null_pixels_do_not_count():
    codes, probabilities = batch(7)
    codes[0], codes[1, :4] = UNLABELLED_INDEX, NULL_INDEX
    metric = MeanIoU(CLASSES)
    metric.update_state(codes, probabilities)
    assert float(metric.result()) == pytest.approx(by_scikit_learn(codes, probabilities), rel=1e-6)


def test_it_is_the_mean_iou_of_the_scores_also_with_classes_in_one_of_the_two_only():
    """Class 4 is predicted only, class 2 in the reference only, class 3 in neither."""
    codes = np.array([[[0, 0, 1, 1, 2]]], np.uint8)
    predicted = np.array([[[0, 0, 1, 4, 0]]])
    metric = MeanIoU(CLASSES)
    metric.update_state(codes, np.eye(CLASSES, dtype=np.float32)[predicted])
    by_hand = (2 / 3 + 1 / 2 + 0 + 0) / 4
    assert float(metric.result()) == pytest.approx(by_hand)
    assert mean_iou(confusion_counts(predicted, codes, CLASSES)) == pytest.approx(by_hand)


def test_without_labels_it_is_zero_and_reset_forgets():
    metric = MeanIoU(CLASSES)
    metric.update_state(*batch(1))
    metric.reset_state()
    assert float(metric.result()) == 0
    metric.update_state(np.full((3, 8, 8), UNLABELLED_INDEX, np.uint8), batch(1)[1])
    assert float(metric.result()) == 0


def test_it_works_inside_a_compiled_step_with_the_most_classes_there_can_be():
    codes, probabilities = batch(3, classes=NULL_INDEX)
    model = keras.Sequential([keras.Input((8, 8, NULL_INDEX)), keras.layers.Softmax()])
    model.compile(loss=CrossEntropy(), metrics=[MeanIoU(NULL_INDEX)], jit_compile=True)
    scored = model.test_on_batch(probabilities, codes, return_dict=True)
    assert scored["mean_iou"] == pytest.approx(by_scikit_learn(codes, probabilities), rel=1e-5)
