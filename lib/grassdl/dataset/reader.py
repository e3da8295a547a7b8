# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads patches as the input of a network, for training, scoring and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .patchset import PatchArrays


class PatchReader:
    """Patches of one or several datasets of any format and type, in memory of their own.

    The returned arrays are copies and writable, unlike the memory-mapped files of a dataset.

    Args:
        parts: The patches of every dataset, all of the same size and number of bands.
        fill: Value of every band that replaces NULL, (bands,).
    """

    def __init__(self, parts: Sequence[PatchArrays], fill: np.ndarray):
        self.parts = list(parts)
        self.fill = np.asarray(fill, np.float32)
        self.codes = self.parts[0].codes
        self.first_places = np.cumsum([0, *(len(part) for part in self.parts)])

    def __len__(self) -> int:
        return int(self.first_places[-1])

    def read(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, size, size, bands) float32 and labels (n, size, size) of patches.

        NULL cells have the fill values. A place of -1 gives an unlabelled
        patch of zeros, which does not count.

        Raises:
            ValueError: A patch is missing or damaged.
        """
        shape = self.parts[0].shape
        images = np.empty((len(places), *shape), np.float32)
        labels = np.empty((len(places), *shape[:2]), self.codes.dtype)
        owners = np.searchsorted(self.first_places, places, side="right") - 1
        nowhere = owners < 0
        images[nowhere], labels[nowhere] = 0, self.codes.unlabelled
        for owner in np.unique(owners[~nowhere]):
            own = owners == owner
            images[own], labels[own] = self.parts[owner].read(
                places[own] - self.first_places[owner]
            )
        return self.without_null(images, labels), labels

    def without_null(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The images with NULL cells at the fill values: changed in place."""
        images[self.codes.is_null(labels)] = self.fill
        return images

    def batches(
        self, size: int, places: np.ndarray | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Places, images and label codes of batches of at most `size` patches, in order.

        Args:
            size: Patches that are in memory at a time.
            places: Which patches; None for all.
        """
        wanted = np.arange(len(self)) if places is None else places
        for first in range(0, len(wanted), size):
            chosen = wanted[first : first + size]
            yield chosen, *self.read(chosen)
