# SPDX-License-Identifier: GPL-2.0-or-later
"""`patches.gpkg`: the footprint of every patch, for GRASS, QGIS and other software."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.classes import ClassScheme
from .cell_outlines import outline_of_rectangle
from .manifest import SPLIT_COLORS

if TYPE_CHECKING:
    from osgeo import ogr

FOOTPRINTS_NAME = "patches.gpkg"
LAYER_NAME = "patches"

COLOR_COLUMN = "GRASSRGB"
"""Column of a feature's colour in GRASS."""


@dataclass(frozen=True)
class Footprint:
    """Place of one patch: its split, its place in the split's arrays, and its upper left cell."""

    split: str
    index: int
    row: int
    col: int
    shares: np.ndarray
    """Share of the patch's cells by class index; what is unlabelled or NULL is missing to 1."""
    fold: int = 0
    """Its fold; 0 for none."""


def write_footprints(
    folder: Path,
    footprints: Sequence[Footprint],
    classes: ClassScheme,
    size: int,
    region: dict[str, Any],
    crs: str,
) -> None:
    """Write `patches.gpkg` with one rectangle per patch.

    Args:
        folder: The dataset's folder.
        footprints: The patches.
        classes: Gives a column `share_VALUE` per class.
        size: Edge of a patch in cells.
        region: north, west, nsres, ewres of the grid in map units.
        crs: Coordinate reference system as WKT; "" for none.

    Raises:
        OSError: The file cannot be written.
    """
    from osgeo import ogr

    ogr.UseExceptions()
    try:
        source = ogr.GetDriverByName("GPKG").CreateDataSource(str(folder / FOOTPRINTS_NAME))
        with_folds = any(one.fold for one in footprints)
        layer = _create_layer(source, classes, crs, with_folds)
        layer.StartTransaction()
        for footprint in footprints:
            feature = ogr.Feature(layer.GetLayerDefn())
            split = footprint.split
            attributes = [split, SPLIT_COLORS[split], footprint.index, footprint.row, footprint.col]
            attributes += [footprint.fold] if with_folds else []
            for place, value in enumerate([*attributes, *footprint.shares.tolist()]):
                feature.SetField(place, value)
            outline = _outline_wkt(footprint, size, region)
            feature.SetGeometryDirectly(ogr.CreateGeometryFromWkt(outline))
            layer.CreateFeature(feature)
        layer.CommitTransaction()
        layer.SyncToDisk()
    except RuntimeError as error:
        # GDAL gives no error number, and often no reason.
        reason = str(error) or "no reason given"
        raise OSError(
            f"Footprints <{FOOTPRINTS_NAME}> cannot be written, is the disk full? ({reason})"
        ) from None


def _create_layer(
    source: ogr.DataSource, classes: ClassScheme, crs: str, with_folds: bool
) -> ogr.Layer:
    """The layer with its columns, whose names SQL leaves free, so that v.in.ogr takes them."""
    from osgeo import ogr, osr

    reference = osr.SpatialReference(wkt=crs) if crs else None
    layer = source.CreateLayer(LAYER_NAME, reference, ogr.wkbPolygon)
    for name in ("split", COLOR_COLUMN):
        layer.CreateField(ogr.FieldDefn(name, ogr.OFTString))
    for name in ("place", "row", "col", *(["fold"] if with_folds else [])):
        layer.CreateField(ogr.FieldDefn(name, ogr.OFTInteger))
    for value in classes.values:
        layer.CreateField(ogr.FieldDefn(f"share_{value}", ogr.OFTReal))
    return layer


def _outline_wkt(footprint: Footprint, size: int, region: dict[str, Any]) -> str:
    [corners] = outline_of_rectangle(footprint.row, size, footprint.col, size, region)
    return f"POLYGON (({', '.join(f'{x!r} {y!r}' for x, y in corners)}))"
