# SPDX-License-Identifier: GPL-2.0-or-later
"""The trainings that a call asks for: one, or those of an ensemble's members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...core.options import whole
from ...dataset.folds import joined_fold, number_of_folds
from ...dataset.manifest import MOST_FOLDS
from ...dataset.patchset import JoinedPatchSets
from ...model.card import MOST_MEMBERS
from .settings import Settings

ALL = "all"
"""Value of the option `fold`: each in turn."""


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        name: Name of the member's folder; "" for the one training of a model.
        data: What it is trained on.
        settings: Network and recipe.
    """

    name: str
    data: JoinedPatchSets
    settings: Settings


@dataclass(frozen=True)
class Trainings:
    """All trainings of a call.

    Attributes:
        each: The trainings.
        asked: The options that ask for several, by name; empty for one.
    """

    each: Sequence[Training]
    asked: Mapping[str, str]

    @property
    def is_ensemble(self) -> bool:
        """Whether they make an ensemble."""
        return bool(self.asked)

    @property
    def validated_on(self) -> str:
        """What the validation patches are called."""
        return "out of fold" if "fold" in self.asked else "validation"


def trainings(options: Mapping[str, str], data: JoinedPatchSets, settings: Settings) -> Trainings:
    """What the options fold and repeats ask for.

    Raises:
        ValueError: The datasets have no such folds, an option is no such number, or both are given.
    """
    fold, repeats = options["fold"], options["repeats"]
    if fold and repeats:
        raise ValueError("fold and repeats each train several networks: give one of them")
    if repeats:
        seeds = range(settings.seed, settings.seed + whole(options, "repeats", 2, MOST_MEMBERS))
        each = [Training(f"seed_{one}", data, replace(settings, seed=one)) for one in seeds]
        return Trainings(each, {"repeats": repeats})
    if not fold:
        return Trainings([Training("", data, settings)], {})
    if fold == ALL:
        numbers = range(1, number_of_folds(data) + 1)
        each = [Training(f"fold_{one}", joined_fold(data, one), settings) for one in numbers]
        return Trainings(each, {"fold": fold})
    try:
        number = whole(options, "fold", 1, MOST_FOLDS)
    except ValueError:
        raise ValueError(f"Option fold takes the number of a fold, or all, not {fold}") from None
    number_of_folds(data)
    return Trainings([Training("", joined_fold(data, number), settings)], {})
