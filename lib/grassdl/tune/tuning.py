# SPDX-License-Identifier: GPL-2.0-or-later
"""The trials of a study by this process, and the best one as a model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import optuna

from ..core.text import one_line
from ..io.atomic import write_files
from ..io.resume import changes
from ..model.card import ModelCard
from ..model.folder import CARD_NAME, load_card
from ..train.config.options import NETWORK_LISTS, NETWORK_NUMBERS, NETWORK_WORDS
from ..train.optimization.distillation import open_teacher
from ..train.optimization.transfer import settled
from ..train.preflight import check_data, check_packages
from ..train.resume.fingerprint import description, run_fingerprint
from ..train.resume.run_folder import RunFolder, run_path
from ..train.trainer import check_network, fit_trial, train
from .importance import importances
from .parameters import allowed, combinations, standard_values, words_of
from .picture import draw
from .report import Row, call, rows_of, write_table
from .study import Pruned, Study, watching
from .task import Task, picture_of, table_of

SHAPING = ("network", "bands", "activation", *NETWORK_NUMBERS, *NETWORK_LISTS, *NETWORK_WORDS)
"""Parameters that determine whether a network can be built."""

MOST_BUILT = 64
"""Most networks that are built on trial, without weights."""

MOST_FAILURES = 3
"""Failed trials in a row after which this process ends."""

Report = Callable[[str], None]
"""Takes a line of text for the user."""


@dataclass(frozen=True)
class Tuned:
    """The result of a study.

    Attributes:
        rows: Its trials, in their order.
        best: The best one.
        call: The call of i.dl.train that repeats it.
        card: The card of its model.
    """

    rows: list[Row]
    best: Row
    call: str
    card: ModelCard


def tune(task: Task, versions: Mapping[str, str], report: Report, warn: Report) -> Tuned | None:
    """Run trials until there are enough, or the time is over, and train the best one to the end.

    Several processes may work on the same study: each takes the next trial, and the one
    that ends last trains the best. Trials of killed processes are tried again.

    Args:
        task: What is to be tuned.
        versions: Versions of software outside this library, for the model card.
        report: Takes lines about the progress.
        warn: Takes warnings.

    Returns:
        The result of the study; None if other processes still work on it.

    Raises:
        ValueError: Nothing to learn from, a study of other data or options, or only trials that
            fail.
    """
    check_packages()
    data = task.data(task.first_words)
    check_data(data, warn)
    _check_networks(task)
    settings = task.settings(task.first_words)
    if settings.teacher:
        open_teacher(settings.teacher, data)
    first = standard_values(task.parameters, task.options, task.freeze, task.kind)
    opened = Study(
        task.study, _fingerprint(task), task.parameters, first, task.trials, settings.seed
    )
    with opened as study:
        try:
            _Trials(task, study, report, warn).run()
            write_table_of(task, study)
            write_picture(task, study)
            with study.last_one() as last:
                if last:
                    return _best_model(task, study, versions, report, warn)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(
                f"study <{task.study}> keeps the trials that have ended, the same call resumes it"
            )
            raise
    report("Other processes still work on this study: the last of them trains the best network")
    return None


def _check_networks(task: Task) -> None:
    """Check that the tried networks can be built for the patches.

    Raises:
        ValueError: One cannot; the message names it.
    """
    shaping = [one for one in task.parameters if one.name in SHAPING]
    for words in islice(combinations(shaping), MOST_BUILT):
        tried = {**task.first_words, **words}
        with allowed(words) if words else nullcontext():
            check_network(task.data(tried), task.settings(tried))


def _fingerprint(task: Task) -> dict[str, str]:
    """What the scores of a study depend on besides its parameters."""
    data = task.data(task.first_words)
    settings = settled(task.settings(task.first_words), data)
    varied = {f"option {one.name}" for one in task.parameters}
    fixed = run_fingerprint(data, settings, 1).items()
    return {
        "option parameters": ",".join(map(str, task.parameters)),
        **{name: one for name, one in fixed if name not in varied},
    }


class _Trials:
    """The trials of this process.

    Args:
        task: What is to be tuned.
        study: The study.
        report: Takes lines about the progress.
        warn: Takes warnings.
    """

    def __init__(self, task: Task, study: Study, report: Report, warn: Report):
        self.task = task
        self.study = study
        self.report = report
        self.warn = warn
        self._failures = 0

    def run(self) -> None:
        """Run trials until there are enough, or the time is over.

        Raises:
            ValueError: Some trials in a row failed.
        """
        done = len(self.study.trials())
        if done:
            self.report(f"Study <{self.task.study}> has {done} trials")
        seconds = self.task.seconds
        end = math.inf if seconds is None else time.monotonic() + seconds
        while (trial := self.study.next_trial()) is not None:
            self._do(trial)
            write_table_of(self.task, self.study)
            if time.monotonic() >= end:
                self.report("The time is over: no further trial starts")
                return

    def _do(self, trial: optuna.Trial) -> None:
        name = f"Trial {trial.number + 1}"
        words = words_of(self.task.parameters, trial.params)
        told = " ".join(f"{option}={word}" for option, word in words.items())
        most = self.study.most
        of = f" of {most}" if most and trial.number < most else ""
        self.report(f"{name}{of}: {told}")
        twin = self.study.twin(trial)
        if twin is not None and twin.value is not None:
            for epoch, score in twin.intermediate_values.items():
                trial.report(score, epoch)
            self.study.finish(trial, twin.value)
            self.report(f"{name} is trial {twin.number + 1} again: mean IoU {twin.value:.4f}")
            return
        try:
            score = self._score(trial, words)
        except Pruned:
            self.study.stop(trial)
            self.report(f"{name} is below the median of the trials before: stopped early")
        except ValueError as error:
            self._fail(trial, one_line(str(error)))
            return
        else:
            self.study.finish(trial, score)
            best = self.study.best()
            is_best = best is not None and best.number == trial.number
            self.report(f"{name}: mean IoU {score:.4f}{', the best so far' if is_best else ''}")
        self._failures = 0

    def _score(self, trial: optuna.Trial, words: Mapping[str, str]) -> float:
        """The highest mean IoU on the validation split."""
        data, settings = self.task.data(words), self.task.settings(words)
        epochs = settled(settings, data).most_epochs
        fitted = fit_trial(data, settings, watching(trial, epochs))
        score = fitted.rows[fitted.best_epoch - 1]["val_mean_iou"]
        # There are labelled validation patches: see `Task`.
        assert score is not None
        return score

    def _fail(self, trial: optuna.Trial, reason: str) -> None:
        self.study.fail(trial, reason)
        self._failures += 1
        if self._failures == MOST_FAILURES:
            raise ValueError(
                f"{MOST_FAILURES} trials in a row failed, the last one with: {reason}. Narrow "
                f"parameters=, with another study= than <{self.task.study}>"
            )
        self.warn(f"Trial {trial.number + 1} failed: {reason}")


def write_table_of(task: Task, study: Study) -> None:
    """Write the trials of a study beside it."""
    rows = rows_of(study.trials(), task.parameters)
    write_files({table_of(task.study): partial(write_table, rows, task.parameters)})


def write_picture(task: Task, study: Study) -> None:
    """Draw the trials of a study, and the importance of each parameter, beside it."""
    trials = study.trials()
    shares = importances(trials, study.seed)
    rows = rows_of(trials, task.parameters)
    picture = partial(draw, rows, task.parameters, shares)
    write_files({picture_of(task.study): picture})


def _best_model(
    task: Task, study: Study, versions: Mapping[str, str], report: Report, warn: Report
) -> Tuned:
    """Train the best trial to the end, and write its model folder."""
    found = study.best()
    if found is None:
        raise ValueError(
            f"No trial of study <{task.study}> was completed: allow more with trials= or time="
        )
    best = Row.of(found, task.parameters)
    repeating = call(task.options, best.words, task.freeze)
    data = task.data(best.words)
    card = _written(task.target, data.ids, repeating)
    if card is not None:
        report(f"Trial {best.number} is the best: its model is written already")
        return Tuned(rows_of(study.trials(), task.parameters), best, repeating, card)
    report(f"Trial {best.number} is the best: its network is trained again and written")
    card = train(
        data,
        task.target,
        task.settings(best.words),
        command=repeating,
        versions=versions,
        report=report,
        warn=warn,
        resume=_is_unfinished(task, best.words),
    )
    # None only in processes that train together.
    assert card is not None
    if card.training["interrupted"]:
        warn(f"The interrupted training is resumed by: {repeating} -r --overwrite")
    return Tuned(rows_of(study.trials(), task.parameters), best, repeating, card)


def _written(target: Path, dataset_ids: list[str], repeating: str) -> ModelCard | None:
    """The card of the model if another process, or an earlier call, has trained it to its end."""
    if not (target / CARD_NAME).is_file():
        return None
    card = load_card(target)
    is_whole = card.command == repeating and card.dataset_ids == dataset_ids
    return card if is_whole and not card.training["interrupted"] else None


def _is_unfinished(task: Task, words: Mapping[str, str]) -> bool:
    """Whether the training of this model was interrupted."""
    run = RunFolder(run_path(Path(task.target)))
    if not run.checkpoint.is_file():
        return False
    data = task.data(words)
    settings = settled(task.settings(words), data)
    try:
        before = run.description()["fingerprint"]
    except ValueError:
        return False
    return not changes(before, description(data, settings, 1)["fingerprint"])
