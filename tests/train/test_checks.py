# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told before a training."""

import numpy as np
from tiny_dataset import joined, scene, write_dataset

from grassdl.train.checks import check_data


def told(folder, **splits):
    """The warnings about a dataset of these splits."""
    lines = []
    check_data(joined(write_dataset(folder, splits)), lines.append)
    return lines


def test_trained_classes_that_the_validation_patches_lack_are_named(tmp_path):
    images, labels = scene(6, seed=0)
    few = np.where(labels == 1, 1, 0).astype(np.uint8)
    (line,) = told(tmp_path / "lacking", train=(images, labels), val=(images, few))
    assert line.startswith("No validation patch holds <forest>: ")
    assert told(tmp_path / "whole", train=(images, labels), val=(images, labels)) == []
    assert told(tmp_path / "without", train=(images, labels)) == []
