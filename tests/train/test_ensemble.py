# SPDX-License-Identifier: GPL-2.0-or-later
"""Several networks are trained into one ensemble, whatever ends the training in between."""

import json
import os
import shutil
from dataclasses import replace

import pytest

from folded_dataset import write_folds
from grassdl.core.accuracy import HEADLINE
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.model.folder import MODEL_FOLDER, load_card, save_card
from grassdl.train import ensemble
from grassdl.train.config.members import trainings
from grassdl.train.config.settings import Settings
from grassdl.train.ensemble import train_ensemble
from grassdl.train.ensemble_scores import summary, table
from grassdl.train.resume.ensemble_folder import check_ensemble_target, ensemble_path
from grassdl.train.resume.run_folder import run_path
from model_cards import card_of
from tiny_dataset import scene, write_dataset

SETTINGS = Settings(
    network_options={"filters": 2, "depth": 1}, epochs=2, batch_size=4, augmentation=(), seed=7
)
NOTHING = {"fold": "", "repeats": ""}
FIGURES = {"overall_accuracy": 0.9, "kappa": 0.8, "f1_macro": 0.7, "mean_iou": 0.6}
FIGURES |= {"pixels": 4, "classes": []}
INTERRUPTED: set[int] = set()
"""Seeds of trainings that are interrupted."""


class Killed(BaseException):
    """Ends a training as SIGKILL does, but not the process."""


def opened(*folders):
    return JoinedPatchSets([PatchSet.open(folder) for folder in folders])


def run(wanted, target, resume=False, kill_at=None, lines=None):
    """Train an ensemble in this process; killed at the second line that begins so."""
    lines = [] if lines is None else lines

    def report(line):
        lines.append(line)
        second = any(one.startswith("Member 2 of") for one in lines)
        if kill_at and second and line.startswith(kill_at):
            raise Killed

    checked = check_ensemble_target(target, overwrite=False, resume=resume)
    told = {"command": "the call", "versions": {"grass": "8.2.1"}, "resume": resume}
    try:
        return train_ensemble(wanted, checked, report=report, warn=lines.append, **told), lines
    except Killed:
        return None, lines


@pytest.fixture
def quick_training(monkeypatch):
    """Trainings that write a card and a checkpoint only, and what they were asked for."""
    asked = []

    def train(data, target, settings, *, resume, report, **told):
        asked.append((target.name, data.fold, settings.seed, resume))
        checkpoint = run_path(target) / "checkpoint.npz"
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.touch()
        report(f"Epoch 2/{settings.epochs}")
        interrupted = settings.seed in INTERRUPTED
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        facts = {"interrupted": interrupted, "validation": FIGURES, "best_epoch": 1, "seconds": 1.5}
        card = card_of(name=target.name, test=FIGURES, training=facts)
        save_card(card, target)
        if not interrupted:
            shutil.rmtree(checkpoint.parent)
        return card

    INTERRUPTED.clear()
    monkeypatch.setattr(ensemble, "train", train)
    monkeypatch.setattr(ensemble, "score", lambda *_: FIGURES)
    monkeypatch.setattr(ensemble.Model, "predictor", lambda _: None)
    return asked


def test_a_finished_member_is_not_trained_again_and_a_started_one_is_resumed(
    tmp_path, quick_training
):
    data = opened(write_folds(tmp_path / "dataset"))
    wanted = trainings({**NOTHING, "fold": "all"}, data, SETTINGS)
    target = tmp_path / "ensemble"
    assert run(wanted, target, kill_at="Epoch 2/")[0] is None
    assert quick_training == [("fold_1", 1, 7, False), ("fold_2", 2, 7, False)]
    assert not target.exists()
    card, lines = run(wanted, target, resume=True)
    assert quick_training[2:] == [("fold_2", 2, 7, True), ("fold_3", 3, 7, False)]
    assert "fold_1 It is trained already Member 2 of 3: fold_2" in " ".join(lines)
    assert card.members == ["fold_1", "fold_2", "fold_3"] == load_card(target).members
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "ensemble"]
    MODEL_FOLDER.check_replaceable(target)


def test_an_interrupted_member_ends_the_ensemble_and_is_resumed(tmp_path, quick_training):
    data = opened(write_dataset(tmp_path / "dataset", {"train": scene(4, 1)}))
    wanted = trainings({**NOTHING, "repeats": "3"}, data, SETTINGS)
    INTERRUPTED.add(8)
    lines = []
    with pytest.raises(KeyboardInterrupt) as error:
        run(wanted, tmp_path / "ensemble", lines=lines)
    assert "-r resumes the ensemble" in error.value.__notes__[0]
    # The best epoch so far of the second one is a model, too, but not trained to its end.
    assert lines[-1].endswith(f"can be used: model={tmp_path / '.ensemble.ensemble' / 'seed_7'}")
    INTERRUPTED.clear()
    card, _ = run(wanted, tmp_path / "ensemble", resume=True)
    assert quick_training[1:] == [
        ("seed_8", None, 8, False),
        ("seed_8", None, 8, True),
        ("seed_9", None, 9, False),
    ]
    assert card.training["validated_on"] == "validation"


