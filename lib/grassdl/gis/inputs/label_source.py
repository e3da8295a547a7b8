# SPDX-License-Identifier: GPL-2.0-or-later
"""Properties of labels of any kind, before and after their cells are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np

from ...core.readers import LabelReader
from ...core.target import Target

Kind = TypeVar("Kind", bound=Target, covariant=True)


class FoundLabels(Protocol):
    """Results of a first pass over the cells."""

    @property
    def present(self) -> np.ndarray:
        """Codes that occur, ascending."""

    def sample(self, most: int) -> np.ndarray:
        """Labels of at most `most` cells, evenly spread."""


@dataclass(frozen=True)
class Labels(Generic[Kind]):
    """The labels of a training, in the process's region.

    Attributes:
        target: What they are.
        background: Class index of cells without another label; None leaves them unlabelled.
        places: Row and column (n, 2), in cells, of every training area's or segment's centre or
            point that has a label; None where the labels are a raster map.
        notes: Sentences about the training map, for the user.
        index_of: Class index by code of `LabelSource.codes`, (256,) uint8; None where what is read
            are the labels.
    """

    target: Kind
    background: int | None = None
    places: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)
    index_of: np.ndarray | None = None


@dataclass(frozen=True)
class LabelSource:
    """Labels that are not yet read.

    Attributes:
        codes: Label of every cell, or a code of it.
        labels: Gives the labels, after the codes that occur have been found.
    """

    codes: LabelReader
    labels: Callable[[FoundLabels], Labels[Target]]
