# SPDX-License-Identifier: GPL-2.0-or-later
"""Augmentations keep images and labels in step, and change only what they should."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grassdl.core.bands import ROLES, Band
from grassdl.core.classes import UNLABELLED_INDEX
from grassdl.train.data.augmentation import AUGMENTATIONS, by_names, check_names, check_strengths
from grassdl.train.data.band_values import BandValues, is_spectral

RADIOMETRIC = ("brightness", "contrast", "saturation", "noise")
EXACT = ("flip", "rotate90")
"""Augmentations that move whole cells."""

VALUES = BandValues(
    np.array([100, 200, 300, 5], np.float32),
    np.array([10, 40, 90, 2], np.float32),
    np.array([True, True, True, False]),
)
"""Three spectral bands and heights."""


def numbered(count, size=6):
    """Patches whose every pixel is unique, and labels that follow from the image."""
    places = np.arange(count * size * size).reshape(count, size, size)
    return np.stack([places, -places], axis=-1).astype(np.float32), (places % 251).astype(np.uint8)


def augmented(names, count, seed, **strengths):
    images, labels = numbered(count)
    generator = np.random.default_rng(seed)
    for augment in by_names(names, VALUES, strengths):
        images, labels = augment(images, labels, generator)
    return images, labels


def changed(name, images, labels=None, seed=1, values=VALUES, **strengths):
    """Images and labels after one augmentation; the given ones stay as they are."""
    if labels is None:
        labels = np.zeros(images.shape[:3], np.uint8)
    (augment,) = by_names([name], values, strengths)
    return augment(images.copy(), labels.copy(), np.random.default_rng(seed))


def light(count=200, size=8, seed=3):
    """Patches in the range of the bands."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(count, size, size, 4)) * VALUES.deviation + VALUES.mean
    return values.astype(np.float32)


@given(st.permutations(EXACT), st.integers(1, 20), st.integers(0, 2**32 - 1))
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


@pytest.mark.parametrize(("name", "share"), [("flip", 1 - 0.9**2), ("rotate90", 0.1 * 3 / 4)])
def test_the_strength_of_exact_moves_is_how_many_patches_they_change(name, share):
    images, _ = augmented([name], 2000, seed=1, **{name: 0.1})
    moved = (images != numbered(2000)[0]).any(axis=(1, 2, 3)).mean()
    assert moved == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("name", ["rotate", "zoom"])
