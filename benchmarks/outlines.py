# SPDX-License-Identifier: GPL-2.0-or-later
"""What right angles do to outlines of cells: the footprints of Alexandria, and the demo's roofs.

Footprints become cells, as a perfect map would have them, whose outlines are drawn with right
angles. Corners are those of a building; intersections over union are those with the footprint,
where there is one, and with the cells.

    python benchmarks/outlines.py [--data FOLDER]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import shapely
from osgeo import gdal, ogr, osr
from records import record

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "demo"), str(CHECKOUT / "lib")]
from scene import make_scene  # noqa: E402

from grassdl.core.outlines import right_angled  # noqa: E402

DATA = CHECKOUT.parent / "shared" / "data" / "alexandria"
RESOLUTIONS = (0.25, 0.5, 1.0)
LEAST_CELLS = 20
ROOF = 4


def footprints(path: Path) -> list[shapely.Polygon]:
    """The footprints in metres (UTM zone 18 north)."""
    metres = osr.SpatialReference()
    metres.ImportFromEPSG(32618)
    metres.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    found = []
    source = ogr.Open(str(path))
    for feature in source.GetLayer():
        shape = feature.GetGeometryRef()
        shape.TransformTo(metres)
        polygon = shapely.from_wkb(bytes(shape.ExportToWkb()))
        found += [part for part in shapely.get_parts(polygon) if part.is_valid]
    return found


def as_cells(outline: shapely.Polygon, cell: float) -> shapely.Geometry:
    """The outline of the cells whose centres are inside."""
    west, south, east, north = outline.bounds
    x = np.arange(np.floor(west / cell), np.ceil(east / cell)) * cell
    y = np.arange(np.floor(south / cell), np.ceil(north / cell)) * cell
    x, y = (one.ravel() for one in np.meshgrid(x, y))
    inside = shapely.contains_xy(outline, x + cell / 2, y + cell / 2)
    x, y = x[inside], y[inside]
    return shapely.union_all(shapely.box(x, y, x + cell, y + cell))


def outlines_of(mask: np.ndarray, cell: float) -> list[shapely.Polygon]:
    """The outlines of the connected areas of a map."""
    rows, cols = mask.shape
    raster = gdal.GetDriverByName("MEM").Create("", cols, rows, 1, gdal.GDT_Byte)
    raster.SetGeoTransform((0, cell, 0, rows * cell, 0, -cell))
    raster.GetRasterBand(1).WriteRaster(0, 0, cols, rows, mask.astype(np.uint8).tobytes())
    source = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = source.CreateLayer("areas", None, ogr.wkbPolygon)
    gdal.Polygonize(raster.GetRasterBand(1), raster.GetRasterBand(1), layer, -1)
    return [shapely.from_wkb(bytes(one.GetGeometryRef().ExportToWkb())) for one in layer]


def iou(one: shapely.Geometry, other: shapely.Geometry) -> float:
    return shapely.intersection(one, other).area / shapely.union(one, other).area


def measure(cells: list[shapely.Polygon], cell: float, true: list[shapely.Polygon]) -> dict:
    """The figures of outlines of cells, and of the footprints that they are of, if known."""
    found = right_angled([shapely.to_geojson(one) for one in cells], [True] * len(cells), cell)
    drawn = shapely.from_geojson(found.outlines)
    with_footprint = {
        f"iou_footprint_{when}": float(np.mean(list(map(iou, shapes, true))))
        for when, shapes in (("before", cells), ("after", drawn))
        if true
    }
    return {
        "buildings": len(cells),
        "kept": found.kept,
        "corners_before": found.corners[0],
        "corners_after": found.corners[1],
        "corners_footprint": float(np.mean([len(one.exterior.coords) - 1 for one in true] or [0])),
        "iou_cells": float(found.iou.mean()),
        "least_iou_cells": float(found.iou.min()),
        **with_footprint,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    buildings = footprints(arguments.data / "buildings.geojson")
    for cell in RESOLUTIONS:
        pairs = [(as_cells(one, cell), one) for one in buildings]
        pairs = [
            (cells, one)
            for cells, one in pairs
            if cells.geom_type == "Polygon" and cells.area >= LEAST_CELLS * cell**2
        ]
        cells, true = (list(one) for one in zip(*pairs, strict=True))
        record("outlines", {"case": "Alexandria", "cell": cell}, **measure(cells, cell, true))
    scene = make_scene()
    roofs = outlines_of(scene.labels == ROOF, scene.resolution_m)
    large = [one for one in roofs if one.area >= LEAST_CELLS * scene.resolution_m**2]
    record("outlines", {"case": "demo", "cell": 0.25}, **measure(large, scene.resolution_m, []))
    return 0


if __name__ == "__main__":
    sys.exit(main())
