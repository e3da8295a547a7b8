# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches as georeferenced chips: a GeoTIFF of bands and one of labels for every patch."""

from __future__ import annotations

import math
import os
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.classes import UNLABELLED_INDEX, ClassScheme
from ..core.label_codes import LabelCodes
from ..core.schema import shortened
from ..core.target import ByTarget, Target
from ..core.values import ValueTarget

if TYPE_CHECKING:
    from osgeo import gdal

IMAGES = "images"
LABELS = "labels"

LEAST_DIGITS = 6
"""Digits of rows and columns in the chips' names."""

LARGEST_BLOCK = 256
"""Edge in cells of the tiles within a chip that is larger."""

GDAL_TYPES = {
    "uint8": "Byte",
    "uint16": "UInt16",
    "int16": "Int16",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}

WIDER = {"uint8": "int16", "uint16": "int32", "int16": "int32", "int32": "float64"}
"""The next type, for values that use their whole type and leave none for nodata."""

_NAME = re.compile(r"r\d+_c\d+\.tif")

LARGE_CHIP_BYTES = 1 << 26
"""Size from which on the file of a chip is checked to be large enough for its cells."""

MOST_PACKED = 1032
"""Largest compression ratio of DEFLATE."""


@dataclass(frozen=True)
class ChipWriter:
    """Writes chips; several processes may write into one folder, each with a copy.

    Attributes:
        folder: The dataset's folder.
        bands: Names of the bands.
        target: What the labels are.
        dtype: dtype of the images as they are read again.
        value_range: Lowest and highest value of all bands; None for floating types.
        region: north, west, nsres, ewres, rows, cols of the grid in map units.
        crs: Coordinate reference system as WKT; "" for none.
        size: Edge of a chip in cells.
    """

    folder: Path
    bands: tuple[str, ...]
    target: Target
    dtype: np.dtype
    value_range: tuple[float, float] | None
    region: dict[str, Any]
    crs: str
    size: int

    def write(
        self, split: str, positions: np.ndarray, images: np.ndarray, labels: np.ndarray
    ) -> None:
        """Write chips of a split.

        Args:
            split: "train", "val" or "test".
            positions: Row and column of the upper left cells, (n, 2).
            images: (n, size, size, bands); NULL where the labels are.
            labels: (n, size, size) as `Target.codes` has them.

        Raises:
            OSError: A file cannot be written.
        """
        for kind in (IMAGES, LABELS):
            (self.folder / split / kind).mkdir(parents=True, exist_ok=True)
        encoder, label_codes = _Encoder(self), self.target.codes
        for position, image, codes in zip(positions.tolist(), images, labels, strict=True):
            name = self.name(*position)
            null = label_codes.is_null(codes)
            labels_of_chip = np.where(null, codes.dtype.type(label_codes.unlabelled), codes)
            for kind, content in (
                (IMAGES, encoder.image(position, image, null)),
                (LABELS, encoder.labels(position, labels_of_chip)),
            ):
                (self.folder / split / kind / name).write_bytes(content)

    def name(self, row: int, col: int) -> str:
        """File name of a chip; the order of the names is that of rows and columns."""
        last = max(self.region["rows"], self.region["cols"])
        digits = max(LEAST_DIGITS, len(str(last)))
        return f"r{row:0{digits}}_c{col:0{digits}}.tif"


