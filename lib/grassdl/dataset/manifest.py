# SPDX-License-Identifier: GPL-2.0-or-later
"""`dataset.json`: the description of a dataset of patches."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import numpy as np
from msgspec import Meta

from ..core.band_statistics import BandStatistics
from ..core.bands import Band, DType
from ..core.classes import ClassScheme
from ..core.dates import dates_mismatch
from ..core.patch_classes import PatchClasses
from ..core.schema import Above0, AtLeastOne, Count, Edge, Text, checked
from ..core.target import CLASSES, PATCH, ByTarget, Target
from ..core.values import ValueTarget
from ..io.folders import FolderKind
from ..io.json_records import write_json

MANIFEST_NAME = "dataset.json"
FORMAT_NAME = "i.dl patch dataset"
FORMAT_VERSION = 1
"""Later fields have defaults, so that the first datasets are read without migration."""

NPY, GEOTIFF = FILE_FORMATS = ("npy", "geotiff")

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

MOST_FOLDS = 100

DATASET_FOLDER = FolderKind(
    MANIFEST_NAME,
    FORMAT_NAME,
    (
        r"dataset\.json",
        r"overview\.png",
        # With the files of SQLite beside an open database.
        r"patches\.gpkg(-wal|-shm|-journal)?",
        r"(train|val|test)",
        r"(train|val|test)/(images|labels)(\.npy)?",
        r"train/folds\.npy",
        # With the statistics that GDAL writes beside an image.
        r"(train|val|test)/(images|labels)/r\d+_c\d+\.tif(\.aux\.xml)?",
    ),
)
"""Files of a dataset's folder, which --overwrite may remove."""

SPLIT_COLORS = {"train": "0:114:178", "val": "230:159:0", "test": "204:121:167"}
"""Blue, orange and reddish purple, which differ for colour-blind readers (Okabe & Ito 2008)."""


Position = Annotated[float, Meta(ge=-1e300, le=1e300)]
"""A coordinate in map units."""


class RegionRecord(TypedDict):
    """The computational region in the manifest; it may hold more."""

    north: Position
    south: Position
    east: Position
    west: Position
    nsres: Above0
    ewres: Above0
    rows: AtLeastOne
    cols: AtLeastOne


class PerSplit(TypedDict):
    """A count by split."""

    train: Count
    val: Count
    test: Count


@dataclass(frozen=True)
class Export:
    """How the patches were cut: enough to read the numbers, and `command` to cut them again.

    Attributes:
        size: Edge of a patch in cells.
        stride: Step between the patches of a grid in cells; 0 for other designs.
        sampling: Name of the sampling design.
        split_method: Name of the split scheme.
        split_shares: Wanted shares of train, val and test in percent.
        block_size: Edge of the blocks that are kept in one split, in cells; 0 without blocks.
        buffer: Least distance between two splits, in map units.
        seed: Seed of everything random.
        region: The computational region: north, south, east, west, nsres, ewres, rows, cols.
        crs: Coordinate reference system as WKT.
        grass_version: GRASS that made it.
        command: The call.
        project: Name of the GRASS project; "" if it is not known.
    """

    size: Edge
    stride: Count
    sampling: Text
    split_method: Text
    split_shares: Annotated[tuple[float, ...], Meta(max_length=100)]
    block_size: Count
    buffer: Annotated[float, Meta(ge=0, le=1e300)]
    seed: int
    region: dict[str, Any]
    crs: str
    grass_version: Text
    command: str
    project: Text = ""


@dataclass
class Fold:
    """A fold, a part of the patches of train and val, see `folds`.

    Attributes:
        patches: Number of patches.
        pixels: Labelled pixels by class, or range of values.
        statistics: Of every band, without NULLs.
        label_statistics: Of what `Target.measured` gives.
    """

    patches: int
    pixels: list[int]
    statistics: list[BandStatistics]
    label_statistics: list[BandStatistics] = field(default_factory=list)


