# SPDX-License-Identifier: GPL-2.0-or-later
"""Several networks as one engine: the mean of the probabilities, and the mutual information."""

import numpy as np
import pytest

from function_engine import FunctionEngine
from grassdl.core.readers import by_layers
from grassdl.model.ensemble import Member
from grassdl.predict.decision import Decision, normalised_entropy
from grassdl.predict.engines.ensemble_engine import EnsembleEngine, MemberInput
from model_cards import card_of

MEANS = [[300.0, 1200.0, 3.0], [310.0, 1100.0, 5.0]]
DEVIATIONS = [[100.0, 400.0, 2.0], [50.0, 300.0, 4.0]]


def members():
    return [
        Member(None, card_of(mean=mean, deviation=deviation))
        for mean, deviation in zip(MEANS, DEVIATIONS, strict=True)
    ]


def ensemble(*results, disagreement=True, classes=3, rows=1, novelty=False):
    """What an ensemble gives whose members give these results for all cells of a row."""
    engines = [
        FunctionEngine(lambda values, one=one: np.float32(one).reshape(rows, -1, len(one[0])))
        for one in results
    ]
    inputs = [MemberInput(members()[0])] * len(results)
    engine = EnsembleEngine(engines, inputs, classes, disagreement, novelty=novelty)
    return engine(np.zeros((rows, len(results[0]) // rows, 3), np.float32))


def test_disagreement_is_the_mean_divergence_of_members_from_their_mean():
    rng = np.random.default_rng(1)
    parts = rng.dirichlet([0.5, 1, 2], (4, 50))
    found = ensemble(*parts.tolist())[0]
    mean = parts.mean(axis=0)
    np.testing.assert_allclose(found[:, :3], mean, atol=1e-6)
    # Mutual information in its other form: mean_m KL(p_m || mean).
    divergence = (parts * np.log(parts / mean)).sum(axis=-1).mean(axis=0) / np.log(3)
    np.testing.assert_allclose(found[:, 3], divergence, atol=2e-6)
    own = np.mean([normalised_entropy(one) for one in parts], axis=0)
    np.testing.assert_allclose(found[:, 3] + own, normalised_entropy(mean), atol=2e-6)


def test_members_that_agree_have_no_disagreement_however_uncertain_they_are():
    same = [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.2, 0.5, 0.3]]
    assert ensemble(same, same, same)[0, :, 3] == pytest.approx([0, 0, 0], abs=1e-6)


def test_members_that_are_certain_of_another_class_each_have_all_of_it():
    each = np.eye(3)[:, None].tolist()
    assert ensemble(*each)[0, 0] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])
    assert ensemble(*each[:2])[0, 0, 3] == pytest.approx(np.log(2) / np.log(3))


def test_features_of_all_members_follow_the_probabilities():
    found = ensemble([[1, 0, 0, 7, 8]], [[0, 1, 0, 9, 6]], disagreement=False)
    assert found[0, 0].tolist() == [0.5, 0.5, 0, 7, 8, 9, 6]
    found = ensemble([[1, 0, 0, 7, 8]], [[0, 1, 0, 9, 6]])[0, 0]
    assert found[4:].tolist() == [7, 8, 9, 6]
    decision = Decision(3, features=4, with_disagreement=True)
    band = decision.empty(1, 2)
    result = np.stack([[found, found]])
    decision.decide(band, np.s_[:, :], result, np.array([[False, True]]))
    assert band.disagreement[0] == pytest.approx([np.log(2) / np.log(3), 0])
    assert band.features[0, 0].tolist() == [7, 8, 9, 6]


def test_the_novelty_is_the_mean_of_that_of_the_members():
    found = ensemble([[1, 0, 0, 0.5, 8]], [[0, 1, 0, 1.5, 9]], novelty=True)[0, 0]
    assert found[:3].tolist() == [0.5, 0.5, 0]
    assert found[4:].tolist() == [1, 8, 9]
    found = ensemble([[1, 0, 0, 3]], [[1, 0, 0, 5]], novelty=True, disagreement=False)[0, 0]
    assert found.tolist() == [1, 0, 0, 4]


def test_null_is_the_band_mean_of_each_member():
    seen = []
    engines = [FunctionEngine(lambda values: seen.append(values) or values) for _ in range(2)]
    engine = EnsembleEngine(engines, [MemberInput(one) for one in members()], 3)
    values = np.float32([[[1, 2, 3], [np.nan] * 3]])
    engine(values)
    assert [one[0].tolist() for one in seen] == [[[1, 2, 3], mean] for mean in MEANS]
    assert np.isnan(values[0, 1]).all()


def test_adjusted_bands_reach_each_member_with_its_own_mean_and_deviation():
    # A band that is constant in all trainings has the deviation 0.
    common = card_of(mean=[305.0, 1150.0, 4.0], deviation=[75.0, 350.0, 0.0])
    standard = np.array([-1.5, 2, 0])
    values = (standard * common.deviation + common.mean).astype(np.float32)[None, None]
    for one in members():
        found = MemberInput.of(one, common)(values)[0, 0]
        assert found == pytest.approx(standard * one.card.deviation + one.card.mean)
        assert by_layers(found[None, None]).dtype == np.float32
