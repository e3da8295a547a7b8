# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches of a run that gives each one class, and the options of such a run, without GRASS."""

import numpy as np
import pytest

from array_reader import ArrayBands
from function_engine import FunctionEngine
from grassdl.core.patch_classes import PatchClasses
from grassdl.predict.patch_run import Patches
from grassdl.predict.settings import Settings
from model_cards import card_of

ROWS, COLS = 7, 6
OF_PATCHES = PatchClasses(card_of().classes)


@pytest.mark.parametrize("size", [4, 5])
def test_a_patch_has_what_a_network_of_ones_own_gives_for_its_central_cell(size):
    values = np.arange(ROWS * COLS, dtype=np.float32).reshape(ROWS, COLS, 1)
    null = np.zeros((ROWS, COLS), bool)
    null[3, 2] = True
    centre, _ = OF_PATCHES.labelled_part(size)
    # It gives every cell what it has.
    engine = FunctionEngine(lambda window: window)
    fill = np.array([-1], np.float32)
    patches = Patches(ArrayBands(values, null), engine, fill, size, centre)
    cells = np.argwhere(np.ones((ROWS, COLS)))
    found = {place: float(result[0]) for place, result in patches.results(cells - centre)}
    expected = np.where(null, -1, values[..., 0]).ravel().tolist()
    assert found == dict(enumerate(expected))


def settings(card, **changes):
    names = (
        "model tiling tile_size threshold minsize segment_features segments segment_output "
        "segment_stats segment_vector objects object_classes regularize generalize output "
        "confidence uncertainty disagreement novelty probabilities vector scheduler group"
    )
    usual = {
        **dict.fromkeys(names.split(), ""),
        "input": "one,two",
        "nprocs": "0",
        "memory": "1000",
        "engine": "auto",
        "precision": "float32",
        "normalization": "model",
        "segment_method": "mean",
        "segment_margin": "0",
    }
    return Settings.from_options({**usual, **changes}, {"a": False, "r": False}, card)


def test_segments_need_an_output_of_theirs_unless_patches_classify_them():
    of_patches = card_of(target=OF_PATCHES, halo=None)
    assert settings(of_patches, segments="ids", output="classes").block == 1
    assert settings(of_patches, output="classes").block == of_patches.size
    of_cells = {"segments": "ids", "output": "classes"}
    with pytest.raises(ValueError, match="segments needs one of segment_output, segment_stats"):
        settings(card_of(), **of_cells)
    with pytest.raises(ValueError, match="segments needs one of"):
        settings(of_patches, **of_cells, input="", probabilities="p")
    assert settings(card_of(), **of_cells, segment_stats="a.csv").block == 1


def test_a_margin_of_segments_is_for_classes_of_cells():
    of_patches = card_of(target=OF_PATCHES, halo=None)
    with pytest.raises(ValueError, match="segment_margin is for classes of cells"):
        settings(of_patches, segments="ids", segment_output="s", segment_margin="0.2")
