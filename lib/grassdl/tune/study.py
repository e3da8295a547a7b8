# SPDX-License-Identifier: GPL-2.0-or-later
"""A study, on which several processes may work: its trials, and which one is next.

The process of a trial holds a lock beside the file of the study, so that trials of killed processes
are known to be stale.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from ..core.schema import shortened
from ..core.text import listed
from ..io.locks import Hold, abandoned, lock
from ..io.resume import changes
from .parameters import Choice, Parameter, Value, number_of_combinations
from .study_file import ANOTHER_FILE, STUDY_NAME, alone, held_until_end, lock_of, storage_of

UNPRUNED_TRIALS = 4
"""Finished trials before which none is stopped early."""

UNPRUNED_SHARE = 0.2
"""Share of its epochs that each trial runs at least: the first ones are not informative."""

MOST_ENUMERATED = 1000
"""Most combinations that are enumerated, if there are to be as many trials."""

REASON = "reason"
"""Attribute with the reason of a failed trial."""

DAMAGES = (
    *(LookupError, TypeError, RuntimeError, ValueError),
    *(optuna.exceptions.OptunaError, SQLAlchemyError),
)
"""Errors of Optuna for damaged files."""

_FIXED = "fixed_params"
"""Attribute of Optuna with the values of an enqueued trial."""

_WORKER = "worker"
_FINGERPRINT = "fingerprint"

Pruned = optuna.TrialPruned

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)


class Study:
    """A study that this process works on; a context manager.

    Args:
        file: Its file, as `check_study_file` gives it; it is created if missing.
        fingerprint: What the scores depend on besides the parameters.
        parameters: What is varied.
        first: The values of the first trial, of some or all parameters.
        most: Trials at most, over all processes; None for any number. If there are no more
            combinations than that, all are tried.
        seed: Seed of the sampler.

    Raises:
        ValueError: The file holds a study with another fingerprint.
    """

    def __init__(
        self,
        file: Path,
        fingerprint: Mapping[str, str],
        parameters: Sequence[Parameter],
        first: Mapping[str, Value],
        most: int | None,
        seed: int,
    ):
        self.file = file
        self.seed = seed
        self.most = most
        self._distributions = {one.name: _distribution(one) for one in parameters}
        combinations = number_of_combinations(parameters)
        if combinations is not None:
            self.most = combinations if most is None else min(most, combinations)
        self._tries_all = combinations is not None and combinations == self.most
        self._tries_all &= (combinations or 0) <= MOST_ENUMERATED
        with alone(self.file):
            self._study = self._opened(fingerprint, first)
        self._lock_of = partial(lock_of, file)
        self._hold = Hold(self._lock_of)

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *_: object) -> None:
        self._hold.release()

    def _opened(self, fingerprint: Mapping[str, str], first: Mapping[str, Value]) -> optuna.Study:
        try:
            study = self._loaded()
            recorded = study.user_attrs.get(_FINGERPRINT)
        except DAMAGES as error:
            raise ValueError(
                f"Study <{self.file}> is damaged ({shortened(error)}): {ANOTHER_FILE}"
            ) from None
        if recorded is None:
            study.set_user_attr(_FINGERPRINT, dict(fingerprint))
            if first and not self._tries_all:
                study.enqueue_trial(dict(first))
        elif changed := changes(recorded, fingerprint):
            raise ValueError(
                f"Study <{self.file}> is another one: {listed(changed)} "
                f"{'has' if len(changed) == 1 else 'have'} changed. Give what it was started with, "
                f"or {ANOTHER_FILE}"
            )
        if self._tries_all:
            self._enqueue_all(study, first)
        return study

    def _loaded(self) -> optuna.Study:
        """The study in the file, which is not written if it holds one."""
        is_new = not self.file.exists() or not self.file.stat().st_size
        pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS)
        storage = storage_of(self.file)
        if is_new:
            return optuna.create_study(
                storage=storage, study_name=STUDY_NAME, direction="maximize", pruner=pruner
            )
        return optuna.load_study(storage=storage, study_name=STUDY_NAME, pruner=pruner)

    def _enqueue_all(self, study: optuna.Study, first: Mapping[str, Value]) -> None:
        """Enqueue all combinations that were not tried, the standard values first, also in a study
        that was started with fewer trials."""
        names = list(self._distributions)
        known = [
            one.system_attrs.get(_FIXED) if one.state == TrialState.WAITING else one.params
            for one in study.get_trials(deepcopy=False)
        ]
        every = [
            dict(zip(names, values, strict=True))
            for values in product(*map(_values, self._distributions.values()))
        ]
        np.random.default_rng(self.seed).shuffle(every)
        for one in sorted(every, key=lambda one: not first.items() <= one.items()):
            if one not in known:
                study.enqueue_trial(one)

    def next_trial(self) -> optuna.Trial | None:
        """The next trial for this process; None if there are enough.

        Its values depend on the seed, the number of the trial and the trials before, also if the
        study was interrupted in between.
        """
        with alone(self.file):
            self._release_abandoned()
            if self.most is not None and self._tried() >= self.most:
                return None
            trial = self._study.ask()
            trial.set_user_attr(_WORKER, self._hold.word)
            seed = np.random.SeedSequence([self.seed, trial.number]).generate_state(1)
            self._study.sampler = optuna.samplers.TPESampler(seed=int(seed[0]))
            for name, one in self._distributions.items():
                _suggest(trial, name, one)
        return trial

    def _tried(self) -> int:
        """Number of trials; where all combinations are tried, the number of these."""
        trials = self.trials(running=True)
        if not self._tries_all:
            return len(trials)
        return len({tuple(one.params.get(name) for name in self._distributions) for one in trials})

    def finish(self, trial: optuna.Trial, score: float) -> None:
        """Record the score of a trial."""
        self._study.tell(trial, score)

    def stop(self, trial: optuna.Trial) -> None:
        """Record that a trial was stopped early."""
        self._study.tell(trial, state=TrialState.PRUNED)

    def fail(self, trial: optuna.Trial, reason: str) -> None:
        """Record why a trial has no score."""
        trial.set_user_attr(REASON, reason)
        self._study.tell(trial, state=TrialState.FAIL)

    def trials(self, running: bool = False) -> list[FrozenTrial]:
        """The trials that have ended, in their order; with `running` also those that have not.

        Those of killed processes are left out: they are tried again.
        """
        states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
        found = self._study.get_trials(deepcopy=False, states=states)
        ended = [one for one in found if one.state != TrialState.FAIL or REASON in one.user_attrs]
        return [*ended, *(self._running() if running else [])]

    def best(self) -> FrozenTrial | None:
        """The trial with the highest score, the first of several; None if no trial has any."""
        complete = self.complete()
        return max(complete, key=lambda one: (one.value, -one.number)) if complete else None

    def complete(self) -> list[FrozenTrial]:
        """The trials that have a score: neither stopped early nor failed."""
        return [one for one in self.trials() if one.state == TrialState.COMPLETE]

    def twin(self, trial: optuna.Trial) -> FrozenTrial | None:
        """A finished trial with the same values, which would end in the same way; None if none."""
        return next((one for one in self.complete() if one.params == trial.params), None)

    @contextmanager
    def last_one(self) -> Iterator[bool]:
        """Whether this process is the one that ends the study, exclusively until the block ends."""
        path = self._lock_of("end")
        with alone(self.file):
            self._release_abandoned()
            held = None if self._running() else lock(path)
        if held is None:
            yield False
            return
        with held_until_end(held, path):
            yield True

    def _running(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING])

    def _release_abandoned(self) -> None:
        """End the trials of killed processes, and enqueue them again."""
        trials: dict[str, list[FrozenTrial]] = {}
        for one in self._running():
            trials.setdefault(one.user_attrs.get(_WORKER, "none"), []).append(one)
        trials.pop(self._hold.word, None)
        for word in abandoned(trials, self._lock_of):
            for one in trials[word]:
                self._study.tell(one.number, state=TrialState.FAIL)
                if one.params:
                    self._study.enqueue_trial(one.params)


def watch(trial: optuna.Trial, epochs: int, epoch: int, score: float) -> None:
    """Record the score of an epoch, and stop a trial that is below the median of those before.

    Args:
        trial: The trial.
        epochs: Its planned number of epochs.
        epoch: The epoch, counted from 1.
        score: Its score.

    Raises:
        Pruned: It is stopped.
    """
    trial.report(score, epoch)
    if UNPRUNED_SHARE * epochs < epoch < epochs and trial.should_prune():
        raise Pruned


def watching(trial: optuna.Trial, epochs: int) -> partial[None]:
    """`watch` for a trial, which takes epoch and score."""
    return partial(watch, trial, epochs)


def _distribution(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, Choice):
        return CategoricalDistribution(parameter.words)
    if parameter.whole:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _suggest(trial: optuna.Trial, name: str, one: BaseDistribution) -> None:
    if isinstance(one, CategoricalDistribution):
        trial.suggest_categorical(name, one.choices)
    elif isinstance(one, IntDistribution):
        trial.suggest_int(name, one.low, one.high, log=one.log)
    elif isinstance(one, FloatDistribution):
        trial.suggest_float(name, one.low, one.high, log=one.log)


def _values(one: BaseDistribution) -> Sequence[Any]:
    """The values of a discrete parameter."""
    if isinstance(one, IntDistribution):
        return range(one.low, one.high + 1)
    assert isinstance(one, CategoricalDistribution)
    return one.choices
