# SPDX-License-Identifier: GPL-2.0-or-later
"""A tiny dataset with folds, written as i.dl.patches writes it."""

from pathlib import Path

import numpy as np

from grassdl.dataset.footprints import Footprint, write_footprints
from grassdl.dataset.writer import PatchSetWriter
from tiny_dataset import BANDS, CLASSES, SIZE, export_of, scene

FOLD_OF_TRAIN = [2, 3, 3, 2, 2, 3]
"""Folds of the training patches, which lie in rows of the region's patches."""

COUNTS = {"train": len(FOLD_OF_TRAIN), "val": 4, "test": 2}


def write_folds(
    folder: Path, times: int = 1, file_format: str = "npy", in_one: bool = False, number: int = 3
) -> Path:
    """Write a dataset of three folds, or two: patches of `COUNTS`, so many times; each split in two
    runs, or in one."""
    folder.mkdir()
    counts = {split: count * times for split, count in COUNTS.items()}
    writer = PatchSetWriter(
        folder,
        BANDS,
        CLASSES,
        counts,
        np.dtype(np.uint16),
        (0, 65535),
        file_format,
        export_of(SIZE, rows=sum(counts.values()) * SIZE, cols=SIZE),
        folds=number,
    )
    writer.create()
    of_train = [min(one, number) for one in FOLD_OF_TRAIN]
    folds = {"train": of_train * times, "val": [1] * counts["val"], "test": [0] * 2 * times}
    parts, footprints, row = [], [], 0
    for seed, (split, count) in enumerate(counts.items()):
        images, labels = scene(count, seed)
        positions = np.array([(row + place * SIZE, 0) for place in range(count)])
        row += count * SIZE
        half = count // 2
        for run in [slice(count)] if in_one else [slice(half), slice(half, count)]:
            own = np.array(folds[split][run], np.uint8)
            parts.append(
                writer.write(split, run.start or 0, positions[run], images[run], labels[run], own)
            )
        for place, (at, fold) in enumerate(zip(positions.tolist(), folds[split], strict=True)):
            footprints.append(Footprint(split, place, *at, np.zeros(len(CLASSES)), fold))
    region = writer.export.region
    write_footprints(folder, footprints, CLASSES, SIZE, region, "")
    writer.finish(parts)
    return folder
