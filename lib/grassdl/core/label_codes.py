# SPDX-License-Identifier: GPL-2.0-or-later
"""How labels are stored in arrays and files: their dtype, and the codes of cells without label."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import numpy as np

from .integer_tables import distinct


class LabelCodes(ABC):
    """The labels of cells as an array.

    Attributes:
        dtype: Type of the array.
        null: Code of a cell that is NULL in at least one band.
        unlabelled: Code of an unlabelled cell.
    """

    dtype: ClassVar[np.dtype]
    null: ClassVar[float]
    unlabelled: ClassVar[float]

    def is_null(self, labels: np.ndarray) -> np.ndarray:
        """Which cells are NULL in at least one band."""
        return labels == self.null

    @abstractmethod
    def is_labelled(self, labels: np.ndarray) -> np.ndarray:
        """Which cells have a label."""

    @abstractmethod
    def is_unlabelled(self, labels: np.ndarray) -> np.ndarray:
        """Which cells have no label, though they have data."""

    @abstractmethod
    def present(self, labels: np.ndarray) -> np.ndarray:
        """The labels that occur, ascending, int64; empty where they are not counted one by one."""

    @abstractmethod
    def fault(self, labels: np.ndarray, outputs: int) -> str | None:
        """What is wrong with the labels of a dataset; None if nothing is.

        Args:
            labels: The labels.
            outputs: Number of classes; 1 of a value.
        """

    def lost(self, labels: np.ndarray, null: np.ndarray) -> int:
        """Number of labelled cells that are NULL in a band; their labels are set to `null`."""
        if not null.any():
            return 0
        # Labels count that become a class later, as those of the background may.
        lost = int((~self.is_unlabelled(labels[null])).sum())
        labels[null] = self.null
        return lost


class _ClassCodes(LabelCodes):
    """Class indices."""

    dtype = np.dtype(np.uint8)
    null = 254
    unlabelled = 255

    def is_labelled(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelCodes.is_labelled`."""
        return labels < self.null

    def is_unlabelled(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelCodes.is_unlabelled`."""
        return labels == self.unlabelled

    def present(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelCodes.present`."""
        found = distinct(labels)
        return found[found < self.null]

    def fault(self, labels: np.ndarray, outputs: int) -> str | None:
        """See `LabelCodes.fault`: a code that no class has."""
        wrong = labels[(labels >= outputs) & (labels < self.null)]
        if not wrong.size:
            return None
        return (
            f"a label has the code {wrong[0]}, and dataset.json has {outputs} classes, with "
            f"codes from 0 to {outputs - 1}"
        )


class _ValueCodes(LabelCodes):
    """Values: finite, in single precision."""

    dtype = np.dtype(np.float32)
    null = -np.inf
    unlabelled = np.nan

    def is_labelled(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelCodes.is_labelled`."""
        return np.isfinite(labels)

    def is_unlabelled(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelCodes.is_unlabelled`."""
        return np.isnan(labels)

    def present(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelCodes.present`."""
        return np.zeros(0, np.int64)

    def fault(self, labels: np.ndarray, outputs: int) -> str | None:
        """See `LabelCodes.fault`: a value that is not finite, and stands for nothing else."""
        return "a label is infinite" if np.isposinf(labels).any() else None


CLASS_CODES = _ClassCodes()
VALUE_CODES = _ValueCodes()


class Typed(Protocol):
    """An array, or an object with the dtype of one."""

    @property
    def dtype(self) -> np.dtype: ...


def codes_of(labels: Typed) -> LabelCodes:
    """The codes of labels, by their dtype."""
    return VALUE_CODES if labels.dtype == VALUE_CODES.dtype else CLASS_CODES
