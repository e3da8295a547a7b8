# SPDX-License-Identifier: GPL-2.0-or-later
"""Datasets whose patches lie at chosen places, for the tests of what a model has seen."""

from dataclasses import replace

import numpy as np
from osgeo import osr

from grassdl.core.classes import ClassScheme
from grassdl.dataset.footprints import Footprint, write_footprints
from grassdl.dataset.manifest import SPLITS
from grassdl.dataset.patchset import PatchSet
from grassdl.dataset.writer import PatchSetWriter
from small_dataset import BANDS, EXPORT, FOREST, SIZE, WATER


def wkt(code):
    osr.UseExceptions()
    system = osr.SpatialReference()
    system.ImportFromEPSG(code)
    return system.ExportToWkt()


UTM, OTHER_UTM, DEGREES = wkt(32631), wkt(32632), wkt(4326)


def cut(
    folder,
    west=0.0,
    crs=UTM,
    maps=("red@a", "nir@a"),
    project="p",
    cell=0.5,
    north=30.0,
    **positions,
):
    """A dataset with patches of 3 x 3 cells at these rows and columns of its splits."""
    folder.mkdir()
    region = {"north": north, "south": 0.0, "west": west, "east": west + 60 * cell}
    region |= {"nsres": cell, "ewres": cell, "rows": int(north / cell), "cols": 60}
    export = replace(EXPORT, crs=crs, project=project, region=region)
    bands = [replace(band, source={"map": one}) for band, one in zip(BANDS, maps, strict=True)]
    counts = {split: len(positions.get(split, ())) for split in SPLITS}
    classes = ClassScheme([WATER, FOREST])
    dtype = np.dtype(np.uint16)
    writer = PatchSetWriter(folder, bands, classes, counts, dtype, None, "npy", export)
    writer.create()
    parts, footprints = [], []
    for number, (split, places) in enumerate(positions.items()):
        # Other values in every dataset: equal ones would be one dataset.
        images = np.full((len(places), SIZE, SIZE, 2), 1 + number + 7 * len(str(folder)), dtype)
        labels = np.zeros((len(places), SIZE, SIZE), np.uint8)
        parts.append(writer.write(split, 0, np.array(places), images, labels))
        shares = np.array([1.0, 0.0])
        footprints += [Footprint(split, n, *place, shares) for n, place in enumerate(places)]
    write_footprints(folder, footprints, classes, SIZE, region, crs)
    writer.finish(parts)
    return PatchSet.open(folder)
