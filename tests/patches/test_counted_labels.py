# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of cells as the classes that patches are planned by."""

import numpy as np

from grassdl.core.classes import NO_STRATUM, NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.core.label_codes import VALUE_CODES
from grassdl.core.values import ValueTarget
from grassdl.patches.label_spool import CodeSpool, CountedLabels, usual_strata

HEIGHT = ValueTarget("height", edges=(1.0, 5.0))
LABELS = np.array([[0, 3, 7], [np.nan, -np.inf, 5]], np.float32)


def spooled(path):
    spool = CodeSpool(path, 2, 3, coding=VALUE_CODES)
    path.touch()
    spool.write(1, LABELS[1:])
    spool.write(0, LABELS[:1])
    return spool


def test_a_spool_holds_values_as_they_are(tmp_path):
    spool = spooled(tmp_path / "labels")
    np.testing.assert_array_equal(spool.read(0, 2), LABELS)
    assert spool.sample(10).tolist() == [0, 3, 7, 5]


def test_values_are_counted_in_ranges_which_are_the_strata(tmp_path):
    counted = CountedLabels(spooled(tmp_path / "labels"), HEIGHT)
    assert counted.read(0, 2).tolist() == [[0, 1, 2], [UNLABELLED_INDEX, NULL_INDEX, 2]]
    strata = usual_strata(counted)
    assert strata.read(0, 2).tolist() == [[0, 1, 2], [NO_STRATUM, NO_STRATUM, 2]]
    assert strata.read(0, 2).dtype == np.uint16
    assert list(strata.categories) == ["below 1", "1 to 5", "5 and more"]


def test_classes_have_the_blocks_as_strata(tmp_path):
    classes = ClassScheme([MapClass(1, "a", "0:0:0"), MapClass(2, "b", "0:0:0")])
    assert usual_strata(CountedLabels(spooled(tmp_path / "labels"), classes)) is None
