# SPDX-License-Identifier: GPL-2.0-or-later
"""From class probabilities to the rows of the output maps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..core.classes import UNLABELLED_INDEX
from ..core.readers import zero_layers
from ..model.card import second_of_two
from .cell_decision import CellDecision

LEAST_BORDER = 0.5
"""Probability of border that makes a cell border, as a share of that of the most probable other
class. Few cells are border, and where the network is unsure of their place, no other class exceeds
the border by much, but the border is nowhere the most probable."""

PIECE_BYTES = 1_000_000
"""Bytes of the probabilities that are compared together, which fit the processor's cache."""


@dataclass
class RowBand:
    """Rows of the output.

    Attributes:
        null: Cells without data (rows, cols).
        unclassified: Cells without class (rows, cols): those without data, and those whose most
            probable class is not probable enough.
        index: Class index (rows, cols) uint8; without meaning where `unclassified`.
        confidence: Highest probability (rows, cols) float32, 0 where `null`; or None.
        uncertainty: Normalised entropy (rows, cols) float32, 0 where `null`; or None.
        probabilities: Probability of every class (rows, cols, classes) float32, 0 where `null`; or
            None.
        features: Output of a hidden layer of the network (rows, cols, features) float32, without
            meaning where `null`; or None.
        disagreement: Of the members of an ensemble, see `engines.ensemble_engine` (rows, cols)
            float32, 0 where `null`; or None.
        novelty: Difference from the training, see `model.novelty` (rows, cols) float32, 0
            where `null`; or None.
        object_code: Class index + 1 of cells of classes that have objects, and of the border that
            of the most probable other class, if it has any (rows, cols) uint8; 0 elsewhere; or
            None.
        barrier: Of the border its probability as 1 to 255 (rows, cols) uint8; 0 elsewhere; or None.
    """

    null: np.ndarray
    unclassified: np.ndarray
    index: np.ndarray
    confidence: np.ndarray | None
    uncertainty: np.ndarray | None
    probabilities: np.ndarray | None
    features: np.ndarray | None = None
    disagreement: np.ndarray | None = None
    novelty: np.ndarray | None = None
    object_code: np.ndarray | None = None
    barrier: np.ndarray | None = None


