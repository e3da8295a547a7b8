# SPDX-License-Identifier: GPL-2.0-or-later
"""Small datasets of a value that can be learnt in seconds: it follows the bands."""

from pathlib import Path

import numpy as np

from grassdl.core.values import ValueTarget, range_edges
from grassdl.dataset.manifest import SPLITS
from grassdl.dataset.patchset import PatchSet
from grassdl.dataset.writer import PatchSetWriter
from tiny_dataset import BANDS, export_of

SIZE = 16


def scene(count: int, seed: int, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Patches of smooth bands uint16, and heights float32 of 20 to 30 m that follow the first."""
    generator = np.random.default_rng(seed)
    coarse = generator.uniform(0, 1, (count, size // 4, size // 4, len(BANDS)))
    images = (1000 + 2000 * coarse.repeat(4, axis=1).repeat(4, axis=2)).astype(np.uint16)
    labels = 20 + 10 * (images[..., 0] - 1000) / np.float32(2000)
    return images, labels.astype(np.float32)


def target_of(labels: np.ndarray, units: str = "m") -> ValueTarget:
    """The target of a map of heights."""
    return ValueTarget("height", units, edges=range_edges(labels[np.isfinite(labels)]))


def write_values(
    folder: Path,
    arrays: dict[str, tuple[np.ndarray, np.ndarray]],
    units: str = "m",
    file_format: str = "npy",
    folds: dict[str, np.ndarray] | None = None,
) -> PatchSet:
    """Write a dataset with the given images and values by split, and folds of them."""
    folder.mkdir(parents=True)
    counts = {split: len(arrays[split][1]) if split in arrays else 0 for split in SPLITS}
    images, labels = next(iter(arrays.values()))
    export = export_of(labels.shape[1], *(2 * [sum(counts.values()) * labels.shape[1]]))
    number = int(max((one.max() for one in folds.values()), default=0)) if folds else 0
    writer = PatchSetWriter(
        folder, BANDS, target_of(labels, units), counts, images.dtype, (0, 60000), file_format,
        export, number,
    )  # fmt: skip
    writer.create()
    parts, first = [], 0
    for split, (of_split, values) in arrays.items():
        rows = first + np.arange(len(values))
        positions = np.stack([rows * labels.shape[1], np.zeros(len(rows))], axis=1).astype(int)
        own = folds[split] if folds and split in folds else None
        parts.append(writer.write(split, 0, positions, of_split, values, own))
        first += len(values)
    writer.finish(parts)
    return PatchSet.open(folder)
