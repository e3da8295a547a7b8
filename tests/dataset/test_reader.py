# SPDX-License-Identifier: GPL-2.0-or-later
"""The reader of patches: any type and format, several datasets, some of the bands, NULL."""

import numpy as np
import pytest

from grassdl.core.bands import Band
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.dataset.reader import PatchReader
from grassdl.dataset.writer import PatchSetWriter
from small_dataset import BANDS, EXPORT, FOREST, ROOF, SIZE, WATER

FILL = np.array([0.5, -7.25], np.float32)


def write(folder, first, file_format, classes, dtype=np.float32):
    """Two patches of three bands, filled with their number, 10 and 100 times it; one NULL cell."""
    folder.mkdir()
    numbers = np.arange(first, first + 2)[:, None, None, None]
    images = np.broadcast_to(numbers * [1, 10, 100], (2, SIZE, SIZE, 3)).astype(dtype)
    labels = np.zeros((2, SIZE, SIZE), np.uint8)
    labels[1, 0, 0], images[1, 0, 0] = NULL_INDEX, 0
    bands = [
        *BANDS,
        Band("ndsm", True, {"dsm": "dsm", "dtm": "dtm"}, "ndsm", 0.5, "nearest", "m", "float32"),
    ]
    counts = {"train": 2, "val": 0, "test": 0}
    dtype = np.dtype(dtype)
    writer = PatchSetWriter(
        folder, bands, ClassScheme(classes), counts, dtype, None, file_format, EXPORT
    )
    writer.create()
    positions = np.array([[0, 0], [0, SIZE]])
    writer.finish([writer.write("train", 0, positions, images, labels)])
    return PatchSet.open(folder)


@pytest.mark.parametrize("file_format", ["npy", "geotiff"])
@pytest.mark.parametrize("dtype", [np.float32, np.uint16])
def test_patches_are_float32_with_null_filled_and_may_be_changed(tmp_path, file_format, dtype):
    one = write(tmp_path / "one", 1, file_format, (WATER, FOREST), dtype)
    two = write(tmp_path / "two", 3, file_format, (FOREST, ROOF), dtype)
    joined = JoinedPatchSets([one, two], bands=["ndsm", "red"])
    reader = PatchReader(joined.arrays("train"), FILL)
    images, labels = reader.read(np.array([3, 0]))
    assert (images.dtype, labels.dtype) == (np.float32, np.uint8)
    assert np.array_equal(images[1], np.broadcast_to(np.float32([1, 100]), (SIZE, SIZE, 2)))
    assert np.array_equal(images[0, 0, 0], FILL)
    assert images[0, 0, 1].tolist() == [4, 400]
    assert joined.classes.labels == ["water", "forest", "roof"]
    assert labels[:, 1, 1].tolist() == [1, 0]
    images[...] = -1
    assert reader.read(np.array([0]))[0].max() == 100


def test_batches_come_in_order_and_what_is_no_patch_counts_nowhere(tmp_path):
    one = write(tmp_path / "one", 1, "npy", (WATER, FOREST))
    reader = PatchReader([one.patches("train", [0, 2])] * 2, FILL)
    assert [places.tolist() for places, *_ in reader.batches(3)] == [[0, 1, 2], [3]]
    ((_, images, _),) = reader.batches(2, np.array([3, 0]))
    assert images[:, 2, 2, 0].tolist() == [2, 1]
    images, labels = reader.read(np.array([-1]))
    assert not images.any()
    assert (labels == UNLABELLED_INDEX).all()


def test_an_empty_name_is_no_dataset():
    with pytest.raises(ValueError, match="A name of a dataset is empty"):
        PatchSet.open("")
