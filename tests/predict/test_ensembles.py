# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.predict with several networks, in a GRASS session."""

from __future__ import annotations

import pytest

from grassdl.model.folder import save_card
from model_cards import card_of
from predicting import refused
from small_model import DEVIATION, MEAN, plain_band

BANDS = [plain_band("one"), plain_band("two")]


@pytest.mark.parametrize(
    "names, words, options",
    [
        (["fold_1"], ["disagreement", "<fold_1>", "ensemble"], {"disagreement": "apart"}),
        (["fold_1", "other"], ["fold_1>", "other>", "equal bands and classes"], {}),
        (["fold_1", "fold_1"], ["fold_1> is named twice"], {}),
        (["fold_1", "none"], ["none> not found"], {}),
    ],
)
def test_models_that_make_no_ensemble_are_refused(
    grass_project, bands, tmp_path, names, words, options
):
    two = {"bands": BANDS, "mean": MEAN, "deviation": DEVIATION, "ranges": []}
    one = {"bands": BANDS[:1], "mean": MEAN[:1], "deviation": DEVIATION[:1], "ranges": []}
    for name, facts in (("fold_1", two), ("other", one)):
        (tmp_path / name).mkdir()
        save_card(card_of(name=name, **facts), tmp_path / name)
    model = ",".join(str(tmp_path / name) for name in names)
    refused(grass_project, [model], *words, **options)
