# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of a training, checked before Keras is imported, and standard numbers of epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ...core.options import check_range
from ...networks import registry
from ...networks.encoders import catalog
from ..data.augmentation import check_names, check_strengths
from . import choices
from .class_weights import check_class_weights

HIGHEST = {"epochs": 100_000, "batch_size": 65_536, "patience": 100_000, "nprocs": 1024}
"""Upper limits of numbers, beyond which they are taken for typing errors."""

HIGHEST_RATE = 100.0
"""The highest learning rate and weight decay; training diverges far below them."""

USUAL_RATE = 0.002
"""The learning rate where it is left open."""

KEEPING_SHARE = 0.1
"""Share of it for a network that starts from a model and of which all layers are trained: at the
usual rate it loses what the model has learnt (benchmarks/README.md, Transfer)."""

MAX_SEED = 2**32 - 1
"""The largest seed that every random generator takes."""

SHOWN_CELLS = 500_000_000
"""Cells that a training passes over in all: 15 minutes on two cores for the default U-Net."""

FEWEST_EPOCHS, MOST_EPOCHS = 20, 200
"""Fewest epochs, for large datasets, and most, for small ones."""

HEAD_EPOCHS = 30
"""Epochs of a head on computed features, which take a second each."""

PATIENT_SHARE = 0.4
"""Standard patience as a share of the epochs, for schedules other than the cosine. It is large,
since on a plateau the rate is first halved, several times."""


