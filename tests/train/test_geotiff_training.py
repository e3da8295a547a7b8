# SPDX-License-Identifier: GPL-2.0-or-later
"""Training from GeoTIFF chips, in a process that has loaded TensorFlow before GDAL."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_dataset import BANDS, CLASSES, SIZE, scene, write_dataset

from grassdl.classes import NULL_INDEX, UNLABELLED_INDEX
from grassdl.dataset.geotiff import ChipWriter
from grassdl.dataset.manifest import Manifest

pytest.importorskip("osgeo.gdal", reason="GDAL's Python package is missing")

TRAIN = """
import sys
from pathlib import Path
import numpy as np
from grassdl.backend import prepare
prepare()
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.train.fit import build_network, fit
from grassdl.train.settings import Settings
import keras, tensorflow
assert "osgeo" not in sys.modules
settings = Settings(network_options={"filters": 2, "depth": 1}, epochs=1, batch_size=8)
weights = []
for folder in sys.argv[1:]:
    data = JoinedPatchSets([PatchSet.open(folder)])
    keras.utils.set_random_seed(settings.seed)
    network = build_network(data, settings)
    before = network.get_weights()
    fit(network, data, settings, lambda line: None, lambda line: None)
    weights.append(network.get_weights())
    print("learnt", not all(map(np.array_equal, before, weights[-1])))
assert "osgeo" in sys.modules
print("identical", all(map(np.array_equal, *weights)))
"""


@pytest.fixture
def both_formats(tmp_path: Path) -> list[Path]:
    """The same patches as `.npy` and as chips."""
    arrays = {"train": scene(24, 1), "val": scene(8, 2)}
    for images, labels in arrays.values():
        labels[:, 0], labels[1:, 1] = NULL_INDEX, UNLABELLED_INDEX
        images[:, 0] = 0
    plain, chips = write_dataset(tmp_path / "npy", arrays), tmp_path / "geotiff"
    chips.mkdir()
    content = json.loads((plain / "dataset.json").read_text())
    (chips / "dataset.json").write_text(json.dumps(content | {"file_format": "geotiff"}))
    export = Manifest.load(plain).export
    names = tuple(band.name for band in BANDS)
    dtype = np.dtype(np.uint16)
    writer = ChipWriter(chips, names, CLASSES, dtype, (0, 65535), export.region, export.crs, SIZE)
    for row, (split, (images, labels)) in enumerate(arrays.items()):
        positions = [(row * SIZE, place * SIZE) for place in range(len(images))]
        writer.write(split, np.array(positions), images, labels)
    return [plain, chips]


def test_chips_train_the_same_network_as_arrays(both_formats):
    library = Path(__file__).resolve().parents[2] / "lib"
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, *map(str, both_formats)],
        env={**os.environ, "PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["learnt True", "learnt True", "identical True"]
