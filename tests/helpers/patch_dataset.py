# SPDX-License-Identifier: GPL-2.0-or-later
"""Small datasets of classes of patches: the first band is light or dark, and tells the class."""

from pathlib import Path

import numpy as np

from grassdl.core.patch_classes import PatchClasses
from grassdl.dataset.manifest import SPLITS
from grassdl.dataset.patchset import PatchSet
from grassdl.dataset.writer import PatchSetWriter
from tiny_dataset import BANDS, CLASSES, export_of

SIZE = 16
TARGET = PatchClasses(CLASSES)


def patches(count: int, seed: int, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Images uint16, and labels uint8 of the cell at the centre alone."""
    generator = np.random.default_rng(seed)
    index = (np.arange(count) % len(TARGET)).astype(np.uint8)
    images = generator.normal(1000, 60, (count, size, size, len(BANDS)))
    images[..., 0] += 500.0 * index[:, None, None]
    labels = index[:, None, None] + np.zeros((count, size, size), np.uint8)
    return images.astype(np.uint16), TARGET.only_labelled(labels)


def write_patches(folder: Path, counts: dict[str, int], size: int = SIZE) -> PatchSet:
    """Write a dataset of so many patches by split."""
    folder.mkdir(parents=True)
    counts = {split: counts.get(split, 0) for split in SPLITS}
    export = export_of(size, *(2 * [sum(counts.values()) * size]))
    writer = PatchSetWriter(
        folder, BANDS, TARGET, counts, np.dtype(np.uint16), (0, 60000), "npy", export, 0
    )
    writer.create()
    parts, first = [], 0
    for place, (split, count) in enumerate(counts.items()):
        rows = (first + np.arange(count)) * size
        positions = np.stack([rows, np.zeros(count)], axis=1).astype(int)
        if count:
            parts.append(writer.write(split, 0, positions, *patches(count, place, size), None))
        first += count
    writer.finish(parts)
    return PatchSet.open(folder)