@dataclass(frozen=True)
class Settings:
    """The settings of a training run.

    Attributes:
        network: Name of a network in the registry.
        network_file: A user's Python file with a network, which then replaces `network`;
            None for none.
        network_options: Options of that network; what is missing keeps the network's default.
        activation: Turns the network's scores into probabilities, one of `choices.ACTIVATIONS`;
            a network file has its own. Of values `choices.LINEAR`.
        epochs: Passes over the training patches, at most; None leaves them to `for_patches`.
        batch_size: Patches per step.
        loss: One of `choices.LOSSES`.
        class_weights: One of `choices.CLASS_WEIGHTS`, or a weight for each class in the order of
            their values.
        label_smoothing: Share of the reference that is spread over all classes, for losses that
            support it.
        optimizer: One of `choices.OPTIMIZERS`.
        schedule: One of `choices.SCHEDULES`.
        learning_rate: The highest one; None leaves it to `highest_rate`.
        weight_decay: Share of the kernels taken away per step, per unit of learning rate.
        averaging: Share of the steps over which weights are averaged, see `optimizers.optimizer`;
            0 for none.
        augmentation: Names of augmentations, in the order in which they are applied.
        strengths: Strengths of augmentations by name; what is missing has its standard strength.
        patience: Epochs without a better score after which training stops; 0 for never, None
            leaves it to `for_patches`.
        precision: One of `choices.PRECISIONS`.
        seed: Seed of everything random.
        nprocs: Threads to compute with; 0 leaves the choice to the backend.
        model: Folder of a trained model to start from; None for none.
        teacher: Folders of models, separated by commas, whose mean probabilities are learned
            beside the labels; None for none.
        encoder_weights: What the encoder starts with: "imagenet", the path of a file, or "none" for
            random weights.
        freeze: Whether the encoder of that model or with these weights is frozen at first.

    Raises:
        ValueError: An unknown name, a number out of range, or settings that cannot be combined.
    """

    network: str = "unet"
    network_file: str | None = None
    network_options: Mapping[str, Any] = field(default_factory=dict)
    activation: str = "softmax"
    epochs: int | None = None
    batch_size: int = 16
    loss: str = "cross_entropy"
    class_weights: str | tuple[float, ...] = "none"
    label_smoothing: float = 0.0
    optimizer: str = "adamw"
    schedule: str = "cosine"
    learning_rate: float | None = None
    weight_decay: float = 0.01
    averaging: float = 0.05
    augmentation: tuple[str, ...] = ("flip", "rotate90", "brightness", "contrast")
    strengths: Mapping[str, float] = field(default_factory=dict)
    patience: int | None = None
    precision: str = "auto"
    seed: int = 1
    nprocs: int = 0
    model: str | None = None
    teacher: str | None = None
    encoder_weights: str = catalog.NONE
    freeze: bool = False

    def __post_init__(self) -> None:
        self._check_network()
        self._check_loss()
        choices.check("optimizer", self.optimizer, choices.OPTIMIZERS)
        choices.check("schedule", self.schedule, choices.SCHEDULES)
        choices.check("precision", self.precision, choices.PRECISIONS)
        check_names(self.augmentation)
        check_strengths(self.augmentation, self.strengths)
        for name, lowest in (("epochs", 1), ("batch_size", 1), ("patience", 0), ("nprocs", 0)):
            number = getattr(self, name)
            if number is not None:
                check_range(name, number, lowest, HIGHEST[name])
        rate = self.highest_rate
        if not rate > 0:
            raise ValueError(f"<learning_rate> must be above 0, found {rate:g}")
        check_range("learning_rate", rate, 0, HIGHEST_RATE)
        if not self.weight_decay >= 0:
            raise ValueError(f"<weight_decay> must not be negative, found {self.weight_decay:g}")
        check_range("weight_decay", self.weight_decay, 0, HIGHEST_RATE)
        if not 0 <= self.averaging <= 1:
            raise ValueError(f"<averaging> must be between 0 and 1, found {self.averaging:g}")
        self._check_encoder_weights()
        if self.teacher and self.on_features:
            raise ValueError(
                f"<teacher> has no effect with network={self.network}: its head learns from "
                "features that are computed once, of labelled cells alone"
            )
        if self.freeze and not self.model and self.encoder_weights == catalog.NONE:
            raise ValueError(
                "-f has no effect without model= or encoder_weights=: random weights are not worth "
                "keeping"
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"<seed> must be between 0 and {MAX_SEED}, found {self.seed}")

    def for_patches(self, patches: int, size: int) -> Settings:
        """These settings, with epochs, patience and learning rate set where they were left open.

        Args:
            patches: Number of training patches.
            size: Edge of a patch in cells.
        """
        epochs = self.epochs
        if epochs is None:
            only_head = self.on_features and not self.freeze
            epochs = HEAD_EPOCHS if only_head else standard_epochs(patches, size)
        patience = self.patience
        if patience is None:
            patience = standard_patience(epochs, self.schedule)
        return replace(self, epochs=epochs, patience=patience, learning_rate=self.highest_rate)

    @property
    def keeps_knowledge(self) -> bool:
        """Whether the learning rate is left open, and is lowered to keep what a model has learnt.

        It is not with an encoder that is frozen at first: a new head then learns at the usual rate,
        and the second phase is slower in any case.
        """
        return self.learning_rate is None and self.model is not None and not self.freeze

    @property
    def highest_rate(self) -> float:
        """The learning rate, or if left open, the standard one for random weights or a model."""
        if self.learning_rate is not None:
            return self.learning_rate
        return KEEPING_SHARE * USUAL_RATE if self.keeps_knowledge else USUAL_RATE

    @property
    def most_epochs(self) -> int:
        """`epochs` of settings that leave nothing open, as `for_patches` gives them."""
        assert self.epochs is not None
        return self.epochs

    @property
    def network_name(self) -> str:
        """What the network is called: by its name in the registry or that of the user's file."""
        return Path(self.network_file).stem if self.network_file else self.network

    def _check_network(self) -> None:
        registry.describe(self.network)
        if self.activation != choices.LINEAR:
            choices.check("activation", self.activation, choices.ACTIVATIONS)
        registry.check_numbers(self.network_options)
        if self.network_file and self.network_options:
            raise ValueError(
                f"<{', '.join(self.network_options)}> has no effect with <network_file>: "
                "the file defines its whole network"
            )
        if self.network_file and self.activation == "sigmoid":
            raise ValueError(
                "<activation> has no effect with <network_file>: the network of the file gives "
                "probabilities"
            )

    @property
    def encoder(self) -> str | None:
        """The encoder of the catalogue that the network has, or None."""
        if self.network_file:
            return None
        return registry.catalog_encoder(self.network, self.network_options)

    @property
    def on_features(self) -> bool:
        """Whether the head learns on the features of an encoder with trained weights."""
        if self.network_file or self.network not in registry.ON_FEATURES:
            return False
        return self.model is not None or self.encoder_weights != catalog.NONE

    def _check_encoder_weights(self) -> None:
        if self.encoder_weights == catalog.NONE:
            return
        if self.model:
            raise ValueError(
                "<encoder_weights> has no effect with <model>: its encoder has weights already"
            )
        if self.encoder is None:
            raise ValueError(
                f"<encoder_weights> has no effect with network <{self.network_name}> without "
                "<encoder>: its own encoder starts from random weights"
            )

    def _check_loss(self) -> None:
        choices.check("loss", self.loss, choices.LOSSES)
        check_class_weights(self.class_weights)
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"<label_smoothing> must be at least 0 and below 1, found {self.label_smoothing:g}"
            )
        if self.label_smoothing and self.loss not in choices.SMOOTHED_LOSSES:
            raise ValueError(
                f"loss={self.loss} does not support <label_smoothing>, only "
                f"{' and '.join(choices.SMOOTHED_LOSSES)} do"
            )

    def to_json(self) -> dict[str, Any]:
        """The settings as a JSON object."""
        listed = {name: list(one) for name, one in asdict(self).items() if isinstance(one, tuple)}
        return {**asdict(self), **listed}


def standard_epochs(patches: int, size: int) -> int:
    """Passes over patches of `size` x `size` cells that show a network about `SHOWN_CELLS`."""
    epochs = round(SHOWN_CELLS / (patches * size**2))
    return min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS)


def standard_patience(epochs: int, schedule: str) -> int:
    """Epochs without a better score after which a training of `epochs` stops; 0 for never.

    It is 0 for a cosine, whose best epochs are the last ones, when the rate has fallen.
    """
    return 0 if schedule == "cosine" else math.ceil(PATIENT_SHARE * epochs)