def test_what_no_member_could_end_well_is_refused_before_finished_members_go(
    tmp_path, quick_training
):
    data = opened(write_folds(tmp_path / "dataset"))
    wanted = trainings({**NOTHING, "fold": "all"}, data, SETTINGS)
    run(wanted, tmp_path / "e", kill_at="Epoch 2/")
    finished = ensemble_path(tmp_path / "e") / "fold_1"
    assert finished.is_dir()
    deep = replace(SETTINGS, network_options={"filters": 2, "depth": 9})
    with pytest.raises(ValueError, match="atch size"):
        run(trainings({**NOTHING, "fold": "all"}, data, deep), tmp_path / "e")
    assert finished.is_dir()


def test_another_call_does_not_resume_an_ensemble(tmp_path, quick_training):
    data = opened(write_folds(tmp_path / "dataset"))
    wanted = trainings({**NOTHING, "fold": "all"}, data, SETTINGS)
    target, folder = tmp_path / "e", ensemble_path(tmp_path / "e")
    folder.mkdir()
    with pytest.raises(ValueError, match="no unfinished ensemble .*/e> to resume: leave out -r"):
        run(wanted, target, resume=True)
    run(wanted, target, kill_at="Epoch 2/")
    others = trainings({**NOTHING, "repeats": "3"}, data, SETTINGS)
    with pytest.raises(ValueError, match="Cannot resume: .*the members"):
        run(others, target, resume=True)
    (folder / "notes.txt").touch()
    with pytest.raises(ValueError, match="holds <notes.txt>, which is not of an ensemble"):
        run(wanted, target)
    assert (folder / "fold_1" / "model.json").is_file()


def test_the_table_has_a_line_for_each_member_each_summary_and_the_ensemble(
    tmp_path, quick_training
):
    data = opened(write_folds(tmp_path / "dataset"))
    wanted = trainings({**NOTHING, "fold": "all"}, data, SETTINGS)
    card, _ = run(wanted, tmp_path / "ensemble")
    lines = table(card)
    assert max(map(len, lines)) <= 92
    assert "out of fold" in lines[0]
    names = [line[:18].strip() for line in lines[2:]]
    summaries = ["mean", "standard deviation", "median", "ensemble"]
    assert names == ["fold_1", "fold_2", "fold_3", *summaries]
    assert lines[2].split()[1:] == ["0.9000", "0.8000", "0.7000", "0.6000"] * 2
    assert lines[-1].split()[1:] == ["-"] * 4 + ["0.9000", "0.8000", "0.7000", "0.6000"]
    readme = (tmp_path / "ensemble" / "README.md").read_text()
    assert "An ensemble of 3 networks" in readme and "fold\\_2" in readme


def test_a_figure_that_one_member_lacks_has_no_summary():
    known = dict.fromkeys(HEADLINE, 0.5)
    members = [
        {"validation": None, "test": known},
        {"validation": known, "test": {**known, "kappa": None}},
    ]
    found = summary(members)
    assert set(found["validation"]["mean"].values()) == {None}
    assert found["test"]["mean"] == {**known, "kappa": None}
    assert found["test"]["standard deviation"]["mean_iou"] == 0


def test_repeats_train_with_seeds_that_follow_each_other(tmp_path):
    data = opened(write_dataset(tmp_path / "plain", {"train": scene(4, 1)}))
    wanted = trainings({**NOTHING, "repeats": "3"}, data, SETTINGS)
    assert [(one.name, one.settings.seed) for one in wanted.each] == [
        ("seed_7", 7),
        ("seed_8", 8),
        ("seed_9", 9),
    ]
    assert wanted.validated_on == "validation"


@pytest.mark.parametrize(
    "options, words",
    [
        ({"fold": "all"}, "plain> has no folds: cut it with i.dl.patches folds="),
        ({"fold": "2"}, "plain> has no folds"),
        ({"fold": "first"}, "Option fold takes the number of a fold, or all, not first"),
        ({"fold": "0"}, "Option fold takes the number of a fold, or all, not 0"),
        ({"repeats": "1"}, "Option repeats takes a whole number of 2 to 100, not 1"),
        ({"fold": "all", "repeats": "3"}, "give one of them"),
    ],
)
def test_trainings_that_make_no_sense_are_refused(tmp_path, options, words):
    data = opened(write_dataset(tmp_path / "plain", {"train": scene(4, 1)}))
    with pytest.raises(ValueError, match=words):
        trainings({**NOTHING, **options}, data, SETTINGS)


def test_datasets_of_other_numbers_of_folds_are_named(tmp_path):
    one, two = (write_folds(tmp_path / name) for name in ("one", "two"))
    content = json.loads((two / "dataset.json").read_text())
    third = content["folds"].pop()
    content["folds"][1] = {**third, "patches": 6}
    (two / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="one> and <.*two> have 3 and 2 folds"):
        trainings({**NOTHING, "fold": "all"}, opened(one, two), SETTINGS)


def test_a_file_system_without_second_names_gets_copies(tmp_path, monkeypatch):
    from grassdl.train.ensemble import linked

    (tmp_path / "one").write_text("text")
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError))
    linked(str(tmp_path / "one"), str(tmp_path / "two"))
    assert (tmp_path / "two").read_text() == "text"
