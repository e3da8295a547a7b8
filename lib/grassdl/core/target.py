# SPDX-License-Identifier: GPL-2.0-or-later
"""What a network learns: classes of cells (`ClassScheme`) or a value of cells (`ValueTarget`).

A dataset or model has one target. What depends on it is decided in two ways only: by the methods of
the target, and by `ByTarget`, which holds the variants that a room has, one for each kind.
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

CLASSES, VALUE = "classes", "value"
"""Kinds of targets, and values of the option `target`."""

Variant = TypeVar("Variant")


class Target(ABC):
    """What a network learns.

    Attributes:
        kind: `CLASSES` or `VALUE`.
        codes: How labels lie in arrays.
    """

    kind: ClassVar[str]
    codes: ClassVar[LabelCodes]

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Layers that the network gives."""

    @property
    @abstractmethod
    def counted(self) -> ClassScheme:
        """The classes that labelled cells are counted in."""

    @abstractmethod
    def counted_codes(self, labels: np.ndarray) -> np.ndarray:
        """Indices uint8 among the classes `counted` of labels of any shape, or class codes of cells
        without label."""

    @abstractmethod
    def described_by(self, statistics: Sequence[BandStatistics]) -> Target:
        """The target as the labels of the training split have it.

        Args:
            statistics: Of these labels, one for each layer of `measured`.
        """

    @abstractmethod
    def measured(self, labels: np.ndarray) -> np.ndarray:
        """What statistics are kept of, besides the counts: labels of any shape as values (...,
        layers), 0 where they are not labelled; no layers for classes."""

    @abstractmethod
    def joined(self, others: Sequence[Any]) -> Target:
        """The target of several datasets of one kind, of which this is the first.

        Raises:
            ValueError: They do not go together.
        """

    @abstractmethod
    def difference(self, other: Any) -> str | None:
        """Why a network of this target cannot be averaged with one of another of the same kind."""

    @abstractmethod
    def is_same(self, other: Target) -> bool:
        """Whether the head of a network for one serves the other."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """A few words, such as 5 classes."""

    @property
    @abstractmethod
    def deciding(self) -> list[Any]:
        """What decides about the result for a cell, for a hash."""

    @abstractmethod
    def to_json(self) -> Any:
        """A list of classes, or an object with the `kind` of another target."""

    @property
    def hashed(self) -> Any:
        """What a dataset's id depends on, as `to_json` has it."""
        return self.to_json()

    @classmethod
    def from_json(cls, content: Any) -> Target:
        """The reverse of `to_json`.

        Raises:
            ValueError: There is no such target.
        """
        kind = CLASSES if isinstance(content, list) else VALUE
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

    def __init_subclass__(cls) -> None:
        _KINDS[cls.kind] = cls


_KINDS: dict[str, type[Target]] = {}
"""The classes of targets by their kind; importing their files fills it."""


class ByTarget(Generic[Variant]):
    """What a room has for each kind of target.

    Args:
        classes: For classes of cells.
        value: For a value of cells.
    """

    def __init__(self, *, classes: Variant, value: Variant):
        self._variants = {CLASSES: classes, VALUE: value}

    def of(self, target: Target) -> Variant:
        """The variant for a target."""
        return self._variants[target.kind]

    def named(self, kind: str) -> Variant:
        """The variant for a kind of target."""
        return self._variants[kind]
