# SPDX-License-Identifier: GPL-2.0-or-later
"""Augmentations: random changes of training patches that keep their labels true.

A new augmentation takes one subclass and its place in `AUGMENTATIONS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np


class Augmentation(ABC):
    """Base of the augmentations: changes each patch of a batch by a chance of its own.

    What moves a pixel of the image moves its label alike. All randomness comes from the given
    generator, so that a batch is the same whatever thread prepares it.
    """

    @abstractmethod
    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The changed batch; the given arrays may be written to.

        Args:
            images: (n, size, size, bands) float32, raw values.
            labels: (n, size, size) uint8 label codes.
            generator: Source of randomness.

        Returns:
            Arrays of the same shapes and dtypes.
        """


class Flip(Augmentation):
    """Mirrors half of the patches left to right, and half of them top to bottom."""

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        for axis in (1, 2):
            chosen = generator.random(len(images)) < 0.5
            images[chosen] = np.flip(images[chosen], axis)
            labels[chosen] = np.flip(labels[chosen], axis)
        return images, labels


class Rotate90(Augmentation):
    """Turns each patch by 0, 90, 180 or 270 degrees."""

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        turns = generator.integers(4, size=len(images))
        for turn in (1, 2, 3):
            chosen = turns == turn
            images[chosen] = np.rot90(images[chosen], turn, axes=(1, 2))
            labels[chosen] = np.rot90(labels[chosen], turn, axes=(1, 2))
        return images, labels


AUGMENTATIONS: dict[str, type[Augmentation]] = {
    "flip": Flip,
    "rotate90": Rotate90,
}


def check_names(names: Iterable[str]) -> None:
    """Check names of augmentations.

    Raises:
        ValueError: There is no augmentation of some name.
    """
    for name in names:
        if name not in AUGMENTATIONS:
            known = ", ".join(AUGMENTATIONS)
            raise ValueError(f"There is no augmentation <{name}>, only {known}")


def by_names(names: Iterable[str]) -> list[Augmentation]:
    """Augmentations in the order of their names.

    Raises:
        ValueError: There is no augmentation of some name.
    """
    names = list(names)
    check_names(names)
    return [AUGMENTATIONS[name]() for name in names]
