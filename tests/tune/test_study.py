# SPDX-License-Identifier: GPL-2.0-or-later
"""A study in its file: several processes, kills, other files, and what is tried."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import tune_in_turn
from grassdl.tune.importance import importances
from grassdl.tune.parameters import Choice, Range
from grassdl.tune.study import Pruned, Study, watching
from grassdl.tune.study_file import check_study_file
from tune_in_turn import open_study

DIGITS = (Choice("loss", ("dice", "focal")), Range("depth", 1, 3, log=False, whole=True))


def begin(path, trials, *words):
    return subprocess.Popen(
        [sys.executable, tune_in_turn.__file__, str(path), str(trials), *words],
        stdout=subprocess.PIPE,
        text=True,
    )


def do_all(study):
    """Do the trials that are left; returns what was tried."""
    tried = []
    while (trial := study.next_trial()) is not None:
        tried.append(trial.params["dropout"])
        study.finish(trial, trial.params["dropout"])
    return tried


def locks(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".lock"))


def test_two_processes_share_the_trials_of_a_study(tmp_path):
    path = tmp_path / "journal.study"
    both = [begin(path, 8) for _ in range(2)]
    told = [one.communicate(timeout=120)[0].split() for one in both]
    assert [one.returncode for one in both] == [0, 0]
    numbers = [int(word) for words in told for word in words if word.isdigit()]
    assert sorted(numbers) == list(range(8))
    # Who ends after the other one trains the best; if both end at once, each may find itself last.
    assert any(words[-1] == "last" for words in told)
    with open_study(path, 8) as study:
        assert len(study.trials()) == 8
        assert len({one.params["dropout"] for one in study.trials()}) == 8
        assert study.best().value == max(one.value for one in study.trials())
    assert locks(tmp_path) == []


def test_a_database_serves_as_a_journal_does(tmp_path):
    with open_study(tmp_path / "study.db", 3) as study, open_study(study.file, 3) as other:
        mine, others = study.next_trial(), other.next_trial()
        study.finish(mine, 0.5)
        other.fail(others, "it is the other one's")
        assert [one.number for one in study.trials()] == [0, 1]
    check_study_file(tmp_path / "study.db")
    with open_study(tmp_path / "study.db", 3) as study:
        assert len(do_all(study)) == 1
        assert len(study.complete()) == 2


def test_the_trial_of_a_killed_process_is_tried_again(tmp_path):
    path = tmp_path / "journal.study"
    dying = begin(path, 4, "die")
    assert dying.communicate(timeout=60)[0].split() == ["0", "1"]
    assert dying.returncode == -signal.SIGKILL
    with open_study(path, 4) as study:
        assert [one.number for one in study.trials()] == [0]
        tried = do_all(study)
        assert len(study.trials()) == 4
    with open_study(tmp_path / "undisturbed.study", 4) as study:
        # The same numbers, although the second one was tried twice.
        assert do_all(study)[1:2] == tried[:1]
    assert locks(tmp_path) == []


def test_an_interrupted_study_tries_what_an_undisturbed_one_does(tmp_path):
    with open_study(tmp_path / "whole.study", 14) as study:
        whole = do_all(study)
    with open_study(tmp_path / "parts.study", 12) as study:
        parts = do_all(study)
    with open_study(tmp_path / "parts.study", 14) as study:
        parts += do_all(study)
    assert whole[0] == 0.5
    assert parts == whole


@pytest.mark.parametrize("first", [{"loss": "focal", "depth": 2}, {"loss": "focal"}, {}])
def test_every_combination_is_tried_once_where_there_are_few(tmp_path, first):
    with Study(tmp_path / "few.study", {}, DIGITS, first, 50, seed=1) as study:
        tried = []
        while (trial := study.next_trial()) is not None:
            tried.append((trial.params["loss"], trial.params["depth"]))
            study.finish(trial, 0.5)
            if trial.number == 0:
                assert first.items() <= trial.params.items()
    assert sorted(tried) == [(loss, depth) for loss in ("dice", "focal") for depth in (1, 2, 3)]


def test_every_combination_is_tried_also_if_the_study_was_begun_with_fewer_trials(tmp_path):
    tried = []
    for most in (2, 4, 50):
        with Study(tmp_path / "few.study", {}, DIGITS, {"depth": 2}, most, seed=1) as study:
            while (trial := study.next_trial()) is not None:
                tried.append((trial.params["loss"], trial.params["depth"]))
                study.finish(trial, 0.5)
        assert len(tried) >= min(most, 6)
    assert set(tried) == {(loss, depth) for loss in ("dice", "focal") for depth in (1, 2, 3)}
    # What was tried when there were to be few trials may have been tried twice.
    assert len(tried) <= 9


def test_a_study_of_other_data_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "journal.study"
    with open_study(path, 2) as study:
        do_all(study)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is another one: the data has changed.*another file"):
        Study(path, {"the data": "others"}, [tune_in_turn.DROPOUT], {}, 2, seed=1)
    assert path.read_bytes() == before
    assert locks(tmp_path) == []


def _database(path: Path, table: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE {table} (study_name TEXT)")


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("letter.txt", lambda path: path.write_text("Dear reader"), "is no journal of a study"),
        ("list.json", lambda path: path.write_text("[1]\n"), "is no journal of a study"),
        ("other.log", lambda path: path.write_text('{"op_code": 0}\n'), "holds no study of i.dl"),
        ("text.db", lambda path: path.write_text("Dear reader" * 99), "is no database of studies"),
        ("own.db", lambda path: _database(path, "houses"), "is no database of studies"),
        ("studies.db", lambda path: _database(path, "studies"), "holds no study of i.dl.tune"),
        ("folder", lambda path: path.mkdir(), "is not a file"),
    ],
)
def test_a_file_of_somebody_else_is_refused(tmp_path, name, make, words):
    make(tmp_path / name)
    with pytest.raises(ValueError, match=f"{words}.*name another file with study="):
        check_study_file(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_damaged_study_is_refused(tmp_path):
    path = tmp_path / "journal.study"
    path.write_text('{"op_code": 0, "study_name": "i.dl.tune"}\n')
    check_study_file(path)
    with pytest.raises(ValueError, match="is damaged"):
        open_study(path, 2)


def test_a_damaged_database_is_refused(tmp_path):
    path = tmp_path / "study.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE studies (study_name TEXT)")
        database.execute("INSERT INTO studies VALUES ('i.dl.tune')")
    check_study_file(path)
    with pytest.raises(ValueError, match="is damaged"):
        open_study(path, 2)


def test_a_trial_below_the_median_is_stopped_after_its_first_epochs(tmp_path):
    with open_study(tmp_path / "journal.study", 6) as study:
        for score in (0.5, 0.6, 0.7, 0.8):
            trial = study.next_trial()
            for epoch in range(1, 11):
                watching(trial, 10)(epoch, score * epoch / 10)
            study.finish(trial, score)
        bad, good = study.next_trial(), study.next_trial()
        watch = watching(bad, 10)
        watch(1, 0.01)
        watch(2, 0.02)
        with pytest.raises(Pruned):
            watch(3, 0.1)
        study.stop(bad)
        watching(good, 10)(3, 0.2)
        study.finish(good, 0.7)
        assert study.best().value == 0.8
        assert len(study.complete()) == 5


def test_what_matters_is_known_from_eight_trials_on(tmp_path):
    parameters = [Range("dropout", 0, 1, log=False, whole=False), *DIGITS]
    with Study(tmp_path / "journal.study", {}, parameters, {}, 16, seed=1) as study:
        while (trial := study.next_trial()) is not None:
            score = 0.8 - abs(trial.params["dropout"] - 0.4) / 2
            trial.report(score, 1)
            if trial.number % 4 == 3:
                study.stop(trial)
            else:
                study.finish(trial, score)
            if trial.number == 6:
                assert importances(study.trials(), 1) == {}
        shares = importances(study.trials(), 1)
    assert list(shares)[0] == "dropout"
    assert shares["dropout"] > 0.7
    assert sum(shares.values()) == pytest.approx(1)
