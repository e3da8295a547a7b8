# SPDX-License-Identifier: GPL-2.0-or-later
"""A tiny dataset of patches that a small network learns in seconds."""

from pathlib import Path

import numpy as np

from grassdl.core.bands import Band
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.dataset.manifest import SPLITS, Export
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.dataset.writer import PatchSetWriter

SIZE = 16


def band(name: str, declared: bool = True) -> Band:
    """A band of the dataset, plain and of 16 bits."""
    return Band(name, declared, {"map": name}, None, 0.25, "nearest", "", "uint16")


BANDS = [band("red"), band("nir")]
CLASSES = ClassScheme(
    [MapClass(3, "water", "0:0:255"), MapClass(5, "bare soil", "150:100:50")]
    + [MapClass(9, "forest", "0:100:0")]
)
SPECTRA = np.array([[300, 100], [900, 1000], [400, 2000]])
"""Red and near infrared of the three classes, far from zero mean and unit deviation."""


def scene(count: int, seed: int, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Patches of squares of one class each, with noise: images uint16 and labels uint8."""
    generator = np.random.default_rng(seed)
    squares = generator.integers(len(CLASSES), size=(count, size // 4, size // 4))
    labels = squares.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)
    noise = generator.normal(0, 150, (*labels.shape, len(BANDS)))
    return np.clip(SPECTRA[labels] + noise, 0, 65535).astype(np.uint16), labels


def export_of(size: int, rows: int = 4, cols: int = 4) -> Export:
    """How patches of a size are said to be cut, of a region of some rows and columns of 0.25 m."""
    return Export(
        size=size,
        stride=size,
        sampling="grid",
        split_method="blocks",
        split_shares=(70, 15, 15),
        block_size=size,
        buffer=0.0,
        seed=1,
        region={"north": rows / 4, "south": 0.0, "east": cols / 4, "west": 0.0}
        | {"nsres": 0.25, "ewres": 0.25, "rows": rows, "cols": cols},
        crs="",
        grass_version="8.2.1",
        command="i.dl.patches",
    )


def write_dataset(
    folder: Path,
    arrays: dict[str, tuple[np.ndarray, np.ndarray]],
    classes: ClassScheme = CLASSES,
    bands: list[Band] = BANDS,
) -> Path:
    """Write a dataset with the given images and labels by split; the other splits are empty."""
    folder.mkdir()
    size = next(iter(arrays.values()))[1].shape[1]
    counts = {split: len(arrays[split][1]) if split in arrays else 0 for split in SPLITS}
    export = export_of(size)
    dtype = np.dtype(np.uint16)
    writer = PatchSetWriter(folder, bands, classes, counts, dtype, None, "npy", export)
    writer.create()
    parts = [
        writer.write(split, 0, np.zeros((len(labels), 2), np.int64), images, labels)
        for split, (images, labels) in arrays.items()
    ]
    writer.finish(parts)
    return folder


def joined(*folders: Path, bands: list[str] | None = None) -> JoinedPatchSets:
    """Datasets as training takes them."""
    return JoinedPatchSets([PatchSet.open(folder) for folder in folders], bands)