@dataclass(frozen=True)
class Decision(CellDecision):
    """Turns class probabilities into rows of the output.

    Attributes:
        classes: Number of classes.
        threshold: Least probability of the most probable class, below which the cell has no class;
            of two classes the least probability of the second. None takes the most probable class
            in any case.
        with_uncertainty: Whether row bands have the uncertainty.
        with_probabilities: Whether row bands have the probabilities of all classes.
        features: Number of features that follow the probabilities.
        with_confidence: Whether row bands have the highest probability; a threshold needs it, too.
        with_disagreement: Whether the disagreement of an ensemble follows the probabilities, before
            any features.
        with_novelty: Whether the novelty follows these, before any features.
        object_classes: Indices of the classes whose objects are wanted; empty for none.
        border: Index of the border class; None if there is none.
    """

    classes: int
    threshold: float | None = None
    with_uncertainty: bool = False
    with_probabilities: bool = False
    features: int = 0
    with_confidence: bool = True
    with_disagreement: bool = False
    with_novelty: bool = False
    object_classes: tuple[int, ...] = ()
    border: int | None = None

    @property
    def layers(self) -> int:
        """Values that the engine gives for a cell."""
        return self._first_feature + self.features

    @property
    def _first_feature(self) -> int:
        return self.classes + self.with_disagreement + self.with_novelty

    @property
    def _is_level(self) -> bool:
        """Whether the threshold is that of the most probable class."""
        return self.threshold is not None and self.classes > 2

    @property
    def _takes_highest(self) -> bool:
        return self.with_confidence or self._is_level

    def empty(self, rows: int, cols: int) -> RowBand:
        """Rows that are NULL throughout."""
        shape = (rows, cols)

        def layers(number: int) -> np.ndarray:
            return zero_layers((*shape, number), np.float32)

        return RowBand(
            null=np.ones(shape, bool),
            unclassified=np.ones(shape, bool),
            index=np.zeros(shape, np.uint8),
            confidence=np.zeros(shape, np.float32) if self._takes_highest else None,
            uncertainty=np.zeros(shape, np.float32) if self.with_uncertainty else None,
            probabilities=layers(self.classes) if self.with_probabilities else None,
            features=layers(self.features) if self.features else None,
            disagreement=np.zeros(shape, np.float32) if self.with_disagreement else None,
            novelty=np.zeros(shape, np.float32) if self.with_novelty else None,
            object_code=np.zeros(shape, np.uint8) if self.object_classes else None,
            barrier=np.zeros(shape, np.uint8) if self.object_classes else None,
        )

    def blended(self, result: np.ndarray) -> None:
        """See `CellDecision.blended`: probabilities add up to 1 but for rounding."""
        probabilities = result[..., : self.classes]
        np.minimum(probabilities, 1, out=probabilities)

    def decide(
        self,
        band: RowBand,
        place: tuple[slice, slice],
        result: np.ndarray,
        null: np.ndarray,
    ) -> None:
        """Put a part of a row band into its place.

        Args:
            band: The row band.
            place: Rows and columns of the part.
            result: Probabilities of all classes, then disagreement, novelty and features, if there
                are any (rows, cols, layers) float32; of any value where `null`.
            null: Cells without data (rows, cols).
        """
        probabilities = result[..., : self.classes]
        band.null[place] = null
        likeliest, highest = most_probable(probabilities)
        band.index[place] = self._index(probabilities, likeliest)
        band.unclassified[place] = null
        if band.confidence is not None:
            band.confidence[place] = np.where(null, 0, highest)
        if self.threshold is not None and self._is_level:
            band.unclassified[place] |= highest < self.threshold
        if band.uncertainty is not None:
            band.uncertainty[place] = np.where(null, 0, normalised_entropy(probabilities))
        if band.probabilities is not None:
            band.probabilities[place] = np.where(null[..., None], 0, probabilities)
        if band.disagreement is not None:
            band.disagreement[place] = np.where(null, 0, result[..., self.classes])
        if band.novelty is not None:
            band.novelty[place] = np.where(null, 0, result[..., self._first_feature - 1])
        if band.features is not None:
            band.features[place] = result[..., self._first_feature :]
        if band.object_code is not None and band.barrier is not None:
            index = np.where(band.unclassified[place], UNLABELLED_INDEX, band.index[place])
            band.object_code[place] = self._object_code_of_index[index]
            self._see_border(band, place, probabilities, highest)

    @cached_property
    def _object_code_of_index(self) -> np.ndarray:
        """`RowBand.object_code` by class index (256,) uint8, of cells off the border."""
        codes = np.zeros(UNLABELLED_INDEX + 1, np.uint8)
        places = np.array(self.object_classes)
        codes[places] = places + 1
        return codes

    def _see_border(
        self,
        band: RowBand,
        place: tuple[slice, slice],
        probabilities: np.ndarray,
        highest: np.ndarray,
    ) -> None:
        """Set barrier and object code of cells of the border, see `LEAST_BORDER`."""
        if self.border is None or band.object_code is None or band.barrier is None:
            return
        on = probabilities[..., self.border] >= LEAST_BORDER * highest
        on &= ~band.unclassified[place]
        shares = probabilities[on]
        barrier = np.rint(255 * shares[:, self.border]).astype(np.uint8)
        band.barrier[place][on] = np.maximum(barrier, 1)
        shares[:, self.border] = -1
        band.object_code[place][on] = self._object_code_of_index[shares.argmax(axis=-1)]

    def index_of(self, probabilities: np.ndarray) -> np.ndarray:
        """Class index (...) of probabilities (..., classes), whether probable enough or not."""
        return self._index(probabilities, most_probable(probabilities)[0])

    def _index(self, probabilities: np.ndarray, likeliest: np.ndarray) -> np.ndarray:
        if self.threshold is not None and self.classes == 2:
            return second_of_two(probabilities, self.threshold)
        return likeliest


def most_probable(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most probable class, of equal ones the first, and its probability.

    Compares whole layers of cells: `argmax` along so short an axis takes twice as long.

    Args:
        probabilities: Of up to 256 classes (..., classes); where one is NaN, the result has no
            meaning.

    Returns:
        Class index (...) uint8, and probability (...) of the type of the probabilities.
    """
    index = np.zeros(probabilities.shape[:-1], np.uint8)
    highest = probabilities[..., 0].copy()
    step = max(1, PIECE_BYTES * len(probabilities) // max(1, probabilities.nbytes))
    for start in range(0, len(probabilities), step):
        piece = np.s_[start : start + step]
        for place in range(1, probabilities.shape[-1]):
            layer = probabilities[piece][..., place]
            is_higher = (layer > highest[piece]).view(np.uint8)
            # Indices ascend, so that the maximum is the last class that exceeded all before it.
            np.maximum(index[piece], is_higher * np.uint8(place), out=index[piece])
            np.maximum(highest[piece], layer, out=highest[piece])
    return index, highest


def normalised_entropy(probabilities: np.ndarray) -> np.ndarray:
    """Shannon's entropy -sum(p ln p) as a share of its maximum ln(classes), in 0..1.

    0 where one class is certain, 1 where all are equally probable; a probability of 0 adds nothing.

    Source: Shannon 1948, doi 10.1002/j.1538-7305.1948.tb01338.x.

    Args:
        probabilities: Of at least two classes (..., classes).
    """
    smallest = np.finfo(probabilities.dtype).tiny
    entropy = -(probabilities * np.log(np.maximum(probabilities, smallest))).sum(axis=-1)
    return np.clip(entropy / np.log(probabilities.shape[-1]), 0, 1)
