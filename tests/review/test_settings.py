# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of a review."""

import pytest

from grassdl.core.values import ValueTarget
from grassdl.review.settings import Settings
from model_cards import card_of


def test_a_model_of_values_is_not_reviewed():
    settings = Settings(64, 10, None, 1, 0, "model", 300, 1)
    card = card_of(target=ValueTarget("height", "m", 10.0, 5.0, 0.0, 30.0))
    with pytest.raises(ValueError, match="^Model <suburb> is of values of <height> in m"):
        settings.prediction("m", card)
    assert settings.prediction("m", card_of()).normalization == "model"


OPTIONS = {
    "size": "64", "npatches": "10", "distance": "", "minsize": "10", "seed": "1", "memory": "300",
    "normalization": "model", "nprocs": "1", "threshold": "0.05", "templates": "",
}  # fmt: skip


@pytest.mark.parametrize(
    "given, words",
    [
        ({"size": "1"}, "squares of size=1 are single cells: use a larger size"),
        ({"minsize": "100001"}, "minsize is at most 100000, as that of i.segment, found 100001"),
    ],
)
def test_what_i_segment_refuses_is_refused_before_the_run(given, words):
    assert Settings.from_options({**OPTIONS, **given})
    with pytest.raises(ValueError, match=words):
        Settings.from_options({**OPTIONS, "templates": "parts", **given})