def storage(
    dtype: np.dtype, value_range: tuple[float, float] | None
) -> tuple[np.dtype, float | int]:
    """The dtype of image files and a nodata value that no cell has.

    Args:
        dtype: dtype of the values.
        value_range: Lowest and highest value; None for floating types.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return dtype, float("nan")
    limits = np.iinfo(dtype)
    if value_range is not None and value_range[1] < limits.max:
        return dtype, int(limits.max)
    if value_range is not None and value_range[0] > limits.min:
        return dtype, int(limits.min)
    wider = np.dtype(WIDER[dtype.name])
    return wider, float("nan") if wider.kind == "f" else int(np.iinfo(wider).min)


class _Encoder:
    """Makes the content of chip files.

    GDAL writes into memory and Python to the disk: a full disk then is an OSError with its number,
    where GDAL would report it at most when the file is closed.
    """

    def __init__(self, writer: ChipWriter):
        from osgeo import gdal, osr

        gdal.UseExceptions()
        osr.UseExceptions()
        self._writer = writer
        self._stored, self._nodata = storage(writer.dtype, writer.value_range)
        self._driver = gdal.GetDriverByName("GTiff")
        self._reference = osr.SpatialReference(wkt=writer.crs) if writer.crs else None
        self._describe_labels = _DESCRIBED.of(writer.target)(writer.target)
        # Names of files in memory are global in the process, and threads write in parallel.
        self._scratch = f"/vsimem/i_dl_{os.getpid()}_{threading.get_ident()}.tif"

    def image(self, position: Sequence[int], image: np.ndarray, null: np.ndarray) -> bytes:
        """The file of an image (size, size, bands), with nodata in all bands where `null`."""

        def describe(chip: gdal.Dataset) -> None:
            for place, name in enumerate(self._writer.bands, start=1):
                chip.GetRasterBand(place).SetDescription(name)
            chip.GetRasterBand(1).SetNoDataValue(self._nodata)

        values = image.astype(self._stored)
        self._check_nodata(values[~null])
        values[null] = self._nodata
        predictor = 3 if self._stored.kind == "f" else 2
        # Without these two, the fourth band of a chip of bytes becomes an alpha channel, and
        # other software drops what is dark there.
        options = [f"PREDICTOR={predictor}", "PHOTOMETRIC=MINISBLACK", "ALPHA=NO"]
        return self._file(position, values.transpose(2, 0, 1), options, describe)

    def _check_nodata(self, known: np.ndarray) -> None:
        """Refuse cells (n, bands) with the nodata value."""
        taken = (known == self._nodata).any(axis=0)
        if taken.any():
            raise ValueError(
                f"Band <{self._writer.bands[taken.argmax()]}> holds {self._nodata}, which no map "
                "has by its recorded range and is nodata in chips: correct the range with "
                "'r.support -s', or use format=npy"
            )

    def labels(self, position: Sequence[int], codes: np.ndarray) -> bytes:
        """The file of labels (size, size), with the classes' names and colours."""
        return self._file(position, codes[np.newaxis], [], self._describe_labels)

    def _file(
        self,
        position: Sequence[int],
        planes: np.ndarray,
        options: list[str],
        describe: Callable[[gdal.Dataset], None],
    ) -> bytes:
        from osgeo import gdal

        bands, rows, cols = planes.shape
        block = min(LARGEST_BLOCK, -(-rows // 16) * 16)
        layout = ["TILED=YES", f"BLOCKXSIZE={block}", f"BLOCKYSIZE={block}", "COMPRESS=DEFLATE"]
        # Band by band: to find NULL only the first one is decompressed.
        layout.append("INTERLEAVE=BAND")
        kind = gdal.GetDataTypeByName(GDAL_TYPES[planes.dtype.name])
        try:
            chip = self._driver.Create(self._scratch, cols, rows, bands, kind, layout + options)
            chip.SetGeoTransform(self._geotransform(*position))
            if self._reference:
                chip.SetSpatialRef(self._reference)
            describe(chip)
            chip.WriteRaster(0, 0, cols, rows, planes.tobytes())
            # GDAL completes the file when the last reference to it is gone.
            del chip
            return _content(self._scratch)
        finally:
            gdal.Unlink(self._scratch)

    def _geotransform(self, row: int, col: int) -> list[float]:
        region = self._writer.region
        west = region["west"] + col * region["ewres"]
        north = region["north"] - row * region["nsres"]
        return [west, region["ewres"], 0, north, 0, -region["nsres"]]


def _color_table(classes: ClassScheme) -> gdal.ColorTable:
    from osgeo import gdal

    table = gdal.ColorTable()
    for index, one in enumerate(classes):
        table.SetColorEntry(index, (*(round(255 * part) for part in one.rgb), 255))
    table.SetColorEntry(UNLABELLED_INDEX, (255, 255, 255, 0))
    return table


def _classes_described(classes: ClassScheme) -> Callable[[gdal.Dataset], None]:
    """What gives a chip of class indices the classes' names and colours."""
    colors = _color_table(classes)
    names = {f"class_{index}": one.full_name for index, one in enumerate(classes)}

    def describe(chip: gdal.Dataset) -> None:
        band = chip.GetRasterBand(1)
        band.SetColorTable(colors)
        band.SetNoDataValue(UNLABELLED_INDEX)
        # GDAL would put category names into a file of its own beside every chip.
        band.SetMetadata(names)

    return describe


def _value_described(value: ValueTarget) -> Callable[[gdal.Dataset], None]:
    """What gives a chip of values their name and units."""

    def describe(chip: gdal.Dataset) -> None:
        band = chip.GetRasterBand(1)
        band.SetDescription(value.name)
        band.SetUnitType(value.units)
        band.SetNoDataValue(math.nan)

    return describe


_DESCRIBED: ByTarget[Callable[[Any], Callable[[gdal.Dataset], None]]] = ByTarget(
    classes=_classes_described, value=_value_described
)


def _content(name: str) -> bytes:
    """The bytes of a file in GDAL's memory."""
    from osgeo import gdal

    file = gdal.VSIFOpenL(name, "rb")
    try:
        return bytes(gdal.VSIFReadL(1, gdal.VSIStatL(name).size, file))
    finally:
        gdal.VSIFCloseL(file)


class Chips(ABC):
    """Files of one split as a read-only array, each opened when it is indexed.

    Args:
        folder: Where the files are.
        names: Their names.
        shape: Shape of what is in one of them.
        dtype: dtype of what is read.
    """

    def __init__(
        self, folder: Path, names: Sequence[str], shape: tuple[int, ...], dtype: np.dtype | type
    ):
        self.folder = folder
        self.names = names
        self.shape = (len(names), *shape)
        self.dtype = np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, key: slice | np.ndarray) -> np.ndarray:
        """Some of the patches, chosen along the first axis.

        Raises:
            ValueError: A chip is missing, damaged, or other than the manifest says.
        """
        places = np.arange(len(self))[key]
        patches = np.empty((len(places), *self.shape[1:]), self.dtype)
        for place, patch in zip(places, patches, strict=True):
            patch[...] = self._read(self.names[place])
        return patches

    @abstractmethod
    def _read(self, name: str) -> np.ndarray:
        """The content of a file."""


class ChipImages(Chips):
    """Images (N, size, size, bands), 0 where NULL."""

    def check_first(self) -> None:
        """Refuse a shape that the first chip does not have, before memory is taken for it."""
        if self.names:
            _opened(self.folder / self.names[0], self.shape[1:], self._stored)

    @property
    def _stored(self) -> set[str]:
        return {self.dtype.name, WIDER.get(self.dtype.name, self.dtype.name)}

    def _read(self, name: str) -> np.ndarray:
        path = self.folder / name
        bands = range(1, self.shape[3] + 1)
        values, nodata = _read_planes(path, bands, self.shape[1:], self._stored)
        image = values.transpose(1, 2, 0)
        null = _is_nodata(image, nodata).any(axis=2, keepdims=True)
        known = np.where(null, 0, image)
        with np.errstate(invalid="ignore"):
            narrowed = known.astype(self.dtype)
        if known.dtype != self.dtype and (narrowed != known).any():
            raise ValueError(
                f"Dataset is damaged: <{path}> holds values beyond the type {self.dtype} of the "
                "manifest"
            )
        return narrowed


class ChipLabels(Chips):
    """Labels (N, size, size).

    Args:
        codes: Their encoding in arrays.
        images: The images of the same patches, which distinguish NULL from unlabelled.
    """

    def __init__(self, folder: Path, images: ChipImages, codes: LabelCodes):
        super().__init__(folder, images.names, images.shape[1:3], codes.dtype)
        self.images = images
        self.codes = codes

    def _read(self, name: str) -> np.ndarray:
        shape = (*self.shape[1:], 1)
        planes, _ = _read_planes(self.folder / name, [1], shape, {self.dtype.name})
        codes = planes[0].copy()
        unlabelled = self.codes.is_unlabelled(codes)
        # Only read for chips with such cells.
        if unlabelled.any():
            codes[unlabelled & self._null(name)] = self.codes.null
        return codes

    def _null(self, name: str) -> np.ndarray:
        path, images = self.images.folder / name, self.images
        planes, nodata = _read_planes(path, [1], images.shape[1:], images._stored)
        return _is_nodata(planes[0], nodata)


def open_chips(
    folder: Path, count: int, size: int, bands: int, dtype: np.dtype, codes: LabelCodes
) -> tuple[ChipImages, ChipLabels]:
    """Images (count, size, size, bands) and labels (count, size, size) of a split.

    Args:
        folder: The split's folder.
        count: How many patches there must be.
        size: Edge of a patch in cells.
        bands: Number of bands.
        dtype: dtype of the images.
        codes: The encoding of labels in arrays.

    Raises:
        ValueError: Chips are missing, there are too many, or the head of the first is another one.
            What else is in them shows when they are read.
    """
    names = _chip_names(folder / IMAGES, count)
    lonely = sorted(set(names) ^ set(_chip_names(folder / LABELS, count)))
    if lonely:
        raise ValueError(
            f"Dataset is incomplete: <{lonely[0]}> is not in both of <{folder / IMAGES}> and "
            f"<{folder / LABELS}>"
        )
    images = ChipImages(folder / IMAGES, names, (size, size, bands), dtype)
    images.check_first()
    return images, ChipLabels(folder / LABELS, images, codes)


def _chip_names(folder: Path, count: int) -> list[str]:
    """Names of the chips in their order; what other software left beside them does not count."""
    found = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    names = sorted(filter(_NAME.fullmatch, found))
    if len(names) != count:
        what = "is incomplete" if len(names) < count else "is damaged"
        raise ValueError(
            f"Dataset {what}: <{folder}> holds {len(names)} chips, the manifest says {count}"
        )
    return names


def _read_planes(
    path: Path, bands: Sequence[int], shape: tuple[int, ...], dtypes: set[str]
) -> tuple[np.ndarray, float | None]:
    """Bands (counted from 1) of a chip as (bands, rows, cols), and its nodata value.

    Args:
        path: The file.
        bands: Which bands to read.
        shape: Rows, columns and number of bands that it must have.
        dtypes: Names of the dtypes that it may have.
    """
    try:
        chip = _opened(path, shape, dtypes)
        rows, cols, _ = shape
        content = chip.ReadRaster(0, 0, cols, rows, band_list=list(bands))
        first = chip.GetRasterBand(1)
        planes = np.frombuffer(content, _numpy_name(first)).reshape(len(bands), rows, cols)
        return planes, first.GetNoDataValue()
    except RuntimeError as error:
        raise _unreadable(path, error) from None


def _opened(path: Path, shape: tuple[int, ...], dtypes: set[str]) -> gdal.Dataset:
    """A chip, of which only the head was read; arguments as of `_read_planes`."""
    from osgeo import gdal

    gdal.UseExceptions()
    try:
        # Named drivers keep out what only claims to be a GeoTIFF; without its siblings' names GDAL
        # would list the folder at every chip.
        chip = gdal.OpenEx(
            str(path), gdal.OF_RASTER, allowed_drivers=["GTiff"], sibling_files=[path.name]
        )
    except RuntimeError as error:
        raise _unreadable(path, error) from None
    _check_chip(path, chip, shape, dtypes)
    return chip


def _unreadable(path: Path, error: RuntimeError) -> ValueError:
    if not path.exists():
        return ValueError(f"Dataset is incomplete: <{path}> is missing")
    # Newer versions of GDAL append the causes, a line each.
    return ValueError(f"Dataset is damaged: <{path}> cannot be read ({shortened(error)})")


def _check_chip(path: Path, chip: gdal.Dataset, shape: tuple[int, ...], dtypes: set[str]) -> None:
    found = chip.RasterYSize, chip.RasterXSize, chip.RasterCount
    kind = _numpy_name(chip.GetRasterBand(1)) if chip.RasterCount else None
    if found != tuple(shape) or kind not in dtypes:
        raise ValueError(
            f"Dataset is damaged: <{path}> holds {kind} {found}, "
            f"the manifest says {' or '.join(sorted(dtypes))} {tuple(shape)}"
        )
    promised, held = math.prod(found) * np.dtype(kind).itemsize, path.stat().st_size
    if promised > max(LARGE_CHIP_BYTES, MOST_PACKED * held):
        raise ValueError(
            f"Dataset is damaged: <{path}> has {held} bytes, which cannot hold {kind} {found}"
        )


def _numpy_name(band: gdal.Band) -> str | None:
    """Name of the dtype of a band; None for one that no chip has."""
    from osgeo import gdal

    name = gdal.GetDataTypeName(band.DataType)
    return next((ours for ours, theirs in GDAL_TYPES.items() if theirs == name), None)


def _is_nodata(values: np.ndarray, nodata: float | None) -> np.ndarray:
    if nodata is None:
        return np.zeros(values.shape, bool)
    return np.isnan(values) if np.isnan(nodata) else values == nodata
