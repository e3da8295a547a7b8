# SPDX-License-Identifier: GPL-2.0-or-later
"""`dataset.json`: everything that training must know about a folder of patches."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from ..core.band_statistics import BandStatistics
from ..core.bands import Band, DType
from ..core.classes import ClassScheme
from ..core.schema import Above0, AtLeastOne, Count, Edge, Text, checked
from ..io.folders import FolderKind
from ..io.json_records import write_json

MANIFEST_NAME = "dataset.json"
FORMAT_NAME = "i.dl patch dataset"
FORMAT_VERSION = 1
"""Fields that came later have defaults, so that the first datasets are read as they are."""

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
        # With what SQLite leaves beside it while a program has it open.
        r"patches\.gpkg(-wal|-shm|-journal)?",
        r"(train|val|test)",
        r"(train|val|test)/(images|labels)(\.npy)?",
        r"train/folds\.npy",
        # With the statistics that GDAL writes beside an image.
        r"(train|val|test)/(images|labels)/r\d+_c\d+\.tif(\.aux\.xml)?",
    ),
)
"""What a dataset's folder holds, and --overwrite may therefore remove."""

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
    """What the manifest tells of a fold: a part of the patches of train and val, see `folds`.

    Attributes:
        patches: Number of patches.
        pixels: Labelled pixels by class.
        statistics: Of every band, without NULLs.
    """

    patches: int
    pixels: list[int]
    statistics: list[BandStatistics]


@dataclass
class Manifest:
    """The content of `dataset.json`.

    Attributes:
        bands: Bands in the order of the arrays' last axis.
        statistics: Of every band over the training split, without NULLs.
        classes: Classes by index.
        pixels: Labelled pixels of every class by split.
        counts: Patches by split.
        dtype: NumPy dtype of the images.
        file_format: "npy" or "geotiff".
        export: How the patches were cut.
        dataset_id: Hash of the decoded arrays, bands and classes.
        folds: The first is the split val, the others are train; empty for a dataset without.
    """

    bands: list[Band]
    statistics: list[BandStatistics]
    classes: ClassScheme
    pixels: dict[str, list[int]]
    counts: dict[str, int]
    dtype: str
    file_format: str
    export: Export
    dataset_id: str
    version: int = field(default=FORMAT_VERSION)
    folds: list[Fold] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write `dataset.json` into the dataset's folder."""
        classes = self.classes.to_json()
        for item in classes:
            item["pixels"] = {split: self.pixels[split][item["index"]] for split in SPLITS}
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
            "classes": classes,
            **vars(self.export),
        }
        if self.folds:
            content["folds"] = [
                {**vars(fold), "statistics": [one.to_json() for one in fold.statistics]}
                for fold in self.folds
            ]
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
        return cls(
            bands=[Band.from_json(item) for item in content["bands"]],
            statistics=[BandStatistics.from_json(item["statistics"]) for item in content["bands"]],
            classes=ClassScheme.from_json(content["classes"]),
            pixels={split: [one["pixels"][split] for one in facts.classes] for split in SPLITS},
            counts={split: facts.counts[split] for split in SPLITS},
            dtype=facts.dtype,
            file_format=facts.file_format,
            export=export,
            dataset_id=facts.id,
            folds=_folds(facts),
        )


class _BandRecord(TypedDict):
    """What a band has besides what it is."""

    statistics: dict[str, Any]


class _ClassRecord(TypedDict):
    """What a class has besides what it is."""

    pixels: PerSplit


class _FoldRecord(TypedDict):
    """A fold, see `Fold`."""

    patches: Count
    pixels: list[Count]
    statistics: list[dict[str, Any]]


@dataclass
class _Facts:
    """What `dataset.json` holds besides the export."""

    id: Text
    file_format: Text
    dtype: DType
    counts: PerSplit
    bands: Annotated[list[_BandRecord], Meta(min_length=1)]
    classes: list[_ClassRecord]
    folds: Annotated[list[_FoldRecord], Meta(max_length=MOST_FOLDS)] = field(default_factory=list)


def _folds(facts: _Facts) -> list[Fold]:
    """The folds, which must be those of the splits.

    Raises:
        ValueError: They are not.
    """
    folds = [
        Fold(
            one["patches"],
            one["pixels"],
            [BandStatistics.from_json(item) for item in one["statistics"]],
        )
        for one in facts.folds
    ]
    shapes = {(len(one.pixels), len(one.statistics)) for one in folds}
    if folds and (
        len(folds) < 2
        or shapes != {(len(facts.classes), len(facts.bands))}
        or folds[0].patches != facts.counts["val"]
        or sum(one.patches for one in folds[1:]) != facts.counts["train"]
    ):
        raise ValueError("its folds are not those of its patches")
    return folds


def _check_region(region: dict[str, Any]) -> None:
    edges = checked(region, RegionRecord)
    if edges["north"] <= edges["south"] or edges["east"] <= edges["west"]:
        raise ValueError("the region has no area")
