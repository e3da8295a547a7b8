# SPDX-License-Identifier: GPL-2.0-or-later
"""Prediction of values: decision, segments and the spread of an ensemble, without GRASS."""

import numpy as np
import pytest

from function_engine import FunctionEngine
from grassdl.core.values import ValueTarget
from grassdl.model.ensemble import Member
from grassdl.predict.engines.disagreement import Spread
from grassdl.predict.engines.ensemble_engine import EnsembleEngine, MemberInput
from grassdl.predict.segments.means import SegmentMeans
from grassdl.predict.segments.statistics import SegmentSettings
from grassdl.predict.settings import Settings
from grassdl.predict.targets import PREDICTION
from grassdl.predict.value_decision import ValueDecision
from model_cards import card_of

HEIGHT = ValueTarget("height", "m", 10.0, 5.0, 0.0, 30.0)
WHOLE = (slice(None), slice(None))


def test_values_stay_as_they_are_and_null_is_kept():
    decision = ValueDecision(with_disagreement=True, with_novelty=True, features=1)
    result = np.array([[[3, 0.5, 1.5, 7], [-2, 0.1, 0.4, 8]]], np.float32)
    band = decision.empty(1, 2)
    decision.decide(band, WHOLE, result, np.array([[False, True]]))
    assert band.value.tolist() == [[3, 0]]
    assert band.null.tolist() == [[False, True]]
    assert band.disagreement.tolist() == [[0.5, 0]]
    assert band.novelty.tolist() == [[1.5, 0]]
    assert band.features[0, 0].tolist() == [7]
    assert decision.layers == 4


def test_members_disagree_by_the_standard_deviation_of_their_values():
    members = np.random.default_rng(1).normal(1000, 0.5, (4, 3, 5, 1)).astype(np.float32)
    spread = Spread()
    for one in members:
        spread.add(one)
    expected = members[..., 0].astype(np.float64).std(axis=0, ddof=1)
    np.testing.assert_allclose(spread.of(members.mean(axis=0)), expected, rtol=1e-3)


class Ids:
    """A map of segments in memory."""

    def __init__(self, ids):
        self.ids = ids
        self.rows, self.cols = ids.shape

    def read(self, row, rows):
        part = self.ids[row : row + rows]
        return part, part == 0


def test_segments_have_the_mean_of_their_values(tmp_path):
    ids = np.array([[4, 4, 7], [4, 7, 0]])
    values = np.array([[1, 2, 10], [6, 20, 99]], np.float32)
    decision = ValueDecision()
    by = SegmentMeans(Ids(ids), decision, SegmentSettings(), tmp_path)
    for row in range(2):
        band = decision.empty(1, 3)
        decision.decide(band, WHOLE, values[row : row + 1, :, None], np.zeros((1, 3), bool))
        by.add(band)
    columns, rows = by.result(HEIGHT)
    assert columns["cat"].tolist() == [4, 7]
    assert columns["cells"].tolist() == [3, 2]
    assert columns["mean"].tolist() == [3, 15]
    assert columns["deviation"] == pytest.approx([np.std([1, 2, 6]), 5])
    found, null = (np.concatenate(one) for one in zip(*rows, strict=True))
    assert found[~null].tolist() == [3, 3, 15, 3, 15]
    assert null.tolist() == [[False] * 3, [False, False, True]]


def test_an_ensemble_gives_mean_and_spread_of_values():
    members = [Member(None, card_of(target=HEIGHT, mean=[0.0] * 3)) for _ in range(2)]
    engines = [FunctionEngine(lambda v, gain=gain: gain * v[..., :1]) for gain in (1, 3)]
    inputs = [MemberInput(one) for one in members]
    engine = EnsembleEngine(engines, inputs, 1, True, PREDICTION.of(HEIGHT).disagreement)
    found = engine(np.full((2, 2, 3), 5, np.float32))
    assert found[0, 0].tolist() == pytest.approx([10, np.std([5, 15], ddof=1)])


OPTIONS = {
    **dict.fromkeys(
        "probabilities confidence uncertainty disagreement threshold vector minsize tile_size "
        "tiling segment_features group output segments segment_output novelty objects "
        "object_classes regularize generalize".split(),
        "",
    ),
    "input": "a", "model": "m", "nprocs": "1", "memory": "300", "engine": "auto",
    "precision": "float32", "normalization": "model", "segment_method": "mean",
    "segment_margin": "0",
}  # fmt: skip
FLAGS = {"a": False, "r": False}


@pytest.mark.parametrize(
    "changes",
    [
        {"probabilities": "p"},
        {"confidence": "c"},
        {"uncertainty": "u"},
        {"threshold": "0.5"},
        {"vector": "v"},
        {"objects": "o"},
        {"segment_method": "majority"},
        {"segment_margin": "0.2"},
    ],
)
def test_options_of_classes_are_refused_for_values(changes):
    (name,) = changes
    with pytest.raises(ValueError, match=f"^{name} is for classes, and model <.*> is of values of"):
        Settings.from_options({**OPTIONS, **changes}, FLAGS, card_of(target=HEIGHT))


def test_plain_options_serve_values():
    found = Settings.from_options(OPTIONS, FLAGS, card_of(target=HEIGHT))
    assert found.threshold is None
