# SPDX-License-Identifier: GPL-2.0-or-later
"""Losses in which unlabelled and NULL pixels have weight 0.

A new loss takes one subclass, its place in `_CLASSES`, and a line in `choices.LOSSES`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import keras
from keras import KerasTensor, ops

from ..config.choices import SMOOTHED_LOSSES

FOCUSING = 2.0
"""Exponent gamma of the focal loss; the best one of Lin et al. 2017."""


class LabelledPixelsLoss(keras.losses.Loss):
    """Base of the losses: a scalar of the labelled pixels of a batch.

    A pixel counts as labelled if its code is a class, 0 to K - 1; the codes `NULL_INDEX` and
    `UNLABELLED_INDEX` are none. A batch without labelled pixels has the loss 0 and no gradient.

    Args:
        class_weights: Weight of each of the K classes, or None for all the same.
        name: Name of the loss.
    """

    def __init__(self, class_weights: Sequence[float] | None = None, name: str | None = None):
        super().__init__(name=name)
        self.class_weights = None if class_weights is None else list(map(float, class_weights))

    @abstractmethod
    def of_labelled(
        self, reference: KerasTensor, labelled: KerasTensor, probabilities: KerasTensor
    ) -> KerasTensor:
        """The loss, a scalar.

        Args:
            reference: Class indices (batch, rows, columns), int32; 0 where not labelled.
            labelled: 1 where a pixel is labelled, else 0 (batch, rows, columns), float32.
            probabilities: (batch, rows, columns, K).
        """

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """The loss of a batch, a scalar.

        Args:
            y_true: Label codes (batch, rows, columns).
            y_pred: Probabilities (batch, rows, columns, K).
        """
        codes = ops.cast(y_true, "int32")
        labelled = codes < y_pred.shape[-1]
        # The others get class 0, so that their loss is finite; it is weighted with 0.
        return self.of_labelled(
            ops.where(labelled, codes, 0), ops.cast(labelled, y_pred.dtype), y_pred
        )


class PixelLoss(LabelledPixelsLoss):
    """A loss that is the mean of a loss per pixel, weighted by the class of the reference."""

    @abstractmethod
    def per_pixel(self, reference: KerasTensor, probabilities: KerasTensor) -> KerasTensor:
        """The loss of every pixel.

        Args:
            reference: Class indices (batch, rows, columns), int32, all of them classes.
            probabilities: (batch, rows, columns, K).

        Returns:
            Finite losses (batch, rows, columns).
        """

    def of_labelled(
        self, reference: KerasTensor, labelled: KerasTensor, probabilities: KerasTensor
    ) -> KerasTensor:
        """The sum of weight * loss, divided by the sum of the weights."""
        weights = labelled
        if self.class_weights is not None:
            by_class = ops.convert_to_tensor(self.class_weights, dtype=labelled.dtype)
            weights = weights * ops.take(by_class, reference)
        losses = self.per_pixel(reference, probabilities)
        total = ops.sum(weights)
        return ops.sum(losses * weights) / ops.where(total > 0, total, 1)


class CrossEntropy(PixelLoss):
    """Minus the logarithm of the probability of the reference class, in nats.

    Args:
        class_weights: See `LabelledPixelsLoss`.
        label_smoothing: Share s of the reference that is spread evenly over all K classes: the
            loss is -sum_k q_k log p_k with q = s / K, and 1 - s more for the reference class
            (Szegedy et al. 2016, arXiv 1512.00567).
        name: Name of the loss.
    """

    def __init__(
        self,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        name: str = "cross_entropy",
    ):
        super().__init__(class_weights, name)
        self.label_smoothing = label_smoothing

    def per_pixel(self, reference: KerasTensor, probabilities: KerasTensor) -> KerasTensor:
        """-log p of the reference class, with p at least Keras' epsilon (1e-7)."""
        losses = ops.sparse_categorical_crossentropy(reference, probabilities)
        if not self.label_smoothing:
            return losses
        surprise = -ops.log(ops.maximum(probabilities, keras.config.epsilon()))
        even = ops.mean(surprise, axis=-1)
        return (1 - self.label_smoothing) * losses + self.label_smoothing * even


