# SPDX-License-Identifier: GPL-2.0-or-later
"""The importance of each parameter for the scores of a study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

TRIALS_TO_EXPLAIN = 8
"""Fewest trials from which importances are estimated."""


def importances(trials: Sequence[FrozenTrial], seed: int) -> dict[str, float]:
    """The share of the differences among scores that each parameter explains, the largest first:
    the mean decrease in impurity of a random forest (Breiman 2001).

    It weighs the tried values. fANOVA weighs the whole range, which the sampler leaves mostly empty
    after some trials: for scores that depended on one parameter it named another. Trials that were
    stopped early count as well, since bad values are informative, too: their scores are
    extrapolated by the median gain of the complete ones after the same epoch.

    Args:
        trials: Trials that have ended.
        seed: Of the random forest that explains the scores.

    Returns:
        A share for each parameter; empty if there are too few trials.
    """
    scored = [one for one in trials if one.intermediate_values]
    complete = [one for one in scored if one.state == TrialState.COMPLETE]
    values = [_expected(one, complete) for one in scored]
    if not complete or len(scored) < TRIALS_TO_EXPLAIN or len(set(values)) == 1:
        return {}
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            optuna.create_trial(params=one.params, distributions=one.distributions, value=value)
            for one, value in zip(scored, values, strict=True)
        ]
    )
    evaluator = optuna.importance.MeanDecreaseImpurityImportanceEvaluator(seed=seed)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}


def _expected(trial: FrozenTrial, complete: Sequence[FrozenTrial]) -> float:
    """The score of a trial, extrapolated if it was stopped: see `importances`."""
    if trial.state == TrialState.COMPLETE or not complete:
        return trial.value or 0.0
    last = max(trial.intermediate_values)
    gains = [
        _best_until(one, max(one.intermediate_values)) - _best_until(one, last) for one in complete
    ]
    return _best_until(trial, last) + float(np.median(gains))


def _best_until(trial: FrozenTrial, last: int) -> float:
    """The highest score of a trial up to an epoch."""
    return max(score for epoch, score in trial.intermediate_values.items() if epoch <= last)
