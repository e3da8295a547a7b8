# SPDX-License-Identifier: GPL-2.0-or-later
"""Datasets that earlier programs wrote are read, with all their patches."""

import numpy as np
import pytest

from grassdl.dataset.manifest import SPLITS
from paths import EARLIER_FORMATS
from tiny_dataset import BANDS, CLASSES, joined, scene

COUNTS = {"train": 2, "val": 1, "test": 1}


@pytest.fixture(params=["dataset_1", "dataset_1_geotiff"])
def data(request):
    if request.param.endswith("geotiff"):
        pytest.importorskip("osgeo.gdal", reason="GDAL's Python package is missing")
    return joined(EARLIER_FORMATS / request.param)


def test_an_earlier_dataset_is_read_patch_by_patch(data):
    assert (data.bands, data.classes) == (BANDS, CLASSES)
    for seed, split in enumerate(SPLITS, start=1):
        images, labels = scene(COUNTS[split], seed, size=8)
        [patches] = data.arrays(split)
        read_images, read_labels = patches.read(slice(0, 2))
        assert np.array_equal(read_images, images) and np.array_equal(read_labels, labels)


def test_an_earlier_dataset_tells_its_statistics_and_no_project(data):
    values = scene(2, 1, size=8)[0].reshape(-1, 2)
    assert [one.mean for one in data.statistics] == pytest.approx(values.mean(axis=0))
    manifest = data.patch_sets[0].manifest
    assert manifest.export.project == ""
    assert manifest.counts == COUNTS
