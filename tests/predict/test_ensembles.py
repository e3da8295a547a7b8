# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.predict with several networks, in a GRASS session."""

from __future__ import annotations

import numpy as np
import pytest

from grassdl.model.card import tempered
from grassdl.model.folder import save_card
from model_cards import card_of
from predicting import refused
from small_model import CLASSES, DEVIATION, MEAN, plain_band, write_members

BANDS = [plain_band("one"), plain_band("two")]


@pytest.fixture
def ensemble(tmp_path):
    """An ensemble of two, the second at temperature 2."""
    folder = tmp_path / "ensemble"
    return folder, write_members(folder, BANDS)


def parts(networks, values):
    """Probabilities (2, rows, cols, classes) of each member run once over the maps, NULL as its own
    band means; and what is NULL."""
    null = np.isnan(values).any(axis=-1)
    rows, cols = null.shape
    found = []
    for number, network in enumerate(networks, start=1):
        filled = np.empty((-(-rows // 4) * 4, -(-cols // 4) * 4, 2), np.float32)
        filled[:] = np.float32(MEAN) + 10 * number
        filled[:rows, :cols][~null] = values[~null]
        given = np.asarray(network(filled[None]))[0, :rows, :cols]
        found.append(tempered(given, float(number)))
    return np.stack(found), null


def entropy(shares):
    return -(shares * np.log(shares)).sum(axis=-1) / np.log(shares.shape[-1])


def test_the_maps_are_the_mean_of_the_networks_and_how_they_disagree(
    grass_project, bands, ensemble
):
    folder, networks = ensemble
    grass_project.run("r.mapcalc", expression="segments = col() / 7")
    grass_project.run(
        "i.dl.predict",
        input="one,two",
        model=folder,
        output="classes",
        probabilities="p",
        disagreement="apart",
        uncertainty="unsure",
        segments="segments",
        segment_output="by_segment",
        tile_size=16,
        engine="keras",
    )
    own, null = parts(networks, bands)
    expected = own.mean(axis=0)
    found = np.ma.dstack([grass_project.read_raster(f"p_{one.value}") for one in CLASSES])
    assert np.array_equal(found.mask.any(axis=-1), null)
    assert np.abs(found.data - expected)[~null].max() < 1e-5
    unsure, apart = entropy(expected), entropy(expected) - entropy(own).mean(axis=0)
    for name, values in (("unsure", unsure), ("apart", apart)):
        found = grass_project.read_raster(name)
        assert np.array_equal(np.ma.getmaskarray(found), null)
        assert np.abs(found.data - values)[~null].max() < 1e-4
    assert 0.05 < apart[~null].mean() < unsure[~null].mean()
    info = grass_project.run("r.info", map="apart").stdout
    assert "Mutual information between the members by model ensemble" in info
    assert "i.dl.predict" in info
    rule = grass_project.run("r.colors.out", map="apart").stdout.splitlines()[0]
    assert rule.startswith("0 68:1:84")
    segments = np.indices(null.shape)[1] // 7
    classes = grass_project.read_raster("by_segment")
    for segment in np.unique(segments):
        inside = (segments == segment) & ~null
        winner = CLASSES.values[expected[inside].mean(axis=0).argmax()]
        assert set(classes.data[inside]) == {winner}


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
