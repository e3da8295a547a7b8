# SPDX-License-Identifier: GPL-2.0-or-later
"""Several networks as one engine: their results are averaged, and compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...core.readers import empty_layers, zero_layers
from ...model.card import ModelCard
from ...model.ensemble import Member
from .disagreement import Disagreement, MutualInformation
from .keras_engine import Engine


@dataclass(frozen=True)
class MemberInput:
    """Turns the values of a window into the input of a member.

    Attributes:
        member: The member, whose band means replace NULL.
        scale, offset: Change of each band, (bands,) float64; None to leave values unchanged.
    """

    member: Member
    scale: np.ndarray | None = None
    offset: np.ndarray | None = None

    @classmethod
    def of(cls, member: Member, adjusted_to: ModelCard | None) -> MemberInput:
        """The input of a member.

        Args:
            member: The member.
            adjusted_to: The card to whose means and deviations the values were matched; they are
                then matched to the member's own. None for the values of the maps.
        """
        if adjusted_to is None:
            return cls(member)
        own, common = np.array(member.card.deviation), np.array(adjusted_to.deviation)
        scale = np.divide(own, common, out=np.zeros_like(own), where=common > 0)
        return cls(member, scale, np.array(member.card.mean) - scale * adjusted_to.mean)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values (rows, cols, bands) float32 as the member takes them, of values that are NaN where
        a cell is NULL."""
        taken = empty_layers(values.shape, np.float32)
        taken[...] = values if self.scale is None else values * self.scale + self.offset
        return self.member.filled_in_place(taken)


class EnsembleEngine:
    """The mean of the results of several networks. Use it for a model with members.

    Tiling stays exact: with the largest halo of all members, each result, and so their mean, is a
    crop of the network run once over the whole frame.

    Args:
        engines: Compute a member each.
        inputs: The input of each of them.
        outputs: Number of classes; 1 of a value.
        disagreement: Whether the disagreement follows the mean, as one more layer.
        compared: How members are compared.
        novelty: Whether the engines give the novelty after their results, the mean of which
            follows then, too.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        inputs: Sequence[MemberInput],
        outputs: int,
        disagreement: bool = False,
        compared: Callable[[], Disagreement] = MutualInformation,
        novelty: bool = False,
    ):
        self._members = list(zip(engines, inputs, strict=True))
        self._outputs = outputs
        self._disagreement = disagreement
        self._compared = compared
        self._novelty = novelty
        self.prepares_each_size = all(one.prepares_each_size for one in engines)

    def at_once(self, shape: tuple[int, ...]) -> int:
        """See `Engine.at_once`."""
        return min(engine.at_once(shape) for engine, _ in self._members)

    def prepare(self, shape: tuple[int, int, int]) -> None:
        """See `Engine.prepare`."""
        for engine, _ in self._members:
            engine.prepare(shape)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The mean result, the disagreement and the mean novelty if they are wanted, and the
        features of all members in their order; see `Engine`.

        Args:
            values: Raw band values, NaN where a cell is NULL.
        """
        return self.several([values], 1)[0]

    def several(self, windows: Sequence[np.ndarray], number: int) -> list[np.ndarray]:
        """See `Engine.several`."""
        sums = [
            _Sum(self._outputs, self._compared() if self._disagreement else None, self._novelty)
            for _ in windows
        ]
        for engine, taken in self._members:
            results = engine.several([taken(one) for one in windows], number)
            for own, result in zip(sums, results, strict=True):
                own.add(result)
        return [one.result() for one in sums]


class _Sum:
    """The results of members for a window, added up.

    Args:
        outputs: Number of classes; 1 of a value.
        compared: Compares members; None if the disagreement is not wanted.
        novelty: Whether each result has the novelty after its classes.
    """

    def __init__(self, outputs: int, compared: Disagreement | None, novelty: bool):
        self._outputs, self._compared, self._with_novelty = outputs, compared, novelty
        self._members = 0
        self._mean = self._novelty = np.zeros(0, np.float32)
        self._features: list[np.ndarray] = []

    def add(self, result: np.ndarray) -> None:
        """Add what a member gives (rows, cols, layers)."""
        own = result[..., : self._outputs]
        if self._compared:
            self._compared.add(own)
        if not self._members:
            self._mean = zero_layers(own.shape, np.float32)
            self._novelty = np.zeros(own.shape[:2], np.float32)
        self._mean += own
        if self._with_novelty:
            self._novelty += result[..., self._outputs]
        first_feature = self._outputs + self._with_novelty
        if result.shape[-1] > first_feature:
            self._features.append(result[..., first_feature:].copy())
        self._members += 1

    def result(self) -> np.ndarray:
        """See `EnsembleEngine.__call__`."""
        share = np.float32(1 / self._members)
        self._mean *= share
        further = [self._compared.of(self._mean)] if self._compared else []
        further += [self._novelty * share] if self._with_novelty else []
        return _joined([self._mean, *(one[..., np.newaxis] for one in further), *self._features])


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """All layers in one array; that of a single part itself."""
    if len(parts) == 1:
        return parts[0]
    layers = sum(one.shape[-1] for one in parts)
    joined = empty_layers((*parts[0].shape[:-1], layers), np.float32)
    np.concatenate(parts, axis=-1, out=joined)
    return joined
