# SPDX-License-Identifier: GPL-2.0-or-later
"""Datasets of given images and labels, for the tests of scores."""

import numpy as np

from grassdl.core.classes import ClassScheme
from grassdl.dataset.manifest import SPLITS, Export
from grassdl.dataset.patchset import PatchSet
from grassdl.dataset.writer import PatchSetWriter
from scored_model import BANDS, GRASS, ROOF, SIZE


def dataset(
    folder,
    labels,
    first_band,
    classes=(GRASS, ROOF),
    bands=BANDS,
    size=SIZE,
    split="test",
    images=None,
    file_format="npy",
):
    """A dataset whose patches of one split have these labels and first band, others are empty."""
    folder.mkdir()
    counts = {one: len(labels) if one == split else 0 for one in SPLITS}
    if images is None:
        images = np.stack([first_band, np.zeros_like(first_band)], axis=-1).astype(np.uint8)
    edges = {"north": 1.0, "south": 0.0, "east": 1.0, "west": 0.0, "nsres": 1.0, "ewres": 1.0}
    export = Export(
        size=size,
        stride=size,
        sampling="grid",
        split_method="blocks",
        split_shares=(0, 0, 100),
        block_size=size,
        buffer=0.0,
        seed=1,
        region={**edges, "rows": 1, "cols": 1},
        crs="",
        grass_version="8.2.1",
        command="i.dl.patches",
    )
    writer = PatchSetWriter(
        folder, bands, ClassScheme(classes), counts, images.dtype, None, file_format, export
    )
    writer.create()
    positions = np.stack([np.zeros(len(labels)), np.arange(len(labels)) * size], axis=1).astype(int)
    part = writer.write(split, 0, positions, images, labels.astype(np.uint8))
    writer.finish([part])
    return PatchSet.open(folder)
