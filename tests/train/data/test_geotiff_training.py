# SPDX-License-Identifier: GPL-2.0-or-later
"""Training from GeoTIFF chips, in a process that has loaded TensorFlow before GDAL."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import warm_python
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX
from grassdl.dataset.geotiff import ChipWriter
from grassdl.dataset.manifest import Manifest
from paths import LIBRARY, PROGRAMS
from tiny_dataset import BANDS, CLASSES, SIZE, scene, write_dataset

pytest.importorskip("osgeo.gdal", reason="GDAL's Python package is missing")

TRAIN = """
import sys
from pathlib import Path
import numpy as np
from grassdl.runtime.keras_backend import prepare
prepare()
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.train.trainer import build_network, fit
from grassdl.train.config.settings import Settings
import keras, tensorflow
assert "osgeo" not in sys.modules
settings = Settings(network_file=sys.argv[1], epochs=1, batch_size=8)
weights = []
for folder in sys.argv[2:]:
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


def run(program: str, *folders: Path) -> str:
    """What a program prints in a process of its own, which trains a small network."""
    file = folders[0].parent / "program.py"
    file.write_text(program)
    words = [sys.executable, file, PROGRAMS / "one_layer.py", *folders]
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    done = warm_python.run([str(word) for word in words], environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_chips_train_the_same_network_as_arrays(both_formats):
    told = run(TRAIN, *both_formats)
    assert told.splitlines() == ["learnt True", "learnt True", "identical True"]


DAMAGED = """
import sys
from grassdl.runtime.keras_backend import prepare
prepare()
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.train.trainer import build_network, fit
from grassdl.train.config.settings import Settings
data = JoinedPatchSets([PatchSet.open(sys.argv[2])])
settings = Settings(network_file=sys.argv[1], epochs=2, batch_size=1)
try:
    fit(build_network(data, settings), data, settings, lambda line: None, lambda line: None)
except ValueError as error:
    print(error)
"""


def test_a_damaged_chip_in_the_midst_of_an_epoch_is_told_in_one_line(both_formats):
    chip = sorted((both_formats[1] / "train" / "images").iterdir())[5]
    chip.write_bytes(chip.read_bytes()[:-9])
    told = run(DAMAGED, both_formats[1]).splitlines()
    assert len(told) == 1
    assert f"Dataset is damaged: <{chip}> cannot be read" in told[0]
