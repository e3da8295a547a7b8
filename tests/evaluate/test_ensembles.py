# SPDX-License-Identifier: GPL-2.0-or-later
"""Models of folds, and ensembles of them, scored on patches."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from folded_dataset import COUNTS, write_folds
from grassdl.core.classes import ClassScheme
from grassdl.dataset.folds import fold_of
from grassdl.dataset.patchset import PatchSet
from grassdl.dataset.seen import area_seen
from grassdl.evaluate import fitting
from grassdl.evaluate.fitting import check_fit, fitted_model
from grassdl.evaluate.metrics.thresholds import NOTHING_WANTED
from grassdl.evaluate.patch_assessment import score_patches
from grassdl.model.ensemble import Member, Model, joined_card
from model_cards import card_of
from tiny_dataset import BANDS, CLASSES


@pytest.fixture
def dataset(tmp_path):
    return PatchSet.open(write_folds(tmp_path / "dataset"))


@pytest.fixture
def members(dataset, tmp_path):
    """Cards as trainings of each fold write them."""
    cards = [
        card_of(
            name=f"fold_{number}",
            bands=BANDS,
            target=CLASSES,
            mean=[500.0 + number, 1000.0],
            deviation=[300.0, 800.0],
            ranges=[],
            resolution=(0.25, 0.25),
            stride=2,
            halo=2,
            training={"fold": number},
            dataset_ids=[dataset.manifest.dataset_id],
            areas=[area_seen(fold_of(dataset, number))],
            temperature=1.0,
        )
        for number in (1, 2, 3)
    ]
    return tuple(Member(tmp_path / one.name, one) for one in cards)


def shares_of(images):
    """Class by the near infrared, with more certainty than it deserves."""
    found = np.abs(images[..., 1:] - np.float32([100, 1000, 2000])).argmin(axis=-1)
    return np.where(np.arange(3) == found[..., None], np.float32(0.98), np.float32(0.01))


def test_each_network_of_an_ensemble_gets_the_temperature_of_its_own_fold(
    dataset, members, monkeypatch
):
    seen = {}

    def predict(name, images):
        seen[name] = seen.get(name, 0) + len(images)
        return shares_of(images)

    monkeypatch.setattr(fitting, "predictor", lambda folder: partial(predict, folder.name))
    whole = Model(members, joined_card("all", members))
    model, lines = fitted_model(whole, [dataset], NOTHING_WANTED, 1, "t")
    assert [line.rpartition("/")[2] for line in lines] == ["fold_1>", "fold_2>", "fold_3>"]
    assert seen == {"fold_1": COUNTS["val"], "fold_2": 3, "fold_3": 3}
    assert all(one.card.temperature != 1 for one in model.members)
    assert model.card.temperature == 1


def test_the_validation_patches_of_a_model_are_those_of_its_fold(dataset, members):
    report = score_patches(shares_of, members[1].card, [dataset], "val", seed=1)
    assert report["pixels"] == 3 * 16 * 16
    assert [one["seen_as"] for one in report["leaks"]] == ["val"]
    assert score_patches(shares_of, members[1].card, [dataset], "test", seed=1)["leaks"] == []


def test_an_ensemble_has_seen_the_validation_patches_as_training(dataset, members):
    card = joined_card("all", members)
    report = score_patches(shares_of, card, [dataset], "val", seed=1)
    assert report["pixels"] == COUNTS["val"] * 16 * 16
    # Each of its networks has a temperature of its own.
    assert report["calibration"]["temperature"] is None
    told = {one["seen_as"]: (one["patches"], one["of"]) for one in report["leaks"]}
    assert told["train"] == (COUNTS["val"], COUNTS["val"])
    assert score_patches(shares_of, card, [dataset], "test", seed=1)["leaks"] == []


def test_no_threshold_is_stored_in_an_ensemble(members):
    card = joined_card("all", members)
    two = replace(card, target=ClassScheme(list(CLASSES)[:2]))
    with pytest.raises(ValueError, match="No patches validate all networks of <all>"):
        check_fit(Model(members, two), NOTHING_WANTED, "s")


def test_the_threshold_of_one_member_is_not_that_of_the_ensemble(members):
    first, *others = members
    changed = replace(first, card=replace(first.card, threshold=0.3))
    assert joined_card("all", [changed, *others]).threshold is None
