# SPDX-License-Identifier: GPL-2.0-or-later
"""`dataset.json`: everything that training must know about a folder of patches."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..bands import Band, BandStatistics
from ..classes import ClassScheme
from ..files import read_json, write_json
from ..texts import printable_json

MANIFEST_NAME = "dataset.json"
FORMAT_NAME = "i.dl patch dataset"
FORMAT_VERSION = 1

NPY, GEOTIFF = FILE_FORMATS = ("npy", "geotiff")

SPLITS = ("train", "val", "test")

SPLIT_COLORS = {"train": "0:114:178", "val": "230:159:0", "test": "204:121:167"}
"""Blue, orange and reddish purple, told apart by colour-blind readers (Okabe & Ito 2008)."""


@dataclass(frozen=True)
class Export:
    """How the patches were cut: enough to read the numbers, and `command` to cut them again.

    Attributes:
        size: Edge of a patch in cells.
        stride: Step between the patches of a grid in cells.
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

    size: int
    stride: int
    sampling: str
    split_method: str
    split_shares: tuple[float, ...]
    block_size: int
    buffer: float
    seed: int
    region: dict
    crs: str
    grass_version: str
    command: str
    project: str = ""


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
        write_json(folder / MANIFEST_NAME, content)

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read and check `dataset.json`.

        Raises:
            ValueError: Missing, damaged, or of another format version.
        """
        if not folder.is_dir():
            raise ValueError(f"Dataset folder <{folder}> not found")
        content = printable_json(read_json(folder / MANIFEST_NAME, "Dataset"))
        if content.get("format") != FORMAT_NAME:
            raise ValueError(f"<{folder / MANIFEST_NAME}> does not describe a patch dataset")
        if content.get("version") != FORMAT_VERSION:
            raise ValueError(
                f"Dataset <{folder}> has format version {content.get('version')}, this i.dl reads "
                f"version {FORMAT_VERSION}: cut it again with i.dl.patches"
            )
        try:
            return cls._from_json(content)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(
                f"Dataset <{folder}> has a damaged {MANIFEST_NAME} ({error}): "
                "cut it again with i.dl.patches"
            ) from None

    @classmethod
    def _from_json(cls, content: dict) -> Manifest:
        # Older datasets do not tell their project.
        told = {"project": "", **content}
        export = {name: told[name] for name in Export.__dataclass_fields__}
        export["split_shares"] = tuple(export["split_shares"])
        export["size"] = int(export["size"])
        for cell in ("nsres", "ewres"):
            if not float(export["region"][cell]) > 0:
                raise ValueError(f"{cell} of the region is not above 0")
        return cls(
            bands=[Band.from_json(item) for item in content["bands"]],
            statistics=[BandStatistics.from_json(item["statistics"]) for item in content["bands"]],
            classes=ClassScheme.from_json(content["classes"]),
            pixels={
                split: [int(item["pixels"][split]) for item in content["classes"]]
                for split in SPLITS
            },
            counts={split: int(content["counts"][split]) for split in SPLITS},
            dtype=np.dtype(str(content["dtype"])).name,
            file_format=str(content["file_format"]),
            export=Export(**export),
            dataset_id=str(content["id"]),
        )
