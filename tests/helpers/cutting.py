# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of i.dl.patches, and the region as its patches show it."""

import numpy as np
import pytest

from grassdl.dataset.manifest import SPLITS
from grassdl.dataset.patchset import PatchSet

SIZE = 8


def files_of(project):
    """All files of the project with their content, but for those with databases' times."""
    return {
        path: path.read_bytes() if path.name in ("WIND", "REF", "MASK") else None
        for path in project.path.rglob("*")
        if path.is_file()
    }


def cut(project, output, **options):
    """Run i.dl.patches on small patches and open what it wrote."""
    before = files_of(project)
    project.run("i.dl.patches", output=output, **{"size": SIZE, "block_size": SIZE, **options})
    assert files_of(project) == before
    return PatchSet.open(output)


def painted(dataset, rows=48, cols=48):
    """The region as the patches show it: images, labels and splits; -1 where no patch is."""
    ogr = pytest.importorskip("osgeo.ogr")
    size, bands = dataset.manifest.export.size, len(dataset.manifest.bands)
    images = np.full((rows, cols, bands), -1, np.float64)
    kind = float if dataset.manifest.target.codes.dtype.kind == "f" else int
    labels, splits = np.full((rows, cols), -1, kind), np.full((rows, cols), -1)
    arrays = {split: dataset.arrays(split) for split in SPLITS}
    source = ogr.Open(str(dataset.folder / "patches.gpkg"))
    for feature in source.GetLayer():
        place = feature.items()
        window = np.s_[place["row"] : place["row"] + size, place["col"] : place["col"] + size]
        assert np.isin(splits[window], (-1, SPLITS.index(place["split"]))).all()
        images[window] = arrays[place["split"]][0][place["place"]]
        labels[window] = arrays[place["split"]][1][place["place"]]
        splits[window] = SPLITS.index(place["split"])
    return images, labels, splits


def fails_with(result, *words):
    """Status 1, nothing on stdout, and one error, which GRASS may wrap, with all the words."""
    assert result.returncode == 1
    assert result.stdout == ""
    before, *errors = " ".join(result.stderr.split()).split("ERROR: ")
    assert len(errors) == 1
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in errors[0]
