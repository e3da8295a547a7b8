# SPDX-License-Identifier: GPL-2.0-or-later
"""The result of a study: a row for each trial, as text and CSV; the call that repeats a trial."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from ..train.config.options import standard_words
from .parameters import Parameter, words_of
from .study import REASON

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped early",
    TrialState.FAIL: "failed",
}

HEADS = ("trial", "state", "mean_iou", "best_epoch", "epochs", "seconds")


@dataclass(frozen=True)
class Row:
    """A trial that has ended.

    Attributes:
        number: Its number, counted from 1.
        state: One of `STATES`.
        mean_iou: The highest on the validation split; None if no epoch ended.
        best_epoch: The epoch of it; 0 for none.
        epochs: Epochs that ended.
        seconds: How long it took.
        words: The words of its parameters.
        reason: Why it failed; "" if it did not.
    """

    number: int
    state: str
    mean_iou: float | None
    best_epoch: int
    epochs: int
    seconds: float
    words: dict[str, str]
    reason: str

    @classmethod
    def of(cls, trial: FrozenTrial, parameters: Sequence[Parameter]) -> Row:
        """The row of a trial."""
        scores = trial.intermediate_values
        best = max(scores, key=lambda epoch: (scores[epoch], -epoch), default=0)
        return cls(
            trial.number + 1,
            STATES[trial.state],
            scores.get(best),
            best,
            max(scores, default=0),
            trial.duration.total_seconds() if trial.duration else 0.0,
            words_of(parameters, trial.params),
            trial.user_attrs.get(REASON, ""),
        )

    @property
    def is_complete(self) -> bool:
        """Whether it was trained to its end."""
        return self.state == STATES[TrialState.COMPLETE]


def rows_of(trials: Sequence[FrozenTrial], parameters: Sequence[Parameter]) -> list[Row]:
    """The rows of trials, in their order."""
    return [Row.of(one, parameters) for one in trials]


def write_table(rows: Sequence[Row], parameters: Sequence[Parameter], path: Path) -> None:
    """Write the rows as comma-separated text, a column for each parameter."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([*HEADS, *(one.name for one in parameters), "reason"])
        for row in rows:
            score = "" if row.mean_iou is None else f"{row.mean_iou:.6f}"
            figures = [row.number, row.state, score, row.best_epoch, row.epochs]
            words = [row.words[one.name] for one in parameters]
            table.writerow([*figures, f"{row.seconds:.1f}", *words, row.reason])


def text(rows: Sequence[Row], parameters: Sequence[Parameter]) -> str:
    """The rows as a text table, the best first; those without score last."""
    best_first = sorted(rows, key=lambda row: (not row.is_complete, -(row.mean_iou or 0)))
    lines = [["Trial", "Mean IoU", "Epochs", "Seconds", "State", *(one.name for one in parameters)]]
    for row in best_first:
        score = "" if row.mean_iou is None else f"{row.mean_iou:.4f}"
        words = [row.words[one.name] for one in parameters]
        figures = [str(row.number), score, str(row.epochs), f"{row.seconds:.1f}"]
        lines.append([*figures, row.state, *words])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = 4
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place < numeric else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def call(options: Mapping[str, str], words: Mapping[str, str], freeze: bool) -> str:
    """The call of i.dl.train that repeats a trial.

    Args:
        options: The words of its options that hold for all trials.
        words: Those of the trial's parameters.
        freeze: Whether flag -f was given.
    """
    standard = standard_words()
    chosen = {
        name: word
        for name, word in {**options, **words}.items()
        if word and (name in words or word != standard.get(name))
    }
    ordered = {"input": options["input"], **chosen}
    # `output` is last, as in the manual.
    ordered["output"] = ordered.pop("output")
    parts = ["i.dl.train", *(["-f"] if freeze else [])]
    return shlex.join([*parts, *(f"{name}={word}" for name, word in ordered.items())])
