# SPDX-License-Identifier: GPL-2.0-or-later
"""Knowledge distillation: training on the probabilities of other networks beside the labels.

Source: Hinton et al. 2015, arXiv 1503.02531, here at temperature 1 and for every cell with data,
whether it is labelled or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import keras
from keras import KerasTensor, ops

from ...core.bands import names_mismatch
from ...core.classes import NULL_INDEX, ClassScheme
from ...core.text import listed
from ...dataset.patchset import JoinedPatchSets
from ...model.card import RESOLUTION_TOLERANCE, ModelCard
from ...model.ensemble import Member, Model, open_model
from ...model.weights import load_network

SHARE = 0.5
"""Share of the teacher in the loss; the labels have the rest."""


class Teacher:
    """Networks whose mean probabilities another one learns; their own weights are fixed.

    Args:
        members: Their model folders.
    """

    def __init__(self, members: Sequence[Member]):
        self._networks = [(one.card.temperature, load_network(one.folder)) for one in members]

    def probabilities(self, images: KerasTensor) -> KerasTensor:
        """The mean of the networks' probabilities, each at its own temperature.

        Args:
            images: (batch, rows, columns, bands), raw values.

        Returns:
            (batch, rows, columns, classes), float32.
        """
        given = [
            _tempered(ops.cast(network(images, training=False), "float32"), temperature)
            for temperature, network in self._networks
        ]
        return ops.stop_gradient(reduce(ops.add, given) / len(given))


class Pupil(keras.Model):
    """A network whose training loss is `SHARE` of cross-entropy with a teacher's probabilities,
    and the loss of its labels for the rest."""

    teacher: Teacher

    def compute_loss(
        self,
        x: KerasTensor | None = None,
        y: KerasTensor | None = None,
        y_pred: KerasTensor | None = None,
        sample_weight: KerasTensor | None = None,
        training: bool = True,
        **options: Any,
    ) -> KerasTensor:
        """The loss of a batch, a scalar; in validation that of the labels alone."""
        of_labels = super().compute_loss(x, y, y_pred, sample_weight, training, **options)
        if not training:
            return of_labels
        of_teacher = soft_cross_entropy(self.teacher.probabilities(x), y_pred, y)
        return (1 - SHARE) * of_labels + SHARE * ops.cast(of_teacher, of_labels.dtype)


def soft_cross_entropy(
    taught: KerasTensor, probabilities: KerasTensor, codes: KerasTensor
) -> KerasTensor:
    """Cross-entropy -sum_k q_k log p_k, mean of the cells with data, in nats; 0 without any.

    Args:
        taught: Probabilities q of the teacher (batch, rows, columns, K).
        probabilities: Probabilities p of the pupil, of the same shape.
        codes: Label codes (batch, rows, columns).
    """
    known = ops.cast(ops.cast(codes, "int32") != NULL_INDEX, "float32")
    highest = ops.maximum(ops.cast(probabilities, "float32"), keras.config.epsilon())
    losses = -ops.sum(taught * ops.log(highest), axis=-1)
    return ops.sum(losses * known) / ops.maximum(ops.sum(known), 1)


def open_teacher(names: str, data: JoinedPatchSets) -> Model:
    """The model of the teacher.

    Args:
        names: One or more model folders, separated by commas.
        data: The datasets.

    Raises:
        ValueError: It cannot be read, is no network of Keras, or has other bands, classes, cells
            or sizes of patches than those of the datasets.
    """
    teacher = open_model(names)
    teacher.check_keras()
    card = teacher.card
    wrong = (
        names_mismatch(card.bands, data.bands)
        or _other_target(data, card)
        or _other_classes(data.classes, card.classes)
        or _other_cells(data, card)
    )
    if wrong:
        raise ValueError(f"Model <{card.name}> cannot teach a network of these datasets: {wrong}")
    return teacher


def _other_target(data: JoinedPatchSets, card: ModelCard) -> str | None:
    if card.target.kind == data.target.kind:
        return None
    return f"it is of {card.target.summary}, they are of {data.target.summary}"


def account(teacher: Model) -> dict[str, Any]:
    """What the card of the pupil records of its teacher."""
    return {
        "name": teacher.card.name,
        "sha256": teacher.deciding_hash,
        "networks": len(teacher.members),
        "areas": teacher.card.seen_areas,
    }


def learner_of(network: keras.Model, teacher: str | None, data: JoinedPatchSets) -> keras.Model:
    """A model that shares the weights of a network, and learns from a teacher if one is named.

    Raises:
        ValueError: See `open_teacher`.
    """
    if teacher is None:
        return keras.Model(network.inputs, network.outputs)
    learner = Pupil(network.inputs, network.outputs)
    learner.teacher = Teacher(open_teacher(teacher, data).members)
    return learner


def _other_classes(own: ClassScheme, known: ClassScheme) -> str | None:
    values = [one.values.tolist() for one in (known, own)]
    if values[0] != values[1]:
        return f"it has class values {listed(values[0])}, they have {listed(values[1])}"
    for one, other in zip(known, own, strict=True):
        if one.label != other.label:
            return f"its class {one.value} is <{one.label}>, theirs is <{other.label}>"
    return None


def _other_cells(data: JoinedPatchSets, card: ModelCard) -> str | None:
    for cell, known in zip(data.resolution, card.resolution, strict=True):
        if abs(cell / known - 1) > RESOLUTION_TOLERANCE:
            return f"it was trained on cells of {known:g}, theirs are of {cell:g}"
    if data.size % card.stride:
        return f"patches of {data.size} cells are no multiple of its stride {card.stride}"
    return card.target.size_difference(card.size, data.size)


def _tempered(probabilities: KerasTensor, temperature: float) -> KerasTensor:
    """See `ModelCard.tempered`."""
    if temperature == 1:
        return probabilities
    powers = ops.power(probabilities, 1 / temperature)
    return powers / ops.sum(powers, axis=-1, keepdims=True)
