# SPDX-License-Identifier: GPL-2.0-or-later
"""From probabilities to classes, threshold and uncertainty."""

import numpy as np
import pytest

from grassdl.predict.decision import PIECE_BYTES, Decision, most_probable, normalised_entropy

PLACE = (slice(None), slice(None))


def decide(decision, probabilities, null=None):
    """The row band of one row of cells."""
    shares = np.array([probabilities], np.float32)
    band = decision.empty(*shares.shape[:2])
    null = np.zeros(shares.shape[:2], bool) if null is None else np.array([null])
    decision.decide(band, PLACE, shares, null)
    return band


def test_without_a_threshold_the_most_probable_class_is_taken():
    band = decide(Decision(3), [[0.4, 0.35, 0.25], [0.1, 0.2, 0.7]])
    assert band.index.tolist() == [[0, 2]]
    assert not band.unclassified.any()
    assert band.uncertainty is None and band.probabilities is None
    np.testing.assert_allclose(band.confidence, [[0.4, 0.7]])


def test_below_the_threshold_there_is_no_class_but_the_rest_stays():
    shares = [[0.4, 0.35, 0.25], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]
    band = decide(Decision(3, 0.5, with_uncertainty=True, with_probabilities=True), shares)
    assert band.unclassified.tolist() == [[True, False, False]]
    assert not band.null.any()
    assert band.index.tolist() == [[0, 0, 2]]
    np.testing.assert_allclose(band.confidence, [[0.4, 0.5, 0.7]])
    np.testing.assert_allclose(band.probabilities, [shares])


def test_the_highest_probability_is_left_out_where_nobody_wants_it():
    shares = [[0.4, 0.35, 0.25], [0.1, 0.2, 0.7]]
    without = decide(Decision(3, with_confidence=False), shares)
    assert without.confidence is None and without.index.tolist() == [[0, 2]]
    assert Decision(3).cell_bytes - Decision(3, with_confidence=False).cell_bytes == 4
    needed = decide(Decision(3, 0.5, with_confidence=False), shares)
    assert needed.unclassified.tolist() == [[True, False]]


def test_the_most_probable_class_of_more_cells_than_a_piece_has_is_that_of_argmax():
    rng = np.random.default_rng(0)
    # Few different values, so that many cells have several classes alike.
    shares = rng.integers(0, 4, (300, 400, 9)).astype(np.float32)[10:-10, :, :7]
    assert shares.nbytes > 2 * PIECE_BYTES
    index, highest = most_probable(shares)
    assert index.dtype == np.uint8 and highest.dtype == np.float32
    np.testing.assert_array_equal(index, shares.argmax(axis=-1))
    np.testing.assert_array_equal(highest, shares.max(axis=-1))


def test_the_parts_of_a_row_band_have_each_layer_in_one_piece_of_memory():
    band = Decision(3, with_probabilities=True, features=2).empty(4, 5)
    for values in (band.probabilities, band.features):
        assert not values.any()
        assert all(values[..., layer].flags.c_contiguous for layer in range(values.shape[-1]))


@pytest.mark.parametrize("shape", [(3, 256), (0, 5), (4, 2, 1)])
def test_most_probable_takes_any_shape(shape):
    shares = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    index, highest = most_probable(shares)
    np.testing.assert_array_equal(index, np.full(shape[:-1], shape[-1] - 1))
    np.testing.assert_array_equal(highest, shares[..., -1])


@pytest.mark.parametrize(
    ("threshold", "expected"), [(0.2, [1, 1, 1]), (0.5, [0, 1, 1]), (0.8, [0, 0, 1]), (1, [0] * 3)]
)
def test_of_two_classes_the_threshold_decides_for_the_second(threshold, expected):
    band = decide(Decision(2, threshold), [[0.7, 0.3], [0.5, 0.5], [0.1, 0.9]])
    assert band.index.tolist() == [expected]
    assert not band.unclassified.any()
    np.testing.assert_allclose(band.confidence, [[0.7, 0.5, 0.9]])


@pytest.mark.parametrize("without_meaning", [0.5, np.nan])
def test_cells_without_data_have_neither_class_nor_figures(without_meaning):
    decision = Decision(2, 0.0, with_uncertainty=True, with_probabilities=True)
    band = decide(decision, [[without_meaning] * 2, [0.5, 0.5]], [True, False])
    assert band.null.tolist() == band.unclassified.tolist() == [[True, False]]
    assert band.confidence.tolist() == [[0, 0.5]]
    assert band.uncertainty.tolist() == [[0, 1]]
    assert band.probabilities.tolist() == [[[0, 0], [0.5, 0.5]]]


def test_entropy_runs_from_certain_to_all_alike():
    shares = np.array([[0, 1, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]], np.float32)
    # One of two equal classes out of four: ln 2 / ln 4.
    np.testing.assert_allclose(normalised_entropy(shares), [0, 1, 0.5], atol=1e-6)
    assert normalised_entropy(np.full((1, 7), 1 / 7 + 1e-6, np.float32)).max() <= 1


def test_empty_bands_are_no_higher_than_asked_and_cover_all_rows():
    bands = list(Decision(3).empty_bands(rows=25, cols=4, height=10))
    assert [band.null.shape for band in bands] == [(10, 4), (10, 4), (5, 4)]
    assert all(band.null.all() and band.unclassified.all() for band in bands)
    assert list(Decision(3).empty_bands(rows=0, cols=4, height=10)) == []
