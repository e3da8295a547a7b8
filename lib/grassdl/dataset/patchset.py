# SPDX-License-Identifier: GPL-2.0-or-later
"""A patch dataset as a whole: opened, and joined with others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..core.band_statistics import BandStatistics
from ..core.bands import OBSERVED, Band, names_mismatch, number_of_dates
from ..core.classes import MAX_CLASSES, NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from ..core.colors import are_alike, were_chosen
from ..core.dates import days_of, far_dates, of_date
from ..core.label_codes import CLASS_CODES, LabelCodes
from ..core.schema import shortened
from ..core.target import ByTarget
from ..core.text import listed
from ..core.values import ValueTarget
from ..io.folders import folders_named
from .areas import overlap
from .geotiff import ChipImages, ChipLabels, open_chips
from .manifest import FILE_FORMATS, GEOTIFF, NPY, SPLITS, Manifest
from .npy import read_array

Item = TypeVar("Item")

LABELS_AT_ONCE = 1 << 24
"""Cells whose labels are checked at a time."""


@dataclass(frozen=True)
class PatchSet:
    """An opened dataset; arrays stay on disk until they are indexed."""

    folder: Path
    manifest: Manifest

    @property
    def fold(self) -> int | None:
        """The fold that validates, of a view of a dataset; None for the dataset as it is."""
        return None

    def regrouped(self, by_split: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What belongs to each patch, by the splits of this view instead of those on disk."""
        return by_split

    @classmethod
    def open(cls, folder: str | Path) -> PatchSet:
        """Open a dataset and check that it is whole.

        Of GeoTIFF chips only the header of the first is checked; the others when they are read.

        Raises:
            ValueError: Without name, missing, damaged, truncated, or of a newer format version.
        """
        if not str(folder).strip():
            raise ValueError("A name of a dataset is empty: separate names by one comma each")
        folder = Path(folder).expanduser()
        patch_set = cls(folder, Manifest.load(folder))
        for split in SPLITS:
            patch_set.arrays(split)
        return patch_set

    def arrays(self, split: str) -> tuple[np.ndarray, np.ndarray] | tuple[ChipImages, ChipLabels]:
        """Images (N, size, size, bands) and labels (N, size, size) of a split.

        They are read from disk as they are indexed: by slices or arrays of places.

        Raises:
            ValueError: Missing, damaged, or of a file format this i.dl does not know.
        """
        manifest = self.manifest
        count, size, bands = manifest.counts[split], manifest.export.size, len(manifest.bands)
        dtype, folder = np.dtype(manifest.dtype), self.folder / split
        if manifest.file_format == NPY:
            shape = (count, size, size)
            images = read_array(folder / "images.npy", (*shape, bands), dtype)
            return images, read_array(folder / "labels.npy", shape, manifest.target.codes.dtype)
        if manifest.file_format == GEOTIFF:
            return open_chips(folder, count, size, bands, dtype, manifest.target.codes)
        found = shortened(manifest.file_format)
        raise ValueError(
            f"Dataset <{self.folder}> has the file format <{found}>, this i.dl reads "
            f"{' and '.join(FILE_FORMATS)}: cut it again with i.dl.patches"
        )

    def patches(
        self, split: str, bands: list[int] | None = None, joined_index: np.ndarray | None = None
    ) -> PatchArrays:
        """The patches of a split, for `reader.PatchReader`.

        Args:
            split: "train", "val" or "test".
            bands: Places of the bands that are wanted; None for all.
            joined_index: Label code that is wanted by label code of this dataset, (256,) uint8;
                None for its own codes.

        Raises:
            ValueError: As `arrays`.
        """
        images, labels = self.arrays(split)
        target = self.manifest.target
        how = joined_index, bands, target.codes, target.outputs
        return PatchArrays(images, labels, self.folder, *how)

    def check_labels(self) -> None:
        """Check the labels of all patches before a training.

        Raises:
            ValueError: See `PatchArrays.own_labels`.
        """
        step = max(1, LABELS_AT_ONCE // self.manifest.export.size**2)
        for split in SPLITS:
            patches = self.patches(split)
            for first in range(0, len(patches), step):
                patches.own_labels(slice(first, first + step))


@dataclass(frozen=True)
class PatchArrays:
    """The patches of one dataset and split, on disk; `reader.PatchReader` reads them."""

    images: np.ndarray | ChipImages
    labels: np.ndarray | ChipLabels
    folder: Path
    """Folder of the dataset."""
    joined_index: np.ndarray | None = None
    """Label code of the joined datasets by label code of this one, (256,) uint8; None if labels
    are unchanged."""
    bands: list[int] | None = None
    """Indices of the bands that are read; None for all."""
    codes: LabelCodes = CLASS_CODES
    """The encoding of labels in the arrays."""
    outputs: int = MAX_CLASSES
    """Number of the dataset's classes, whose label codes begin with 0; 1 of a value."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and bands of a patch."""
        *size, bands = self.images.shape[1:]
        return *size, bands if self.bands is None else len(self.bands)

    def read(self, places: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, size, size, bands) and label codes (n, size, size) of some patches."""
        images = self.images[places]
        if self.bands is not None:
            images = images[..., self.bands]
        labels = self.own_labels(places)
        return images, labels if self.joined_index is None else self.joined_index[labels]

    def own_labels(self, places: np.ndarray | slice) -> np.ndarray:
        """The dataset's own labels (n, size, size) of some patches.

        Raises:
            ValueError: A patch is missing or damaged, or one of its labels cannot be.
        """
        labels = self.labels[places]
        fault = self.codes.fault(labels, self.outputs)
        if fault:
            raise ValueError(
                f"Dataset <{self.folder}> is damaged: {fault}: cut it again with i.dl.patches"
            )
        return labels


def open_datasets(names: str) -> list[PatchSet]:
    """The datasets of one folder, or of several that are separated by commas.

    Raises:
        ValueError: See `PatchSet.open`; or one is named twice, and its patches would count twice.
    """
    datasets = [PatchSet.open(folder) for folder in folders_named(names)]
    places = [one.folder.resolve() for one in datasets]
    for one, place in zip(datasets, places, strict=True):
        if places.count(place) > 1:
            raise ValueError(f"Dataset <{one.folder}> is named twice: name each of them once")
    return datasets


def datasets_to_train_on(names: str) -> list[PatchSet]:
    """The same, with all labels checked; raises also what `PatchSet.check_labels` does."""
    datasets = open_datasets(names)
    for one in datasets:
        one.check_labels()
    return datasets


class JoinedPatchSets:
    """Several datasets with the same bands as one.

    An area need not hold every class: the classes are the union over the datasets. Those whose
    values are only numbers of texts are the same if their texts are.

    Args:
        patch_sets: At least one dataset.
        bands: Names, as in the first dataset, of the bands to use; None for all. They keep the
            order of the datasets, so that the same maps serve a model with or without a band. Of a
            band all dates are used, and what tells where dates of a series are missing stays.

    Raises:
        ValueError: Bands, labels of a class, patch size or resolution differ, or a name is unknown
            or given twice.
    """

    def __init__(self, patch_sets: Sequence[PatchSet], bands: Sequence[str] | None = None):
        self.patch_sets = list(patch_sets)
        self.chosen_bands = bands
        first = self.patch_sets[0]
        # Every pair: the second and third may disagree about a class that the first lacks.
        for one, other in combinations(self.patch_sets, 2):
            _check_alike(one, other)
        self._band_places = None if bands is None else _places(bands, first.manifest.bands)
        self.bands = self._chosen(first.manifest.bands)
        self._labels = _LABELS.of(first.manifest.target)(self.patch_sets)
        self.target = self._labels.target
        self.size = first.manifest.export.size
        self.resolution = resolution_of(first.manifest)

    @property
    def fold(self) -> int | None:
        """The fold that validates; None for datasets as they are."""
        return self.patch_sets[0].fold

    @property
    def classes(self) -> ClassScheme:
        """The classes of all datasets.

        Raises:
            ValueError: They are of values.
        """
        return self.target.scheme("The input")

    @property
    def ids(self) -> list[str]:
        """Content hashes of the datasets."""
        return [one.manifest.dataset_id for one in self.patch_sets]

    @property
    def dates(self) -> int:
        """Number of dates of the bands."""
        return number_of_dates(self.bands)

    @property
    def days(self) -> tuple[int, ...] | None:
        """Days of the dates of a series; None for bands that are none."""
        return days_of(self.bands)

    @property
    def statistics(self) -> list[BandStatistics]:
        """Statistics of every band over all training splits."""
        per_set = [self._chosen(one.manifest.statistics) for one in self.patch_sets]
        return [reduce(BandStatistics.merge, parts) for parts in zip(*per_set, strict=True)]

    def overlaps(self) -> list[str]:
        """A sentence about datasets that overlap, so that their splits may share cells, if any."""
        pairs = [
            f"<{one.folder}> and <{other.folder}>"
            for one, other in combinations(self.patch_sets, 2)
            if overlap(one.manifest, other.manifest)
        ]
        if not pairs:
            return []
        which = pairs[0] if len(pairs) == 1 else f"in {len(pairs)} pairs, such as {pairs[0]},"
        return [
            f"Datasets {which} overlap: a cell may be for training in one and for validation or "
            "test in the other, and the scores too high"
        ]

    def far_dates(self) -> list[str]:
        """Sentences about datasets of a series whose dates lie far off those of the first, or in
        another season."""
        first = f"<{self.patch_sets[0].folder}>"
        return [
            sentence
            for one in self.patch_sets[1:]
            for sentence in far_dates(
                self.bands, one.manifest.bands, f"dataset <{one.folder}>", first
            )
        ]

    def contradictions(self) -> list[str]:
        """Sentences about labels that may not mean the same in all datasets."""
        return self._labels.contradictions()

    def renumbered(self) -> list[str]:
        """Sentences about class values that differ from those in their dataset."""
        return self._labels.renumbered()

    def count(self, split: str) -> int:
        """Patches of a split."""
        return sum(one.manifest.counts[split] for one in self.patch_sets)

    def pixels(self, split: str) -> np.ndarray:
        """Labelled pixels of a split by class; of a value all together, (1,)."""
        return self._labels.pixels(split)

    def arrays(self, split: str) -> list[PatchArrays]:
        """The patches of every dataset that has some of this split."""
        return [
            one.patches(split, self._band_places, self._labels.joined_index(one))
            for one in self.patch_sets
            if one.manifest.counts[split]
        ]

    def _chosen(self, of_bands: list[Item]) -> list[Item]:
        """The items of the used bands, of a list with one item per band."""
        if self._band_places is None:
            return of_bands
        return [of_bands[place] for place in self._band_places]


class _JoinedClasses:
    """The labels of several datasets of classes.

    Args:
        patch_sets: The datasets.
    """

    def __init__(self, patch_sets: Sequence[PatchSet]):
        self.patch_sets = patch_sets
        first, *others = (one.manifest.classes for one in patch_sets)
        self.target = first.joined(others)

    def contradictions(self) -> list[str]:
        """A sentence about unlabelled classes that may differ in meaning, if any.

        Every pair: the second and third may disagree about a class that the first lacks.
        """
        differing = {
            own.value: f"{own.color} in <{one.folder}>, {their.color} in <{other.folder}>"
            for one, other in combinations(self.patch_sets, 2)
            for own, their in _shared(one.manifest.classes, other.manifest.classes)
            if _contradict(own, their)
        }
        if not differing:
            return []
        value, colors = next(iter(differing.items()))
        more = f" (and {len(differing) - 1} more)" if len(differing) > 1 else ""
        return [
            f"Class {value}{more} has no label and different colours, {colors}: if its number does "
            "not mean the same there, label the classes (r.category) and cut the datasets again"
        ]

    def renumbered(self) -> list[str]:
        """Sentences about datasets whose texts have other class values than in the joined ones."""
        sentences = []
        for one in self.patch_sets:
            classes = one.manifest.classes
            pairs = zip(classes, self.target.values[self._indices(one)].tolist(), strict=True)
            changed = [
                f"{own.value} <{own.label}> is {value}"
                for own, value in pairs
                if own.value != value
            ]
            if changed:
                sentences.append(
                    f"Equal texts are one class: of dataset <{one.folder}>, {', '.join(changed)}"
                )
        return sentences

    def pixels(self, split: str) -> np.ndarray:
        """See `JoinedPatchSets.pixels`."""
        counted = np.zeros(len(self.target), np.int64)
        for one in self.patch_sets:
            np.add.at(counted, self._indices(one), one.manifest.pixels[split])
        return counted

    def joined_index(self, patch_set: PatchSet) -> np.ndarray | None:
        """See `PatchArrays.joined_index`."""
        joined_index = np.full(256, UNLABELLED_INDEX, np.uint8)
        joined_index[NULL_INDEX] = NULL_INDEX
        joined_index[: len(patch_set.manifest.classes)] = self._indices(patch_set)
        return joined_index

    def _indices(self, patch_set: PatchSet) -> np.ndarray:
        return self.target.places_of(patch_set.manifest.classes)


class _JoinedValues:
    """The labels of several datasets of a value, which are unchanged.

    Args:
        patch_sets: The datasets.
    """

    def __init__(self, patch_sets: Sequence[PatchSet]):
        self.patch_sets = patch_sets
        first, *others = (one.manifest.target for one in patch_sets)
        statistics = [one.manifest.label_statistics["train"] for one in patch_sets]
        layers = zip(*statistics, strict=True)
        merged = [reduce(BandStatistics.merge, parts) for parts in layers]
        self.target = first.joined(others).described_by(merged)

    def contradictions(self) -> list[str]:
        """None, since units are compared."""
        return []

    def renumbered(self) -> list[str]:
        """None."""
        return []

    def pixels(self, split: str) -> np.ndarray:
        """See `JoinedPatchSets.pixels`."""
        return np.array([sum(sum(one.manifest.pixels[split]) for one in self.patch_sets)])

    def joined_index(self, patch_set: PatchSet) -> None:
        """None: labels are unchanged."""


_LABELS: ByTarget[type[_JoinedClasses] | type[_JoinedValues]] = ByTarget(
    classes=_JoinedClasses, value=_JoinedValues
)


def _places(names: Sequence[str], bands: Sequence[Band]) -> list[int]:
    """Indices of the named bands, ascending."""
    known = [band.name for band in of_date(bands, 0)]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"The datasets have no band <{listed(unknown)}>, only {listed(known)}")
    if len(set(names)) < len(names):
        raise ValueError(f"<bands> names a band twice: {listed(names)}")
    observed = {band.name for band in bands if band.derivation == OBSERVED}
    if observed and observed.issuperset(names):
        raise ValueError(
            f"<bands> names no band but <{OBSERVED}>, which stays by itself: name others"
        )
    chosen = {*names, *observed}
    return [place for place, band in enumerate(bands) if band.name in chosen]


def resolution_of(manifest: Manifest) -> tuple[float, float]:
    """Height and width of the patches' cells in map units."""
    region = manifest.export.region
    return region["nsres"], region["ewres"]


def _check_alike(first: PatchSet, other: PatchSet) -> None:
    one, two = first.manifest, other.manifest
    wrong = names_mismatch(one.bands, two.bands)
    if wrong is None and one.target.kind != two.target.kind:
        wrong = f"one is of {one.target.summary}, the other of {two.target.summary}"
    if wrong is None:
        wrong = _CONFLICT.of(one.target)(one.target, two.target)
    if wrong is None and one.export.size != two.export.size:
        wrong = f"patches of {one.export.size} and {two.export.size} cells do not mix"
    for cell, other_cell in zip(resolution_of(one), resolution_of(two), strict=True):
        if wrong is None and abs(other_cell / cell - 1) > 0.1:
            wrong = f"resolutions {cell:g} and {other_cell:g} do not mix"
    if wrong:
        raise ValueError(f"Dataset <{other.folder}> does not fit <{first.folder}>: {wrong}")


def _shared(one: ClassScheme, two: ClassScheme) -> Iterator[tuple[MapClass, MapClass]]:
    """The classes of equal value of two schemes."""
    by_value = {own.value: own for own in one}
    return ((by_value[other.value], other) for other in two if other.value in by_value)


def _contradict(one: MapClass, other: MapClass) -> bool:
    """Whether two classes of equal value and label may differ in meaning.

    Without labels only the value identifies a class, and different chosen colours are a sign of
    different classes.
    """
    has_label = one.label != str(one.value)
    return (
        not has_label
        and were_chosen(one.color, other.color)
        and not are_alike(one.color, other.color)
    )


def _label_conflict(one: ClassScheme, two: ClassScheme) -> str | None:
    # The class value of a text has no meaning.
    labels = {own.value: own.label for own in one if not own.numbered}
    for other in two:
        if not other.numbered and labels.get(other.value, other.label) != other.label:
            return (
                f"class {other.value} is <{labels[other.value]}> and <{other.label}>: give equal "
                "classes equal values, or take a column of texts, which are matched by themselves"
            )
    return None


_CONFLICT: ByTarget[Callable[[Any, Any], str | None]] = ByTarget(
    classes=_label_conflict, value=ValueTarget.difference
)
"""Why the labels of two datasets do not mix, or None."""
