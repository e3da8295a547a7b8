# SPDX-License-Identifier: GPL-2.0-or-later
"""What i.dl.train prints for scripts."""

from pathlib import Path

from grassdl.train.result import record
from model_cards import card_of

FOLDER = Path("/models/suburb")


def test_a_network_is_told_with_its_scores_and_without_members():
    card = card_of()
    found = record(card, FOLDER)
    assert found["test"] == card.test
    assert (found["model"], found["network"], found["parameters"]) == (str(FOLDER), "unet", 1000)
    assert (found["epochs_run"], found["best_epoch"], found["seconds"]) == (12, 9, 90.0)
    assert (found["members"], found["summary"]) == (None, None)


def test_an_ensemble_is_told_with_its_members_and_their_summary():
    members = [{"name": "fold_1", "validation": {"kappa": 0.5}, "test": None}]
    summary = {"validation": {"mean": {"kappa": 0.5}}, "test": {"mean": {"kappa": None}}}
    training = {"members": members, "summary": summary, "validated_on": "its fold"}
    found = record(card_of(training=training, test=None, members=["fold_1"]), FOLDER)
    assert (found["members"], found["summary"], found["test"]) == (members, summary, None)
    assert found["epochs_run"] is None
