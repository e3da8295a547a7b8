# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of a training run, checked before Keras is imported, and how long it is where they
leave that open."""

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
"""Numbers beyond which nobody can mean them."""

HIGHEST_RATE = 100.0
"""The highest learning rate and weight decay; far smaller ones make no model any more."""

USUAL_RATE = 0.002
"""The learning rate where it is left open."""

KEEPING_SHARE = 0.1
"""Share of it for a network that starts from a model and learns as a whole: at the usual rate it
soon forgets what the model knows (benchmarks/README.md, Transfer)."""

MAX_SEED = 2**32 - 1
"""The largest seed that every random generator takes."""

SHOWN_CELLS = 500_000_000
"""Cells that a network is shown in all: a quarter of an hour on two cores for the default U-Net."""

FEWEST_EPOCHS, MOST_EPOCHS = 20, 200
"""Of a dataset that is large, and of one that is small: there is nothing more to see in it."""

HEAD_EPOCHS = 30
"""Passes over computed features, which take a second each."""

PATIENT_SHARE = 0.4
"""Share of the epochs that may bring nothing better, where the learning rate does not fall by plan.
It is large, since a plateau first halves the rate, several times over."""


@dataclass(frozen=True)
class Settings:
    """The settings of a training run.

    Attributes:
        network: Name of a network in the registry.
        network_file: A user's Python file with a network, which then takes the place of `network`;
            None for none.
        network_options: Options of that network; what is missing keeps the network's default.
        activation: What makes probabilities of the network's scores, one of `choices.ACTIVATIONS`;
            a network file has its own. Of values `choices.LINEAR`.
        epochs: Passes over the training patches, at most; None leaves them to `for_patches`.
        batch_size: Patches per step.
        loss: One of `choices.LOSSES`.
        class_weights: One of `choices.CLASS_WEIGHTS`, or a weight for each class in the order of
            their values.
        label_smoothing: Share of the reference that is spread over all classes, for losses that
            know it.
        optimizer: One of `choices.OPTIMIZERS`.
        schedule: One of `choices.SCHEDULES`.
        learning_rate: The highest one; None leaves it to `highest_rate`.
        weight_decay: Share of the kernels taken away per step, per unit of learning rate.
        averaging: Share of the steps over which weights are averaged, see `optimizers.optimizer`;
            0 for none.
        augmentation: Names of augmentations, in the order in which they are applied.
        strengths: Strengths of augmentations by name; what is missing has its standard strength.
        patience: Epochs without a better score after which training stops; 0 for never, None
            leaves them to `for_patches`.
        precision: One of `choices.PRECISIONS`.
        seed: Seed of everything random.
        nprocs: Threads to compute with; 0 leaves the choice to the backend.
        model: Folder of a trained model to start from; None for none.
        teacher: Folders of models, separated by commas, whose mean probabilities are learned
            beside the labels; None for none.
        encoder_weights: What the encoder starts with: "imagenet", the path of a file, or "none" for
            random weights.
        freeze: Whether the encoder of that model or with these weights stays as it is at first.

    Raises:
        ValueError: An unknown name, a number out of its range, or what does not go together.
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
                f"<teacher> is of no use with network={self.network}: its head learns from "
                "features that are computed once, of labelled cells alone"
            )
        if self.freeze and not self.model and self.encoder_weights == catalog.NONE:
            raise ValueError(
                "-f is of no use without model= or encoder_weights=: random weights are not worth "
                "keeping"
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"<seed> must be between 0 and {MAX_SEED}, found {self.seed}")

    def for_patches(self, patches: int, size: int) -> Settings:
        """These settings, with epochs and patience for so many training patches of `size` x `size`
        cells, and the learning rate, where they were left open."""
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
        """Whether the learning rate is left to be one that keeps what a model knows.

        With its encoder frozen at first, a new head is to learn at the usual rate; what follows is
        slow in any case.
        """
        return self.learning_rate is None and self.model is not None and not self.freeze

    @property
    def highest_rate(self) -> float:
        """The learning rate, or where it is left open, the one for random weights or a model."""
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
                f"<{', '.join(self.network_options)}> is of no use with <network_file>: "
                "the file tells all of its network"
            )
        if self.network_file and self.activation == "sigmoid":
            raise ValueError(
                "<activation> is of no use with <network_file>: the network of the file gives "
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
        """Whether the head learns on features that an encoder with trained weights gives."""
        if self.network_file or self.network not in registry.ON_FEATURES:
            return False
        return self.model is not None or self.encoder_weights != catalog.NONE

    def _check_encoder_weights(self) -> None:
        if self.encoder_weights == catalog.NONE:
            return
        if self.model:
            raise ValueError(
                "<encoder_weights> is of no use with <model>: its encoder has weights already"
            )
        if self.encoder is None:
            raise ValueError(
                f"<encoder_weights> is of no use with network <{self.network_name}> without "
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
                f"loss={self.loss} knows no <label_smoothing>, only "
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

    A cosine brings its best when the rate has fallen, at the end: nothing may stop it before.
    """
    return 0 if schedule == "cosine" else math.ceil(PATIENT_SHARE * epochs)
