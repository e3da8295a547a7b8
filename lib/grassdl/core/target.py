# SPDX-License-Identifier: GPL-2.0-or-later
"""What a network learns: classes of cells (`ClassScheme`), a value of cells (`ValueTarget`) or one
class of a patch (`PatchClasses`).

A dataset or model has one target. Code depends on it in two ways only: by the methods of the
target, and by `ByTarget`, which holds the variants of a room for each kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from .label_codes import LabelCodes

if TYPE_CHECKING:
    from .band_statistics import BandStatistics
    from .classes import ClassScheme

CLASSES, VALUE, PATCH = "classes", "value", "patch"
"""Kinds of targets, and values of the option `target`."""

Variant = TypeVar("Variant")


class Target(ABC):
    """What a network learns.

    Attributes:
        kind: `CLASSES`, `VALUE` or `PATCH`.
        codes: How labels are stored in arrays.
        of_patches: Whether the target is of whole patches, and so predicted for patches of the size
            of the training only.
    """

    kind: ClassVar[str]
    codes: ClassVar[LabelCodes]
    of_patches: ClassVar[bool] = False

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Number of layers of the network's output."""

    @property
    @abstractmethod
    def counted(self) -> ClassScheme:
        """The classes in which labelled cells are counted."""

    @abstractmethod
    def counted_codes(self, labels: np.ndarray) -> np.ndarray:
        """Indices uint8 among the classes `counted` of labels of any shape, or class codes of cells
        without label."""

    def labelled_part(self, size: int) -> tuple[int, int]:
        """First row and column, and edge, of the square of a patch that may be labelled.

        Args:
            size: Edge of the patch in cells.
        """
        return 0, size

    def size_difference(self, learnt: int, other: int) -> str | None:
        """Why a network for patches of one size cannot be used for those of another, or None.

        Args:
            learnt: Edge of its training patches in cells.
            other: Edge of the others.
        """
        if not self.of_patches or learnt == other:
            return None
        return f"it classifies patches of {learnt} cells as a whole, these are of {other}"

    def only_labelled(self, labels: np.ndarray) -> np.ndarray:
        """Labels of patches (n, size, size), unlabelled beside `labelled_part`; NULL stays."""
        return labels

    def relabelled(self, moved: np.ndarray, before: np.ndarray) -> np.ndarray:
        """The labels of patches (n, size, size) that were moved with their images.

        Args:
            moved: The moved labels.
            before: The labels before.
        """
        return moved

    @abstractmethod
    def described_by(self, statistics: Sequence[BandStatistics]) -> Target:
        """The target with the statistics of the labels of the training split.

        Args:
            statistics: Of these labels, one for each layer of `measured`.
        """

    @abstractmethod
    def measured(self, labels: np.ndarray) -> np.ndarray:
        """The values of which statistics are computed, besides the counts: labels of any shape as
        values (..., layers), 0 where they are not labelled; no layers for classes."""

    @abstractmethod
    def joined(self, others: Sequence[Any]) -> Target:
        """The target of several datasets of one kind, of which this is the first.

        Raises:
            ValueError: They are incompatible.
        """

    @abstractmethod
    def difference(self, other: Any) -> str | None:
        """Why a network of this target cannot be averaged with one of another target of its
        kind."""

    @abstractmethod
    def is_same(self, other: Target) -> bool:
        """Whether the head of a network for one target can be used for the other."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """A few words, such as 5 classes."""

    @property
    @abstractmethod
    def deciding(self) -> list[Any]:
        """The properties of the target on which the result for a cell depends, for a hash."""

    @abstractmethod
    def to_json(self) -> Any:
        """A list of classes, or an object with the `kind` of another target."""

    @property
    def hashed(self) -> Any:
        """The content of `to_json` on which a dataset's id depends."""
        return self.to_json()

    @classmethod
    def from_json(cls, content: Any) -> Target:
        """The reverse of `to_json`.

        Raises:
            ValueError: The content describes no target.
        """
        kind = CLASSES
        if not isinstance(content, list):
            told = content.get("kind") if isinstance(content, dict) else None
            kind = PATCH if told == PATCH else VALUE
        return _KINDS[kind].from_json(content)

    def scheme(self, what: str) -> ClassScheme:
        """The classes of a target.

        Args:
            what: What has the target, for the message.

        Raises:
            ValueError: It is of another kind.
        """
        raise ValueError(
            f"{what} is of {self.summary}, and classes are needed: give one of classes"
        )

    def scheme_of_cells(self, what: str) -> ClassScheme:
        """The same for targets of cells only; raises `ValueError`, too."""
        return self.scheme(what)

    def __init_subclass__(cls) -> None:
        _KINDS[cls.kind] = cls


_KINDS: dict[str, type[Target]] = {}
"""The classes of targets by their kind; importing their modules fills it."""


class ByTarget(Generic[Variant]):
    """The variants of a room for each kind of target.

    Args:
        classes: For classes of cells.
        value: For a value of cells.
        patch: For one class of a patch; None where it is the same as for classes of cells.
    """

    def __init__(self, *, classes: Variant, value: Variant, patch: Variant | None = None):
        of_patches = classes if patch is None else patch
        self._variants = {CLASSES: classes, VALUE: value, PATCH: of_patches}

    def of(self, target: Target) -> Variant:
        """The variant for a target."""
        return self._variants[target.kind]

    def named(self, kind: str) -> Variant:
        """The variant for a kind of target."""
        return self._variants[kind]
