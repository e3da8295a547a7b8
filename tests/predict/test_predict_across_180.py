# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.predict beyond 180 degrees, where GRASS tells a region in the east as one in the west."""

import numpy as np

from predicting import predict
from small_model import CLASSES, COLS, DEVIATION, MEAN, ROWS, filled_frame

WEST = 150
NORTH = 20


def write_maps(project, cols, west):
    """Maps `one` and `two` of one-degree cells."""
    rng = np.random.default_rng(1)
    arrays = [rng.normal(m, d, (ROWS, cols)) for m, d in zip(MEAN, DEVIATION, strict=True)]
    arrays = [array.astype(np.float32) for array in arrays]
    for name, array in zip(("one", "two"), arrays, strict=True):
        project.write_raster(name, array, north=NORTH, west=west)
    return np.dstack(arrays)


def probabilities(project):
    return np.ma.dstack([project.read_raster(f"p_{one.value}") for one in CLASSES])


def whole(network, values):
    """Probabilities of the network run once over maps without NULL."""
    filled, null = filled_frame(values)
    return np.asarray(network(filled[None]))[0, : null.shape[0], : null.shape[1]]


def edges(told):
    """West and east edge out of what `v.info -g` tells, in GRASS 8.2 without decimals."""
    found = dict(line.split("=") for line in told.split())
    return float(found["west"]), float(found["east"])


def test_a_region_beyond_180_degrees_is_its_part_of_the_map(geographic_project, model):
    project = geographic_project
    values = write_maps(project, COLS, WEST)
    segments = np.arange(ROWS * COLS).reshape(ROWS, COLS) // 7 + 1
    project.write_raster("segments", segments, north=NORTH, west=WEST)
    project.run("g.region", n=NORTH - 11, s=NORTH - ROWS + 6, w=WEST + 40, e=WEST + COLS - 9)
    assert "w=-170\n" in project.run("g.region", flags="g").stdout
    by_segment = {"segments": "segments", "segment_output": "mean"}
    predict(project, model, probabilities="p", vector="areas", tile_size=20, **by_segment)
    part = np.s_[11 : ROWS - 6, 40 : COLS - 9]
    expected = whole(model[1], values)[part]
    found = probabilities(project)
    assert not found.mask.any()
    assert np.abs(found.data - expected).max() < 1e-5
    means = np.array([expected[segments[part] == one].mean(axis=0) for one in segments[part].flat])
    classes = CLASSES.values[means.argmax(axis=1)].reshape(segments[part].shape)
    assert np.array_equal(project.read_raster("mean"), classes)
    extent = project.run("v.info", flags="g", map="areas").stdout
    assert edges(extent) == (-170, -149)
