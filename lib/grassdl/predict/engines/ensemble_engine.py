# SPDX-License-Identifier: GPL-2.0-or-later
"""Several networks as one engine: their probabilities are averaged, and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core.readers import empty_layers
from ...model.card import ModelCard
from ...model.ensemble import Member
from ..decision import normalised_entropy
from .keras_engine import Engine


@dataclass(frozen=True)
class MemberInput:
    """What a member of an ensemble takes for the values of a window.

    Attributes:
        member: The member, whose band means stand for NULL.
        scale, offset: Change of each band, (bands,) float64; None where values stay as they are.
    """

    member: Member
    scale: np.ndarray | None = None
    offset: np.ndarray | None = None

    @classmethod
    def of(cls, member: Member, adjusted_to: ModelCard | None) -> MemberInput:
        """The input of a member.

        Args:
            member: The member.
            adjusted_to: The card to whose means and deviations the values were brought, which are
                brought to the member's own then; None if they are as the maps have them.
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
    """The mean of the probabilities of several networks. Use it for a model with members.

    Tiles stay exact: each member is, with the halo of the one that reaches farthest, a crop of
    itself run once over the whole, and so is the mean.

    Disagreement is the mutual information between the class of a cell and the member that is asked:

        I = H(mean_m p_m) - mean_m H(p_m),    H(p) = -sum_c p_c ln p_c

    as a share of ln(classes), the maximum of H. It is 0 where all members give the same
    probabilities, however uncertain they are, and high where each is certain of another class
    (Houlsby et al. 2011, arXiv 1112.5745, equation 2; for networks Gal et al. 2017, arXiv
    1703.02910). The normalised entropy of the mean, that is the uncertainty, is the sum of it and
    of the mean of the members' own.

    Args:
        engines: Compute a member each.
        inputs: What each of them takes for the values of a window.
        classes: Number of classes.
        disagreement: Whether the disagreement follows the probabilities, as one more layer.
        novelty: Whether the engines give the novelty after the probabilities, the mean of which
            follows then, too.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        inputs: Sequence[MemberInput],
        classes: int,
        disagreement: bool = False,
        novelty: bool = False,
    ):
        self._members = list(zip(engines, inputs, strict=True))
        self._classes = classes
        self._disagreement = disagreement
        self._novelty = novelty
        self.prepares_each_size = all(one.prepares_each_size for one in engines)

    def prepare(self, shape: tuple[int, int, int]) -> None:
        """See `Engine.prepare`."""
        for engine, _ in self._members:
            engine.prepare(shape)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Mean class probabilities, the disagreement and the mean novelty if they are wanted, and
        the features of all members in their order; see `Engine`.

        Args:
            values: Raw band values, NaN where a cell is NULL.
        """
        mean = np.zeros(0)
        entropy = np.zeros(values.shape[:2], np.float32)
        novelty = np.zeros_like(entropy)
        first_feature = self._classes + self._novelty
        features = []
        for engine, taken in self._members:
            result = engine(taken(values))
            probabilities = result[..., : self._classes]
            if self._disagreement:
                entropy += normalised_entropy(probabilities)
            if mean.size:
                mean += probabilities
            else:
                mean = empty_layers(probabilities.shape, np.float32)
                mean[...] = probabilities
            if self._novelty:
                novelty += result[..., self._classes]
            if result.shape[-1] > first_feature:
                features.append(result[..., first_feature:].copy())
        share = np.float32(1 / len(self._members))
        mean *= share
        return self._joined(mean, entropy * share, novelty * share, features)

    def _joined(
        self,
        mean: np.ndarray,
        entropy: np.ndarray,
        novelty: np.ndarray,
        features: Sequence[np.ndarray],
    ) -> np.ndarray:
        """All layers in one array; the mean itself where there are no others."""
        further = [*features]
        if self._novelty:
            further.insert(0, novelty[..., np.newaxis])
        if self._disagreement:
            disagreement = np.maximum(normalised_entropy(mean) - entropy, 0)
            further.insert(0, disagreement[..., np.newaxis])
        if not further:
            return mean
        parts = [mean, *further]
        joined = empty_layers((*entropy.shape, sum(one.shape[-1] for one in parts)), np.float32)
        np.concatenate(parts, axis=-1, out=joined)
        return joined
