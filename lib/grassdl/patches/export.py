# SPDX-License-Identifier: GPL-2.0-or-later
"""The second pass: patches into the dataset, row band by row band."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..bands import Band, BandReader
from ..classes import ClassScheme
from ..dataset.footprints import Footprint, write_footprints
from ..dataset.manifest import SPLITS, Export, Manifest
from ..dataset.patchset import PatchSetWriter
from . import counting
from .counting import strip_rows
from .plan import Plan

FOOTPRINT_BYTES = 300
"""Bytes that one patch takes in the GeoPackage."""

FIXED_BYTES = 200_000
"""Bytes that an empty GeoPackage and the manifest take."""


def bytes_needed(plan: Plan, size: int, bands: int, dtype: np.dtype) -> int:
    """Disk size of the dataset in bytes."""
    per_cell = bands * np.dtype(dtype).itemsize + 1
    return FIXED_BYTES + len(plan.positions) * (size * size * per_cell + FOOTPRINT_BYTES)


def check_disk(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        ValueError: Fewer than `needed` bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ValueError(
            f"Disk full: the dataset needs {needed / 1e6:.1f} MB in <{folder}>, "
            f"{free / 1e6:.1f} MB are free"
        )


def write_dataset(
    folder: Path,
    reader: BandReader,
    codes: np.ndarray,
    bands: Sequence[Band],
    classes: ClassScheme,
    plan: Plan,
    export: Export,
    progress: Callable[[int], None],
) -> Manifest:
    """Write arrays, manifest and footprints.

    Args:
        folder: An existing, empty folder.
        reader: The bands of the grid.
        codes: Label codes (rows, cols) uint8 of the same grid.
        bands: What the reader's bands are.
        classes: The classes of the codes.
        plan: The patches.
        export: How they were chosen, for the manifest.
        progress: Called with the number of patches done.
    """
    size = export.size
    writer = PatchSetWriter(folder, bands, classes, plan.split_counts, size, reader.dtype)
    try:
        done = 0
        for members in _strips(plan.positions[:, 0], strip_rows(reader.cols, size)):
            top = int(plan.positions[members.start, 0])
            values = _read_strip(reader, top, int(plan.positions[members.stop - 1, 0]) + size)
            for portion in _portions(members, size):
                images, labels = _cut(values, codes, top, plan.positions[portion], size)
                for place, name in enumerate(SPLITS):
                    chosen = plan.splits[portion] == place
                    if chosen.any():
                        writer.write(name, images[chosen], labels[chosen])
                done += len(images)
                progress(done)
        manifest = writer.finish(export)
    finally:
        writer.close()
    footprints = _footprints(plan, size)
    write_footprints(folder, footprints, classes, size, export.region, export.crs)
    return manifest


def _strips(rows: np.ndarray, step: int) -> list[slice]:
    """Runs of patches (sorted by row) whose first rows lie within `step` rows."""
    edges = np.arange(0, rows[-1] + step + 1, step)
    bounds = np.searchsorted(rows, edges)
    return [slice(a, b) for a, b in zip(bounds, bounds[1:], strict=False) if b > a]


def _portions(members: slice, size: int) -> list[slice]:
    """Runs of patches that together hold no more cells than a strip, however they overlap."""
    step = max(1, counting.STRIP_CELLS // size**2)
    starts = range(members.start, members.stop, step)
    return [slice(start, min(start + step, members.stop)) for start in starts]


def _read_strip(reader: BandReader, top: int, bottom: int) -> np.ndarray:
    """Values (rows, cols, bands) of the rows from `top` to before `bottom`."""
    values, null = reader.read(top, bottom - top)
    values[null] = 0
    return values


def _cut(
    values: np.ndarray, codes: np.ndarray, top: int, positions: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, size, size, bands) and labels (n, size, size) of patches of one strip.

    Args:
        values: The strip.
        codes: Label codes of all cells.
        top: Row of the strip's first row.
        positions: Upper left cells (n, 2).
        size: Edge of a patch in cells.
    """
    images = np.empty((len(positions), size, size, values.shape[2]), values.dtype)
    labels = np.empty((len(positions), size, size), np.uint8)
    for place, (row, col) in enumerate(positions):
        images[place] = values[row - top : row - top + size, col : col + size]
        labels[place] = codes[row : row + size, col : col + size]
    return images, labels


def _footprints(plan: Plan, size: int) -> list[Footprint]:
    shares = plan.counts / size**2
    index = np.zeros(len(SPLITS), np.int64)
    footprints = []
    for (row, col), split, share in zip(plan.positions, plan.splits, shares, strict=True):
        footprints.append(Footprint(SPLITS[split], int(index[split]), int(row), int(col), share))
        index[split] += 1
    return footprints
