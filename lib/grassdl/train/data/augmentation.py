# SPDX-License-Identifier: GPL-2.0-or-later
"""Augmentations: random changes of training patches that keep their labels true.

A new augmentation takes one subclass, its place in `AUGMENTATIONS`, and a run of
`tools/interface.py`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np
from scipy import ndimage

from ...core.label_codes import codes_of
from .band_values import BandValues


class Augmentation(ABC):
    """Base of the augmentations: a random change, drawn for each patch of a batch.

    Labels move with their pixels. All randomness comes from the given generator, so that a batch is
    the same whatever thread prepares it.

    Args:
        strength: How much it may change; its meaning is in `description`.
        bands: The bands of the images.
    """

    description: ClassVar[str]
    """One line on what it does, and in brackets on what its strength is."""

    standard: ClassVar[float]
    """Strength if none is chosen."""

    highest: ClassVar[float] = math.inf
    """The highest strength there can be."""

    def __init__(self, strength: float, bands: BandValues):
        self.strength = strength
        self.bands = bands

    @abstractmethod
    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The changed batch; the given arrays may be written to.

        Args:
            images: (n, size, size, bands) float32, raw values.
            labels: (n, size, size) as `Target.codes` has them.
            generator: Source of randomness.

        Returns:
            Arrays of the same shapes and types.
        """


class Flip(Augmentation):
    """Mirrors random patches left to right, and top to bottom."""

    description = "Mirror left to right and top to bottom (chance of each)"
    standard = 0.5
    highest = 1.0

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        for axis in (1, 2):
            chosen = generator.random(len(images)) < self.strength
            images[chosen] = np.flip(images[chosen], axis)
            labels[chosen] = np.flip(labels[chosen], axis)
        return images, labels


class Rotate90(Augmentation):
    """Turns patches by 0, 90, 180 or 270 degrees, each as likely."""

    description = "Turn by 0, 90, 180 or 270 degrees (share of the patches)"
    standard = 1.0
    highest = 1.0

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        turns = generator.integers(4, size=len(images))
        turns[generator.random(len(images)) >= self.strength] = 0
        for turn in (1, 2, 3):
            chosen = turns == turn
            images[chosen] = np.rot90(images[chosen], turn, axes=(1, 2))
            labels[chosen] = np.rot90(labels[chosen], turn, axes=(1, 2))
        return images, labels


class Rotate(Augmentation):
    """Turns each patch about its centre, to either side."""

    description = "Turn by any angle (largest angle in degrees)"
    standard = 45.0
    highest = 180.0

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        angles = np.radians(generator.uniform(-self.strength, self.strength, len(images)))
        cosines, sines = np.cos(angles), np.sin(angles)
        turns = np.stack([cosines, -sines, sines, cosines], axis=-1).reshape(-1, 2, 2)
        return _resampled(images, labels, turns, self.bands.mean)


class Zoom(Augmentation):
    """Magnifies or shrinks each patch about its centre."""

    description = "Magnify or shrink (0.2: by up to a factor of 1.2)"
    standard = 0.2

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        factors = _factors(self.strength, len(images), generator)
        return _resampled(images, labels, factors[:, None, None] * np.eye(2), self.bands.mean)


class Brightness(Augmentation):
    """Adds to all spectral bands of a patch the same share of each one's standard deviation."""

    description = "Lighter or darker (largest change, in standard deviations)"
    standard = 0.2

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        shifts = generator.uniform(-self.strength, self.strength, len(images))
        step = self.bands.deviation * self.bands.spectral
        images += shifts[:, None, None, None].astype(np.float32) * step
        return images, labels


class Contrast(Augmentation):
    """Stretches all spectral bands of a patch about their means over the training data."""

    description = "More or less contrast (0.2: by up to a factor of 1.2)"
    standard = 0.2

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        factors = _factors(self.strength, len(images), generator).astype(np.float32)
        # As a change to add, which is exactly 0 in bands that are not spectral.
        gains = (factors[:, None] - 1) * self.bands.spectral
        images += (images - self.bands.mean) * gains[:, None, None]
        return images, labels


class Saturation(Augmentation):
    """Moves the spectral bands of each pixel from or to their common grey.

    The grey is the mean of the standardised bands; each date has its own, or the dates would become
    more alike.
    """

    description = "More or less colourful (0.2: by up to a factor of 1.2)"
    standard = 0.2

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        factors = _factors(self.strength, len(images), generator).astype(np.float32)
        for light in self.bands.light_of_dates:
            if not len(light):
                continue
            mean, deviation = self.bands.mean[light], self.bands.deviation[light]
            values = (images[..., light] - mean) / deviation
            grey = values.mean(axis=-1, keepdims=True)
            values = grey + (values - grey) * factors[:, None, None, None]
            images[..., light] = mean + values * deviation
        return images, labels


