# SPDX-License-Identifier: GPL-2.0-or-later
"""The central cell of each segment, and labels of whole patches."""

import numpy as np
import pytest

from grassdl.core import segment_centres
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.core.patch_classes import PatchClasses
from grassdl.core.segment_centres import central_cells
from grassdl.core.target import Target

CLASSES = PatchClasses([MapClass(1, "house", "255:0:0"), MapClass(2, "tree", "0:255:0")])


class Ids:
    """A map of segments in memory; 0 is none."""

    def __init__(self, ids):
        self.ids, self.dtype = np.array(ids), np.dtype(np.int32)
        self.rows, self.cols = self.ids.shape

    def read(self, row, rows):
        part = self.ids[row : row + rows]
        return part, part == 0


@pytest.mark.parametrize("strip_cells", [1, 1 << 20])
def test_a_segment_has_its_own_cell_closest_to_its_centroid(monkeypatch, strip_cells):
    monkeypatch.setattr(segment_centres, "STRIP_CELLS", strip_cells)
    horseshoe = [
        [7, 7, 7, 0, -3],
        [7, 9, 7, 0, -3],
        [7, 9, 7, 0, -3],
        [7, 9, 7, 4, 4],
    ]
    ids, cells = central_cells(Ids(horseshoe))
    assert ids.tolist() == [-3, 4, 7, 9]
    # The centroid of 7 is (1.83, 1.5), in 9; of its cells, (1, 0) and (1, 2) are the closest ones.
    assert cells.tolist() == [[1, 4], [3, 3], [1, 0], [2, 1]]


def test_a_patch_is_labelled_at_its_centre_alone_and_stays_null():
    labels = np.ones((1, 4, 4), np.uint8)
    labels[0, 2, 2], labels[0, 0, 0] = 0, 254
    found = CLASSES.only_labelled(labels)
    assert found[0, 2, 2] == 0
    assert found[0, 0, 0] == 254
    assert np.count_nonzero(found == 255) == 14
    assert CLASSES.labelled_part(5) == (2, 1)


def test_a_patch_keeps_its_class_whatever_is_moved():
    before = CLASSES.only_labelled(np.ones((1, 4, 4), np.uint8))
    lost = np.full((1, 4, 4), 255, np.uint8)
    lost[0, 3, 3] = 254
    found = CLASSES.relabelled(lost, before)
    assert found[0, 2, 2] == 1
    assert found[0, 3, 3] == 254
    assert CLASSES.counted_codes(found)[found < 2].tolist() == [1]


def test_classes_of_patches_are_another_target_than_those_of_cells():
    again = Target.from_json(CLASSES.to_json())
    assert isinstance(again, PatchClasses)
    assert again.is_same(CLASSES)
    assert not CLASSES.is_same(ClassScheme(CLASSES))
    assert CLASSES.joined([CLASSES]).kind == "patch"
    with pytest.raises(ValueError, match="classes"):
        Target.from_json({"kind": "patch"})
    assert CLASSES.summary == "2 classes of patches"