class Focal(PixelLoss):
    """Cross-entropy times (1 - p)^gamma, p the probability of the reference class.

    Well classified pixels hardly count, which leaves the gradient to hard and rare
    classes. Source: Lin et al. 2017, equation 4, doi 10.1109/ICCV.2017.324.
    """

    def per_pixel(self, reference: KerasTensor, probabilities: KerasTensor) -> KerasTensor:
        """(1 - p)^gamma * cross-entropy, of which p is exp(-cross-entropy)."""
        losses = ops.sparse_categorical_crossentropy(reference, probabilities)
        return ops.power(1 - ops.exp(-losses), FOCUSING) * losses


class Dice(LabelledPixelsLoss):
    """One minus the Dice coefficient, the F1 of the probabilities, mean of the classes.

    The coefficient of a class is 2 sum(p y) / (sum p + sum y) over the labelled pixels of the
    batch, y being 1 where the reference is the class. The mean, weighted by class, runs over the
    classes that the batch has reference pixels of: for others the coefficient is 0 whatever the
    network does. Source: Milletari et al. 2016, arXiv 1606.04797, here without squares and
    for several classes.
    """

    def of_labelled(
        self, reference: KerasTensor, labelled: KerasTensor, probabilities: KerasTensor
    ) -> KerasTensor:
        """The weighted mean of 1 - Dice over the classes that occur."""
        classes = probabilities.shape[-1]
        mask = ops.expand_dims(labelled, -1)
        truth = ops.one_hot(reference, classes, dtype=probabilities.dtype) * mask
        pixels = (0, 1, 2)
        both = ops.sum(probabilities * truth, axis=pixels)
        occurring = ops.sum(truth, axis=pixels)
        either = ops.sum(probabilities * mask, axis=pixels) + occurring
        dice = 2 * both / ops.where(either > 0, either, 1)
        weights = ops.cast(occurring > 0, dice.dtype)
        if self.class_weights is not None:
            weights = weights * ops.convert_to_tensor(self.class_weights, dtype=dice.dtype)
        total = ops.sum(weights)
        return ops.sum((1 - dice) * weights) / ops.where(total > 0, total, 1)


class CrossEntropyDice(LabelledPixelsLoss):
    """The sum of cross-entropy, whose gradient is steady, and Dice, which weighs all classes alike.

    Args:
        class_weights: See `LabelledPixelsLoss`; for both parts.
        label_smoothing: See `CrossEntropy`; for that part.
        name: Name of the loss.
    """

    def __init__(
        self,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        name: str = "cross_entropy_dice",
    ):
        super().__init__(class_weights, name)
        self.parts = CrossEntropy(class_weights, label_smoothing), Dice(class_weights)

    def of_labelled(
        self, reference: KerasTensor, labelled: KerasTensor, probabilities: KerasTensor
    ) -> KerasTensor:
        """Cross-entropy + (1 - Dice)."""
        return sum(part.of_labelled(reference, labelled, probabilities) for part in self.parts)


_CLASSES = {
    "cross_entropy": CrossEntropy,
    "focal": Focal,
    "dice": Dice,
    "cross_entropy_dice": CrossEntropyDice,
}


def by_name(
    name: str, class_weights: Sequence[float] | None = None, label_smoothing: float = 0.0
) -> LabelledPixelsLoss:
    """A loss by its name in `choices.LOSSES`.

    Args:
        name: Its name.
        class_weights: See `LabelledPixelsLoss`.
        label_smoothing: See `CrossEntropy`; only for `choices.SMOOTHED_LOSSES`.
    """
    smoothing = {"label_smoothing": label_smoothing} if name in SMOOTHED_LOSSES else {}
    return _CLASSES[name](class_weights, name=name, **smoothing)