class Noise(Augmentation):
    """Adds independent Gaussian noise to all spectral bands, each patch with its own deviation."""

    description = "Noise in each cell (largest deviation, in standard deviations)"
    standard = 0.1

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        widths = generator.uniform(0, self.strength, len(images)).astype(np.float32)
        step = widths[:, None, None, None] * self.bands.deviation * self.bands.spectral
        images += generator.standard_normal(images.shape, np.float32) * step
        return images, labels


class BandDropout(Augmentation):
    """Sets bands that are not spectral to their mean, as if they were NULL.

    The network then learns to work without heights where they are missing. A band is set at all of
    its dates, or those that are left would look like a change.
    """

    description = "Bands of heights and indices at their mean, as if missing (chance of each)"
    standard = 0.2
    highest = 1.0

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Augmentation`."""
        dates = self.bands.dates
        chances = generator.random((len(images), len(self.bands.mean) // dates))
        dropped = np.tile(chances < self.strength, dates)
        dropped &= ~self.bands.spectral
        dropped[:, list(self.bands.observed)] = False
        return np.where(dropped[:, None, None], self.bands.mean, images), labels


AUGMENTATIONS: dict[str, type[Augmentation]] = {
    "flip": Flip,
    "rotate90": Rotate90,
    "rotate": Rotate,
    "zoom": Zoom,
    "brightness": Brightness,
    "contrast": Contrast,
    "saturation": Saturation,
    "noise": Noise,
    "band_dropout": BandDropout,
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


def check_strengths(names: Iterable[str], strengths: Mapping[str, float]) -> None:
    """Check strengths of augmentations.

    Raises:
        ValueError: One of an augmentation that is not in use, or out of its range.
    """
    names = list(names)
    for name, strength in strengths.items():
        if name not in names:
            raise ValueError(f"<strengths> has <{name}>, which is not among the augmentations")
        highest = AUGMENTATIONS[name].highest
        if not 0 < strength <= highest or strength == math.inf:
            limit = "" if highest == math.inf else f" and at most {highest:g}"
            raise ValueError(f"The strength of <{name}> must be above 0{limit}, found {strength:g}")


def by_names(
    names: Iterable[str], bands: BandValues, strengths: Mapping[str, float] | None = None
) -> list[Augmentation]:
    """Augmentations in the order of their names.

    Args:
        names: Some of `AUGMENTATIONS`.
        bands: The bands of the images.
        strengths: Strengths by name; the others have their standard strength.

    Raises:
        ValueError: There is no augmentation of some name.
    """
    names = list(names)
    check_names(names)
    strengths = strengths or {}
    kinds = [AUGMENTATIONS[name] for name in names]
    return [
        kind(strengths.get(name, kind.standard), bands)
        for name, kind in zip(names, kinds, strict=True)
    ]


def _factors(strength: float, count: int, generator: np.random.Generator) -> np.ndarray:
    """Factors of 1 / (1 + strength) to 1 + strength, either way as likely."""
    widest = math.log1p(strength)
    return np.exp(generator.uniform(-widest, widest, count))


def _resampled(
    images: np.ndarray, labels: np.ndarray, matrices: np.ndarray, fill: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Patches moved about their centres, images bilinearly and labels by the nearest cell.

    Args:
        images: (n, size, size, bands).
        labels: (n, size, size).
        matrices: What turns offsets from the centre of a new patch into those of the old one,
            rows first (n, 2, 2).
        fill: Value of every band where the old patch does not reach; there it is unlabelled.

    Returns:
        New arrays.
    """
    unlabelled = codes_of(labels).unlabelled
    centre = np.full(2, (labels.shape[1] - 1) / 2)
    moved_images, moved_labels = np.empty_like(images), np.empty_like(labels)
    for place, matrix in enumerate(matrices):
        offset = centre - matrix @ centre
        ndimage.affine_transform(
            labels[place],
            matrix,
            offset,
            output=moved_labels[place],
            order=0,
            cval=unlabelled,
        )
        for band, value in enumerate(fill):
            ndimage.affine_transform(
                images[place, ..., band],
                matrix,
                offset,
                output=moved_images[place, ..., band],
                order=1,
                cval=value,
            )
    return moved_images, moved_labels
