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