def test_a_moved_label_is_that_of_the_nearest_pixel_and_the_image_is_between_its_neighbours(name):
    size = 33
    # The image is its own coordinates, so that bilinear values tell where they come from.
    rows, cols = np.mgrid[:size, :size]
    images = np.stack([rows, cols], -1)[None].astype(np.float32)
    labels = ((rows // 8 * 8 + cols // 8) % 200)[None].astype(np.uint8)
    values = BandValues(np.array([-1, -1], np.float32), np.ones(2, np.float32), np.ones(2, bool))
    moved, codes = changed(name, images, labels, values=values, seed=2)
    seen = codes[0] != UNLABELLED_INDEX
    # What the old patch does not cover is unlabelled and holds the means.
    np.testing.assert_array_equal(seen, (moved[0] != -1).all(axis=-1))
    assert (moved[0][~seen] == -1).all()
    assert seen.mean() > 0.5
    sources = np.round(moved[0][seen]).astype(int)
    # Where a source lies between two cells, rounding may choose either.
    clear = (np.abs(moved[0][seen] % 1 - 0.5) > 1e-3).all(axis=-1)
    expected = labels[0][sources[:, 0], sources[:, 1]]
    assert clear.sum() > 500
    np.testing.assert_array_equal(codes[0][seen][clear], expected[clear])


def displacement(name, seed, **strengths):
    """The matrix that takes offsets from the centre to where the values came from."""
    size = 21
    rows, cols = np.mgrid[:size, :size] - size // 2
    images = np.stack([rows, cols], -1)[None].astype(np.float32)
    values = BandValues(np.zeros(2, np.float32), np.ones(2, np.float32), np.ones(2, bool))
    moved, _ = changed(name, images, values=values, seed=seed, **strengths)
    middle = moved[0, 8:13, 8:13].reshape(-1, 2)
    steps = images[0, 8:13, 8:13].reshape(-1, 2)
    return np.linalg.lstsq(steps, middle, rcond=None)[0].T


def test_turns_keep_lengths_and_reach_their_largest_angle_to_either_side():
    matrices = [displacement("rotate", seed, rotate=30) for seed in range(60)]
    for matrix in matrices:
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(2), atol=1e-5)
    angles = np.degrees([np.arctan2(matrix[1, 0], matrix[0, 0]) for matrix in matrices])
    assert np.abs(angles).max() <= 30.001
    assert angles.min() < -25 and angles.max() > 25


def test_zooms_keep_directions_and_reach_their_largest_factor_either_way():
    matrices = [displacement("zoom", seed, zoom=0.5) for seed in range(60)]
    factors = np.array([matrix[0, 0] for matrix in matrices])
    for matrix, factor in zip(matrices, factors, strict=True):
        np.testing.assert_allclose(matrix, factor * np.eye(2), atol=1e-5)
    assert 1 / 1.5001 <= factors.min() < 0.72
    assert 1.4 < factors.max() <= 1.5001


@pytest.mark.parametrize("name", RADIOMETRIC)
def test_changes_of_light_leave_labels_and_other_bands_alone(name):
    images = light()
    labels = np.random.default_rng(0).integers(0, 256, images.shape[:3]).astype(np.uint8)
    lit, codes = changed(name, images, labels)
    np.testing.assert_array_equal(codes, labels)
    np.testing.assert_array_equal(lit[..., 3], images[..., 3])
    assert (lit[..., :3] != images[..., :3]).mean() > 0.9


@pytest.mark.parametrize("name", RADIOMETRIC)
def test_changes_of_light_do_nothing_where_no_band_is_spectral(name):
    heights = BandValues(VALUES.mean, VALUES.deviation, np.zeros(4, bool))
    images = light()
    lit, _ = changed(name, images, values=heights)
    np.testing.assert_array_equal(lit, images)


def test_brightness_shifts_all_bands_by_the_same_share_of_their_deviations():
    images = light()
    lit, _ = changed("brightness", images, brightness=0.5)
    shifts = ((lit - images) / VALUES.deviation)[..., :3]
    np.testing.assert_allclose(shifts, shifts[:, :1, :1, :1] + 0 * shifts, atol=1e-4)
    assert np.abs(shifts).max() <= 0.5001
    assert shifts.min() < -0.4 and shifts.max() > 0.4


def test_contrast_stretches_about_the_means():
    images = light()
    lit, _ = changed("contrast", images, contrast=0.5)
    factors = np.median((lit - VALUES.mean) / (images - VALUES.mean), axis=(1, 2))[:, :3]
    expected = VALUES.mean + (images - VALUES.mean) * factors[:, None, None, :1]
    np.testing.assert_allclose(lit[..., :3], expected[..., :3], rtol=1e-3)
    assert 1 / 1.5001 <= factors.min() < 0.75
    assert 1.35 < factors.max() <= 1.5001


def test_saturation_keeps_the_grey_of_every_pixel_and_stretches_what_differs_from_it():
    images = light()
    lit, _ = changed("saturation", images, saturation=0.5)
    before, after = (((one - VALUES.mean) / VALUES.deviation)[..., :3] for one in (images, lit))
    grey = before.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(after.mean(axis=-1, keepdims=True), grey, atol=1e-4)
    factors = np.median((after - grey) / (before - grey), axis=(1, 2, 3))
    expected = grey + (before - grey) * factors[:, None, None, None]
    np.testing.assert_allclose(after, expected, atol=1e-3)
    assert 1 / 1.5001 <= factors.min() < 0.75
    assert 1.35 < factors.max() <= 1.5001


def test_noise_is_centred_and_as_wide_as_its_strength_at_most():
    images = light(size=16)
    lit, _ = changed("noise", images, noise=0.3)
    noise = ((lit - images) / VALUES.deviation)[..., :3]
    assert noise.mean() == pytest.approx(0, abs=0.005)
    widths = noise.std(axis=(1, 2))
    assert widths.min() < 0.02 and 0.25 < widths.max() < 0.34
    one, other = noise[..., 0].ravel(), noise[..., 1].ravel()
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_band_dropout_puts_whole_bands_that_are_not_spectral_at_their_mean():
    images = light(count=2000, size=2)
    dropped, _ = changed("band_dropout", images)
    np.testing.assert_array_equal(dropped[..., :3], images[..., :3])
    gone = (dropped[..., 3] == 5).all(axis=(1, 2))
    assert gone.mean() == pytest.approx(0.2, abs=0.03)
    np.testing.assert_array_equal(dropped[~gone], images[~gone])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_shapes_and_types_stay_and_the_seed_decides(name):
    images = light(count=5)
    labels = np.zeros(images.shape[:3], np.uint8)
    one, codes = changed(name, images, labels, seed=4)
    assert (one.dtype, one.shape) == (np.float32, images.shape)
    assert (codes.dtype, codes.shape) == (np.uint8, labels.shape)
    np.testing.assert_array_equal(one, changed(name, images, labels, seed=4)[0])
    seeds = [changed(name, images, labels, seed=seed)[0].tobytes() for seed in range(9)]
    assert len(set(seeds)) > 1


def band(name, derivation=None):
    source = dict.fromkeys(ROLES[derivation], name)
    return Band(name, True, source, derivation, 1.0, "nearest", "", "uint8")


@pytest.mark.parametrize("name", ["red", "nir", "ortho.1@PERMANENT", "S2_8A", "demeter", "red@dsm"])
def test_a_band_is_taken_to_show_light(name):
    assert is_spectral(band(name))


@pytest.mark.parametrize(
    "one",
    [
        band("ndsm", "ndsm"),
        band("ndvi", "ndvi"),
        band("DSM"),
        band("tile7_dtm_1m@PERMANENT"),
        band("height"),
        band("NDVI.2020"),
    ],
    ids=lambda one: one.name,
)
def test_heights_and_indices_do_not(one):
    assert not is_spectral(one)


def test_an_unknown_name_is_refused_with_the_known_ones():
    for call in (check_names, lambda names: by_names(names, VALUES)):
        with pytest.raises(ValueError, match="no augmentation <zom>, only flip, rotate90"):
            call(["flip", "zom"])


@pytest.mark.parametrize(
    ("strengths", "words"),
    [
        ({"zoom": 0.1}, "<strengths> has <zoom>, which is not among the augmentations"),
        ({"flip": 1.5}, "strength of <flip> must be above 0 and at most 1, found 1.5"),
        ({"noise": 0}, "strength of <noise> must be above 0, found 0"),
        ({"noise": float("nan")}, "must be above 0"),
        ({"noise": float("inf")}, "must be above 0"),
    ],
)
def test_an_impossible_strength_is_refused(strengths, words):
    with pytest.raises(ValueError, match=words):
        check_strengths(["flip", "noise"], strengths)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_standard_strength_is_possible(name):
    check_strengths([name], {name: AUGMENTATIONS[name].standard})


PAIR = BandValues(
    np.zeros(6, np.float32), np.ones(6, np.float32), np.tile([True, True, False], 2), 2
)
"""Two spectral bands and heights, at each of two dates."""


def test_each_date_has_its_own_grey():
    images = np.random.default_rng(1).normal(size=(50, 4, 4, 6)).astype(np.float32)
    lit, _ = changed("saturation", images, values=PAIR, saturation=0.9)
    for red, nir, heights in ((0, 1, 2), (3, 4, 5)):
        grey = images[..., [red, nir]].mean(axis=-1)
        np.testing.assert_allclose(lit[..., [red, nir]].mean(axis=-1), grey, atol=1e-5)
        np.testing.assert_array_equal(lit[..., heights], images[..., heights])
    assert (lit != images)[..., [0, 1, 3, 4]].mean() > 0.9


def test_heights_are_dropped_at_both_dates_or_at_none():
    lit, _ = changed("band_dropout", np.ones((200, 2, 2, 6), np.float32), values=PAIR)
    dropped = (lit == 0).all(axis=(1, 2))
    np.testing.assert_array_equal(dropped[:, 2], dropped[:, 5])
    assert dropped[:, 2].mean() == pytest.approx(0.2, abs=0.08)
    assert not dropped[:, [0, 1, 3, 4]].any()


def test_values_of_bands_tell_the_dates():
    red = Band("red", True, {"map": "red"}, None, 1.0, "nearest", "", "uint8")
    heights = replace(red, name="dsm")
    bands = [red, heights, red.at(1, red), heights.at(1, heights)]
    values = BandValues.of(bands, [0.0] * 4, [1.0] * 4)
    assert [one.tolist() for one in values.light_of_dates] == [[0], [2]]
