# SPDX-License-Identifier: GPL-2.0-or-later
"""Writing a patch dataset, by one process or several."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from ..core.band_statistics import BandStatistics
from ..core.bands import Band
from ..core.dates import days_of, present_cells
from ..core.target import Target
from .folds import FOLDS_NAME
from .geotiff import ChipWriter
from .manifest import GEOTIFF, NPY, SPLITS, Export, Fold, Manifest
from .npy import ArrayFile

FOOTPRINT_BYTES, SHARE_BYTES = 300, 9
"""Bytes that one patch takes in the GeoPackage, and its share of each class there."""

CHIP_BYTES = 12_000
"""Bytes that the two files of a chip and its footprint take besides its cells."""

FIXED_BYTES = 2_000_000
"""Bytes that an empty GeoPackage, the manifest and the picture take."""


@dataclass(frozen=True)
class WrittenPart:
    """The part of the manifest of consecutive patches.

    Attributes:
        split: Their split.
        first: Place of the first of them in the split.
        digests: SHA-256 of every patch.
        folds: Fold of every patch (n,) uint8; 0 for none.
        figures: Of the patches of each fold that is among them.
    """

    split: str
    first: int
    digests: list[bytes]
    folds: np.ndarray
    figures: list[Figures]


@dataclass(frozen=True)
class Figures:
    """Figures of some patches of one fold.

    Attributes:
        fold: The fold; 0 for none.
        patches: Number of patches.
        pixels: Labelled pixels of every class, see `Target.counted`.
        bands: Of the bands; empty for test patches.
        labels: Of what `Target.measured` gives of the labels.
    """

    fold: int
    patches: int
    pixels: np.ndarray
    bands: LayerFigures
    labels: LayerFigures


@dataclass(frozen=True)
class LayerFigures:
    """Figures of layers of some patches.

    Attributes:
        statistics: Of every layer without NULLs, or nothing.
        sums: See `_sums`; for layers of floating type, whose sums depend on the order of the
            summands.
    """

    statistics: Sequence[BandStatistics] = ()
    sums: np.ndarray | None = None

    @classmethod
    def of_bands(cls, bands: Sequence[Band], images: np.ndarray, known: np.ndarray) -> LayerFigures:
        """Figures of the bands of images (n, size, size, bands), each where it has values.

        Args:
            bands: The bands.
            images: Their values, 0 where there are none.
            known: Cells (n, size, size) that are not NULL.
        """
        runs = present_cells(bands, images, known)
        parts = [cls.of(images[..., run], there) for run, there in runs]
        sums = [part.sums for part in parts if part.sums is not None]
        return cls(
            [one for part in parts for one in part.statistics],
            np.concatenate(sums, axis=1) if sums else None,
        )

    @classmethod
    def of(cls, layers: np.ndarray, known: np.ndarray) -> LayerFigures:
        """Figures of layers (n, size, size, layers) where they are known (n, size, size)."""
        if not layers.shape[-1]:
            return cls()
        valid = layers if known.all() else layers[known]
        statistics = [BandStatistics.of(valid[..., place]) for place in range(layers.shape[-1])]
        return cls(statistics, _sums(layers, ~known) if layers.dtype.kind == "f" else None)


def joined_figures(layers: int, parts: Sequence[LayerFigures]) -> list[BandStatistics]:
    """Independent of the division into parts: sums of floats are rounded once, at the end.

    Args:
        layers: Number of layers.
        parts: Their figures.
    """
    nothing = [BandStatistics() for _ in range(layers)]
    columns = zip(nothing, *(part.statistics for part in parts if part.statistics), strict=True)
    joined = [reduce(BandStatistics.merge, column) for column in columns]
    sums = [part.sums for part in parts if part.sums is not None]
    if sums:
        every = np.concatenate(sums)
        for place, one in enumerate(joined):
            counts, totals, squares, differences = every[:, place].T
            one.total = math.fsum(totals)
            one.total_squares = math.fsum(squares)
            gaps = totals / np.maximum(counts, 1) - one.mean
            one.squared_differences = math.fsum([*differences, *(counts * gaps * gaps)])
    return joined


@dataclass(frozen=True)
class PatchSetWriter:
    """Writes patches into a folder; a copy in another process writes into the same files.

    Attributes:
        folder: An existing, empty folder.
        bands: The bands of the images.
        target: What the labels are.
        counts: How many patches each split will get.
        dtype: dtype of the images.
        value_range: Lowest and highest value that a map has; None for floating types.
        file_format: "npy" or "geotiff".
        export: How the patches were cut, for the manifest.
        folds: Number of folds; 0 for none.
    """

    folder: Path
    bands: Sequence[Band]
    target: Target
    counts: dict[str, int]
    dtype: np.dtype
    value_range: tuple[int, int] | None
    file_format: str
    export: Export
    folds: int = 0

    @property
    def size(self) -> int:
        """Edge of a patch in cells."""
        return self.export.size

    @property
    def bytes_needed(self) -> int:
        """Disk size of the dataset in bytes; chips, which are compressed, take less as a rule."""
        cells = sum(self.counts.values()) * self.size**2
        per_patch = CHIP_BYTES if self.file_format == GEOTIFF else FOOTPRINT_BYTES
        per_patch += SHARE_BYTES * len(self.target.counted)
        per_cell = len(self.bands) * self.dtype.itemsize + self.target.codes.dtype.itemsize
        return FIXED_BYTES + cells * per_cell + sum(self.counts.values()) * per_patch

    def create(self) -> None:
        """Create the files and folders of the patches."""
        for split in SPLITS:
            (self.folder / split).mkdir()
            if self.file_format == NPY:
                for file in self._files(split):
                    file.create()
        if self.folds:
            self._fold_file.create()

    def write(
        self,
        split: str,
        first: int,
        positions: np.ndarray,
        images: np.ndarray,
        labels: np.ndarray,
        folds: np.ndarray | None = None,
    ) -> WrittenPart:
        """Write patches of a split.

        Args:
            split: "train", "val" or "test".
            first: Place of the first of them in the split.
            positions: Their upper left cells in the region (n, 2).
            images: (n, size, size, bands), 0 where a cell is NULL.
            labels: (n, size, size) as `Target.codes` has them.
            folds: Fold of every patch (n,) uint8; None where there are none.
        """
        own_folds = np.zeros(len(labels), np.uint8) if folds is None else folds
        if self.file_format == GEOTIFF:
            self._chips.write(split, positions, images, labels)
        else:
            image_file, label_file = self._files(split)
            image_file.write(first, images)
            label_file.write(first, labels)
        if self.folds and split == "train":
            self._fold_file.write(first, own_folds)
        figures = []
        for fold in np.unique(own_folds).tolist():
            chosen = own_folds == fold
            # Usually all of them: avoid a copy.
            run = slice(None) if chosen.all() else chosen
            trains = split == "train" or fold > 0
            figures.append(self._figures(fold, images[run], labels[run], trains))
        return WrittenPart(split, first, _digests(images, labels), own_folds, figures)

    def _figures(
        self, fold: int, images: np.ndarray, labels: np.ndarray, with_statistics: bool
    ) -> Figures:
        codes = self.target.codes
        bands = LayerFigures()
        if with_statistics:
            bands = LayerFigures.of_bands(self.bands, images, ~codes.is_null(labels))
        counted = self.target.counted_codes(labels)
        pixels = np.bincount(counted.ravel(), minlength=256)[: len(self.target.counted)]
        measured = LayerFigures.of(self.target.measured(labels), codes.is_labelled(labels))
        return Figures(fold, len(labels), pixels, bands, measured)

    def finish(self, parts: Sequence[WrittenPart]) -> Manifest:
        """Write the manifest and return it, once all patches are written."""
        ordered = sorted(parts, key=lambda part: (SPLITS.index(part.split), part.first))
        by_split = {
            split: [one for part in ordered if part.split == split for one in part.figures]
            for split in SPLITS
        }
        of_labels: dict[str, list[BandStatistics]] = {
            split: self._label_statistics(figures) for split, figures in by_split.items()
        }
        manifest = Manifest(
            bands=list(self.bands),
            statistics=self._band_statistics(by_split["train"]),
            target=self.target.described_by(of_labels["train"]),
            pixels={split: self._pixels(figures) for split, figures in by_split.items()},
            counts=self.counts,
            dtype=self.dtype.name,
            file_format=self.file_format,
            export=self.export,
            dataset_id=self._content_hash(ordered),
            folds=[self._fold(number, ordered) for number in range(1, self.folds + 1)],
            label_statistics=of_labels,
        )
        manifest.save(self.folder)
        return manifest

    def _fold(self, number: int, parts: Sequence[WrittenPart]) -> Fold:
        figures = [one for part in parts for one in part.figures if one.fold == number]
        patches = sum(one.patches for one in figures)
        return Fold(
            patches,
            self._pixels(figures),
            self._band_statistics(figures),
            self._label_statistics(figures),
        )

    def _pixels(self, figures: Sequence[Figures]) -> list[int]:
        """Labelled pixels of every class."""
        nothing = np.zeros(len(self.target.counted), np.int64)
        return sum((one.pixels for one in figures), nothing).tolist()

    @property
    def _fold_file(self) -> ArrayFile:
        path, count = self.folder / "train" / FOLDS_NAME, self.counts["train"]
        return ArrayFile(path, (count,), np.dtype(np.uint8))

    @property
    def _chips(self) -> ChipWriter:
        return ChipWriter(
            folder=self.folder,
            bands=tuple(band.label for band in self.bands),
            target=self.target,
            dtype=self.dtype,
            value_range=self.value_range,
            region=self.export.region,
            crs=self.export.crs,
            size=self.size,
        )

    def _files(self, split: str) -> tuple[ArrayFile, ArrayFile]:
        shape = (self.counts[split], self.size, self.size)
        base = self.folder / split
        return (
            ArrayFile(base / "images.npy", (*shape, len(self.bands)), self.dtype),
            ArrayFile(base / "labels.npy", shape, self.target.codes.dtype),
        )

    def _band_statistics(self, figures: Sequence[Figures]) -> list[BandStatistics]:
        """Statistics of every band."""
        return joined_figures(len(self.bands), [one.bands for one in figures])

    def _label_statistics(self, figures: Sequence[Figures]) -> list[BandStatistics]:
        """Statistics of the measured labels."""
        layers = self.target.measured(np.zeros(0, self.target.codes.dtype)).shape[-1]
        return joined_figures(layers, [one.labels for one in figures])

    def _content_hash(self, parts: Sequence[WrittenPart]) -> str:
        """A hash of arrays, band names, days of a series and classes, independent of machine and
        format."""
        head = {
            "bands": [band.label for band in self.bands],
            "classes": self.target.hashed,
            "dtype": self.dtype.name,
            "counts": self.counts,
        }
        days = days_of(self.bands)
        if days:
            head["days"] = list(days)
        digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
        for part in parts:
            digest.update(b"".join(part.digests))
        # The division into parts depends on the number of processes.
        for part in parts if self.folds else ():
            digest.update(part.folds.tobytes())
        return digest.hexdigest()


def _digests(images: np.ndarray, labels: np.ndarray) -> list[bytes]:
    images, labels = (
        np.ascontiguousarray(one, one.dtype.newbyteorder("<")) for one in (images, labels)
    )
    digests = []
    for image, label in zip(images, labels, strict=True):
        digest = hashlib.sha256(image.data)
        digest.update(label.data)
        digests.append(digest.digest())
    return digests


def _sums(images: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Count, sum, sum of squares and of squared differences from the mean, of every patch and band.

    Args:
        images: (n, size, size, bands), 0 where NULL, which adds nothing to the sums.
        null: Cells that are NULL (n, size, size).

    Returns:
        (n, bands, 4) float64.
    """
    totals = images.sum(axis=(1, 2), dtype=np.float64)
    squares = np.square(images, dtype=np.float64).sum(axis=(1, 2))
    counts = np.count_nonzero(~null, axis=(1, 2))[:, np.newaxis] + np.zeros(totals.shape)
    differences = images - (totals / np.maximum(counts, 1))[:, np.newaxis, np.newaxis]
    differences[null] = 0
    differences = np.square(differences, out=differences).sum(axis=(1, 2))
    return np.stack([counts, totals, squares, differences], axis=-1)