@dataclass
class Manifest:
    """The content of `dataset.json`.

    Attributes:
        bands: Bands in the order of the arrays' last axis.
        statistics: Of every band over the training split, without NULLs.
        target: What is learnt: classes by index, or a value.
        pixels: Labelled pixels by split of every class of `Target.counted`.
        counts: Patches by split.
        dtype: NumPy dtype of the images.
        file_format: "npy" or "geotiff".
        export: How the patches were cut.
        dataset_id: Hash of the decoded arrays, bands and classes.
        folds: The first is the split val, the others are train; empty for a dataset without.
        label_statistics: Of what `Target.measured` gives, by split.
    """

    bands: list[Band]
    statistics: list[BandStatistics]
    target: Target
    pixels: dict[str, list[int]]
    counts: dict[str, int]
    dtype: str
    file_format: str
    export: Export
    dataset_id: str
    version: int = field(default=FORMAT_VERSION)
    folds: list[Fold] = field(default_factory=list)
    label_statistics: dict[str, list[BandStatistics]] = field(
        default_factory=lambda: {split: [] for split in SPLITS}
    )

    @property
    def classes(self) -> ClassScheme:
        """Classes by index.

        Raises:
            ValueError: The dataset is of values.
        """
        return self.target.scheme("The dataset")

    def save(self, folder: Path) -> None:
        """Write `dataset.json` into the dataset's folder."""
        bands = [
            {**band.to_json(), "statistics": one.to_json()}
            for band, one in zip(self.bands, self.statistics, strict=True)
        ]
        content = {
            "format": FORMAT_NAME,
            "version": self.version,
            "id": self.dataset_id,
            "file_format": self.file_format,
            "dtype": self.dtype,
            "counts": self.counts,
            "bands": bands,
            **_ON_DISK.of(self.target).written(self),
            **vars(self.export),
        }
        if self.folds:
            content["folds"] = [_fold_json(fold) for fold in self.folds]
        write_json(folder / MANIFEST_NAME, content)

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read and check `dataset.json`.

        Raises:
            ValueError: Missing, damaged, or of a newer format version.
        """
        content = DATASET_FOLDER.description(folder, "Dataset", FORMAT_VERSION)
        try:
            return cls._from_json(content)
        except ValueError as error:
            raise ValueError(
                f"Dataset <{folder}> has a damaged {MANIFEST_NAME} ({error}): "
                "cut it again with i.dl.patches"
            ) from None

    @classmethod
    def _from_json(cls, content: dict[str, Any]) -> Manifest:
        facts = checked(content, _Facts)
        export = checked(content, Export)
        _check_region(export.region)
        target, pixels, label_statistics = _ON_DISK.named(_kind(content)).read(content)
        bands = [Band.from_json(item) for item in content["bands"]]
        if wrong := dates_mismatch(bands):
            raise ValueError(wrong)
        return cls(
            bands=bands,
            statistics=[BandStatistics.from_json(item["statistics"]) for item in content["bands"]],
            target=target,
            pixels=pixels,
            counts={split: facts.counts[split] for split in SPLITS},
            dtype=facts.dtype,
            file_format=facts.file_format,
            export=export,
            dataset_id=facts.id,
            folds=_folds(facts, target),
            label_statistics=label_statistics,
        )


class _BandRecord(TypedDict):
    """Fields of a band besides those of `Band`."""

    statistics: dict[str, Any]


class _ClassRecord(TypedDict):
    """Fields of a class besides those of `MapClass`."""

    pixels: PerSplit


class _FoldRecord(TypedDict):
    """A fold, see `Fold`."""

    patches: Count
    pixels: list[Count]
    statistics: list[dict[str, Any]]
    label_statistics: NotRequired[list[dict[str, Any]]]


LabelFacts = tuple[Target, dict[str, list[int]], dict[str, list[BandStatistics]]]
"""Target, `Manifest.pixels` and `Manifest.label_statistics`."""


class _ClassesOnDisk:
    """Classes in `dataset.json`: a list, with the pixels of each."""

    @staticmethod
    def written(manifest: Manifest) -> dict[str, Any]:
        """The entries of the file."""
        classes = ClassScheme(manifest.classes).to_json()
        for item in classes:
            item["pixels"] = {split: manifest.pixels[split][item["index"]] for split in SPLITS}
        return {"classes": classes}

    @staticmethod
    def read(content: dict[str, Any]) -> LabelFacts:
        """The reverse; raises `ValueError`."""
        records = checked(content, _ClassRecords)["classes"]
        pixels: dict[str, list[int]] = {
            split: [one["pixels"][split] for one in records] for split in SPLITS
        }
        nothing: dict[str, list[BandStatistics]] = {split: [] for split in SPLITS}
        return ClassScheme.from_json(content["classes"]), pixels, nothing


class _PatchClassesOnDisk:
    """Classes of patches in `dataset.json`: as those of cells, and the kind of the target."""

    @staticmethod
    def written(manifest: Manifest) -> dict[str, Any]:
        """The entries of the file."""
        return {"target": {"kind": PATCH}, **_ClassesOnDisk.written(manifest)}

    @staticmethod
    def read(content: dict[str, Any]) -> LabelFacts:
        """The reverse; raises `ValueError`."""
        classes, pixels, nothing = _ClassesOnDisk.read(content)
        return PatchClasses(classes.counted), pixels, nothing


class _ValueOnDisk:
    """A value in `dataset.json`: an object, with pixels, statistics and quantiles by split."""

    @staticmethod
    def written(manifest: Manifest) -> dict[str, Any]:
        """The entries of the file."""
        statistics = {split: one for split, (one,) in manifest.label_statistics.items()}
        return {
            "target": {
                **manifest.target.to_json(),
                "pixels": manifest.pixels,
                "statistics": {split: one.to_json() for split, one in statistics.items()},
                "quantiles": {split: one.quantiles() for split, one in statistics.items()},
            }
        }

    @staticmethod
    def read(content: dict[str, Any]) -> LabelFacts:
        """The reverse; raises `ValueError`."""
        told = checked(content, _ValueRecords)["target"]
        target = ValueTarget.from_json(content["target"])
        pixels: dict[str, list[int]] = {split: told["pixels"][split] for split in SPLITS}
        if {len(one) for one in pixels.values()} != {len(target.counted)}:
            raise ValueError("the pixels of the target are not those of its ranges")
        statistics: dict[str, list[BandStatistics]] = {
            split: [BandStatistics.from_json(told["statistics"][split])] for split in SPLITS
        }
        return target, pixels, statistics


_ON_DISK: ByTarget[type[_ClassesOnDisk] | type[_ValueOnDisk] | type[_PatchClassesOnDisk]]
_ON_DISK = ByTarget(classes=_ClassesOnDisk, value=_ValueOnDisk, patch=_PatchClassesOnDisk)


class _ClassRecords(TypedDict):
    classes: list[_ClassRecord]


class _PixelsBySplit(TypedDict):
    train: list[Count]
    val: list[Count]
    test: list[Count]


class _StatisticsBySplit(TypedDict):
    train: dict[str, Any]
    val: dict[str, Any]
    test: dict[str, Any]


class _ValueRecord(TypedDict):
    pixels: _PixelsBySplit
    statistics: _StatisticsBySplit


class _ValueRecords(TypedDict):
    target: _ValueRecord


class _KindRecord(TypedDict):
    kind: Literal["classes", "value", "patch"]


class _TargetRecord(TypedDict):
    target: NotRequired[_KindRecord]


def _kind(content: dict[str, Any]) -> str:
    """The kind of the target; classes in older datasets, which do not record it."""
    told = checked(content, _TargetRecord)
    return told["target"]["kind"] if "target" in told else CLASSES


def _fold_json(fold: Fold) -> dict[str, Any]:
    """A fold for the file, with statistics of labels if there are any."""
    content = {**vars(fold), "statistics": [one.to_json() for one in fold.statistics]}
    labels = [one.to_json() for one in content.pop("label_statistics")]
    return {**content, **({"label_statistics": labels} if labels else {})}


@dataclass
class _Facts:
    """What `dataset.json` holds besides the export."""

    id: Text
    file_format: Text
    dtype: DType
    counts: PerSplit
    bands: Annotated[list[_BandRecord], Meta(min_length=1)]
    folds: Annotated[list[_FoldRecord], Meta(max_length=MOST_FOLDS)] = field(default_factory=list)


def _folds(facts: _Facts, target: Target) -> list[Fold]:
    """The folds, which must be those of the splits.

    Raises:
        ValueError: They are not.
    """
    folds = [
        Fold(
            one["patches"],
            one["pixels"],
            [BandStatistics.from_json(item) for item in one["statistics"]],
            [BandStatistics.from_json(item) for item in one.get("label_statistics", [])],
        )
        for one in facts.folds
    ]
    shapes = {(len(one.pixels), len(one.statistics), len(one.label_statistics)) for one in folds}
    layers = target.measured(np.zeros(0, target.codes.dtype)).shape[-1]
    if folds and (
        len(folds) < 2
        or shapes != {(len(target.counted), len(facts.bands), layers)}
        or folds[0].patches != facts.counts["val"]
        or sum(one.patches for one in folds[1:]) != facts.counts["train"]
    ):
        raise ValueError("its folds are not those of its patches")
    return folds


def _check_region(region: dict[str, Any]) -> None:
    edges = checked(region, RegionRecord)
    if edges["north"] <= edges["south"] or edges["east"] <= edges["west"]:
        raise ValueError("the region has no area")
