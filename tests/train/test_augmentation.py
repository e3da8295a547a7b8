# SPDX-License-Identifier: GPL-2.0-or-later
"""Augmentations keep images and labels in step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grassdl.train.augmentation import AUGMENTATIONS, by_names


def numbered(count, size=6):
    """Patches whose every pixel is unique, and labels that follow from the image."""
    places = np.arange(count * size * size).reshape(count, size, size)
    return np.stack([places, -places], axis=-1).astype(np.float32), (places % 251).astype(np.uint8)


def augmented(names, count, seed):
    images, labels = numbered(count)
    generator = np.random.default_rng(seed)
    for augment in by_names(names):
        images, labels = augment(images, labels, generator)
    return images, labels


@given(st.permutations(sorted(AUGMENTATIONS)), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_every_pixel_keeps_its_label_and_stays_in_its_patch(names, count, seed):
    images, labels = augmented(names, count, seed)
    np.testing.assert_array_equal(images[..., 0] % 251, labels)
    np.testing.assert_array_equal(images[..., 1], -images[..., 0])
    before, _ = numbered(count)
    for one, other in zip(images, before, strict=True):
        np.testing.assert_array_equal(np.sort(one[..., 0].ravel()), other[..., 0].ravel())


@pytest.mark.parametrize(("names", "ways"), [(["flip"], 4), (["rotate90"], 4)])
def test_patches_are_laid_in_all_ways_there_are(names, ways):
    images, _ = augmented(names, 200, seed=1)
    first = images[..., 0] - np.arange(200)[:, None, None] * 36
    assert len({one.tobytes() for one in first}) == ways


def test_both_together_reach_all_eight_symmetries_of_the_square():
    images, _ = augmented(["flip", "rotate90"], 300, seed=1)
    first = images[..., 0] - np.arange(300)[:, None, None] * 36
    assert len({one.tobytes() for one in first}) == 8


def test_a_turn_goes_counter_clockwise_for_image_and_label():
    images, labels = numbered(40)
    turned, turned_labels = augmented(["rotate90"], 40, seed=5)
    turns = np.random.default_rng(5).integers(4, size=40)
    for place, turn in enumerate(turns):
        np.testing.assert_array_equal(turned[place], np.rot90(images[place], turn))
        np.testing.assert_array_equal(turned_labels[place], np.rot90(labels[place], turn))


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no augmentation <zom>, only flip, rotate90"):
        by_names(["flip", "zom"])
