# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of a review, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.options import number, positive, whole
from ..model.card import ModelCard
from ..predict import settings as predict_settings
from ..predict.settings import MOST_PROCS

LARGEST = 1 << 15
"""Edge of a square in cells."""

MOST_SUGGESTIONS = 10_000

MOST_SEGMENT_CELLS = 100_000
"""The largest minimum size that i.segment takes."""


@dataclass(frozen=True)
class Settings:
    """The settings of a review.

    Attributes:
        size: Edge of a suggested square in cells.
        npatches: How many squares are suggested.
        distance: Map units between two squares at least; None for the edge of one.
        minsize: Cells that a suspect or a template area has at least.
        seed: Seed of the grouping of squares.
        normalization, memory, nprocs: Those of the prediction.
        threshold: How unlike cells of a template area may be, as i.segment has it.
    """

    size: int
    npatches: int
    distance: float | None
    minsize: int
    seed: int
    normalization: str
    memory: int
    nprocs: int
    threshold: float = 0.05

    def prediction(self, model: str, card: ModelCard) -> predict_settings.Settings:
        """The settings of the run of a model over the region.

        Args:
            model: What `model.ensemble.open_model` takes.
            card: Its card.

        Raises:
            ValueError: The model is of values, or of classes of patches.
        """
        card.target.scheme_of_cells(f"Model <{card.name}>")
        return predict_settings.Settings.without_maps(
            model,
            card,
            normalization=self.normalization,
            memory=self.memory,
            nprocs=self.nprocs,
            disagreement=bool(card.members),
        )

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> Settings:
        """Read the options of the module.

        Raises:
            ValueError: A value is not allowed.
        """
        if options["templates"]:
            _check_segments(options)
        return cls(
            size=whole(options, "size", 1, LARGEST),
            npatches=whole(options, "npatches", 1, MOST_SUGGESTIONS),
            distance=number(options, "distance", 0, 1e300) if options["distance"] else None,
            minsize=positive(options, "minsize"),
            seed=whole(options, "seed", 0),
            normalization=options["normalization"],
            memory=positive(options, "memory"),
            nprocs=whole(options, "nprocs", 0, MOST_PROCS),
            threshold=_threshold(options),
        )


def _check_segments(options: Mapping[str, str]) -> None:
    """Refuse what i.segment would refuse, after a long run."""
    if whole(options, "size", 1, LARGEST) < 2:
        raise ValueError(
            "Option templates divides squares into segments, and squares of size=1 are single "
            "cells: use a larger size, or leave out templates"
        )
    if positive(options, "minsize") > MOST_SEGMENT_CELLS:
        raise ValueError(
            f"With templates, option minsize is at most {MOST_SEGMENT_CELLS}, as that of "
            f"i.segment, found {options['minsize']}"
        )


def _threshold(options: Mapping[str, str]) -> float:
    found = number(options, "threshold", 0, 1)
    if found in (0, 1):
        raise ValueError(
            f"Option threshold lies above 0 (only equal cells in one area) and below 1 (all cells "
            f"in one), found {found:g}: 0.05 is usual"
        )
    return found
