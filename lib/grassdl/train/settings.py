# SPDX-License-Identifier: GPL-2.0-or-later
"""What a training run is told, checked before Keras is imported."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..networks import registry
from .augmentation import check_names

MAX_SEED = 2**32 - 1
"""The largest seed that every random generator takes."""


@dataclass(frozen=True)
class Settings:
    """The settings of a training run.

    Attributes:
        network: Name of a network in the registry.
        network_options: Options of that network; what is missing keeps the network's default.
        epochs: Passes over the training patches, at most.
        batch_size: Patches per step.
        learning_rate: The highest one, reached after warm-up.
        weight_decay: Share of the kernels taken away per step, per unit of learning rate.
        augmentation: Names of augmentations, in the order in which they are applied.
        patience: Epochs without a better score after which training stops; 0 for never.
        seed: Seed of everything random.
        nprocs: Threads to compute with; 0 leaves the choice to the backend.

    Raises:
        ValueError: Unknown network or augmentation, or a number out of its range.
    """

    network: str = "unet"
    network_options: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 50
    batch_size: int = 16
    learning_rate: float = 0.002
    weight_decay: float = 0.01
    augmentation: tuple[str, ...] = ("flip", "rotate90")
    patience: int = 20
    seed: int = 1
    nprocs: int = 0

    def __post_init__(self) -> None:
        registry.describe(self.network)
        check_names(self.augmentation)
        for name, lowest in (("epochs", 1), ("batch_size", 1), ("patience", 0), ("nprocs", 0)):
            if getattr(self, name) < lowest:
                raise ValueError(f"<{name}> must be at least {lowest}, found {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"<learning_rate> must be above 0, found {self.learning_rate:g}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"<weight_decay> must not be negative, found {self.weight_decay:g}")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"<seed> must be between 0 and {MAX_SEED}, found {self.seed}")
        self._check_network_options()

    def _check_network_options(self) -> None:
        """Numbers that no network can be built with; which options there are, it tells itself."""
        for name in ("filters", "depth"):
            if self.network_options.get(name, 1) < 1:
                raise ValueError(f"<{name}> must be at least 1, found {self.network_options[name]}")
        dropout = self.network_options.get("dropout", 0)
        if not 0 <= dropout < 1:
            raise ValueError(f"<dropout> must be at least 0 and below 1, found {dropout:g}")

    def to_json(self) -> dict:
        """The settings as a JSON object."""
        return {**asdict(self), "augmentation": list(self.augmentation)}
