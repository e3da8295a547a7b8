# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches whose labels are segments of known class."""

import numpy as np
import pytest

from cutting import cut, fails_with, painted
from grassdl.core.classes import UNLABELLED_INDEX

CELLS = 48
LARGEST = 2**31 - 1


@pytest.fixture
def segments(grass_project):
    """Maps `red` and `seg`: stripes of eight columns, of ids far apart, and NULL at the right."""
    ids = np.array([LARGEST, 4, -7, 0, 9, 12])[np.arange(CELLS) // 8]
    ids = np.broadcast_to(ids, (CELLS, CELLS)).astype(float)
    ids[:, -4:] = np.nan
    grass_project.write_raster("seg", ids, dtype="CELL")
    grass_project.write_raster("red", np.arange(CELLS * CELLS).reshape(CELLS, CELLS))
    grass_project.run("g.region", raster="red")
    return ids


def labels_of(ids, index_of, background=UNLABELLED_INDEX):
    codes = np.full(ids.shape, background)
    for one, index in index_of.items():
        codes[ids == one] = index
    return codes


def table(folder, text):
    path = folder / "classes.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text, classes, index_of",
    [
        (
            f"cat|class\n{LARGEST}|forêt\n-7|bare\n0|forêt\n9|\n0|forêt\n",
            [(1, "bare"), (2, "forêt")],
            {LARGEST: 1, -7: 0, 0: 1},
        ),
        (
            '\ufeffcat,area,class\r\n4,17.5,20\r\n12,"3",5\r\n\r\n',
            [(5, "5"), (20, "20")],
            {4: 1, 12: 0},
        ),
    ],
)
def test_segments_of_known_class_become_labels(
    grass_project, segments, tmp_path, text, classes, index_of
):
    classes_file = table(tmp_path, text)
    dataset = cut(
        grass_project, tmp_path / "ds", input="red", segments="seg", segment_classes=classes_file,
        split_method="none",
    )  # fmt: skip
    assert [(one.value, one.label) for one in dataset.manifest.classes] == classes
    _, labels, splits = painted(dataset)
    expected = labels_of(segments, index_of)
    assert np.array_equal(labels[splits == 0], expected[splits == 0])
    assert (expected[splits == -1] == UNLABELLED_INDEX).all()


def test_other_segments_may_be_background_and_unknown_ones_are_told(
    grass_project, segments, tmp_path
):
    done = grass_project.run(
        "i.dl.patches", input="red", segments="seg", background=3, size=8, split_method="none",
        segment_classes=table(tmp_path, "cat;class\n4;1\n0;2\n77;1\n78;6\n"), flags="p",
    )  # fmt: skip
    assert "lacks in the region: 2 of 4" in " ".join(done.stderr.split())
    assert "background" in done.stdout


def test_objects_are_segments_with_the_middle_in_a_patch(grass_project, segments, tmp_path):
    dataset = cut(
        grass_project, tmp_path / "ds", input="red", segments="seg", sampling="objects",
        segment_classes=table(tmp_path, "cat|class\n4|1\n0|2\n"), split_method="none",
        negatives=0,
    )  # fmt: skip
    _, labels, splits = painted(dataset)
    rows, cols = np.nonzero(splits == 0)
    # The stripes' middles are row 24 and columns 12 and 28.
    assert sorted(set(rows)) == list(range(20, 28))
    assert sorted(set(cols)) == [*range(8, 16), *range(24, 32)]
    assert set(labels[splits == 0]) == {0, 1}


@pytest.mark.parametrize(
    "text, options, words",
    [
        ("cat|class\n4|1\n0|2\n4|3\n", {}, ["Line 4", "segment 4 the class <3>", "<1>"]),
        ("4|1\n0|2\n", {}, ["begins with '4|1'", "cat|class"]),
        ("cat|class\nroof|1\n", {}, ["Line 2", "'roof|1'", "number"]),
        ("cat|class\n4\n", {}, ["Line 2", "a class"]),
        (f"cat|class\n{9**30}|1\n", {}, ["Line 2 of <", f"{9**30}", f"{LARGEST}"]),
        (f"cat|class\n4|{'x' * 200_000}\n", {}, ["at line 2", "field", "quote"]),
        ("cat|class\n", {}, ["no segment with a class"]),
        ("cat|class\n77|1\n78|2\n", {}, ["No training segment of <seg@PERMANENT>"]),
        ("cat|class\n4|roof\n0|road\n", {"background": 2}, ["background=2", "<roof>"]),
        ("cat|class\n4|-2\n0|1\n", {}, ["class value -2"]),
        ("cat|class\n4|1\n", {"segments": "none"}, ["<none> not found"]),
        ("cat|class\n4|1\n", {"labels": "seg"}, ["mutually exclusive"]),
        (None, {}, ["cannot be read"]),
    ],
)
def test_tables_that_tell_no_classes_are_refused(
    grass_project, segments, tmp_path, text, options, words
):
    path = tmp_path / "absent" if text is None else table(tmp_path, text)
    if text is None:
        path.mkdir()
    done = grass_project.run(
        "i.dl.patches", check=False, size=8, input="red", output=tmp_path / "ds",
        **{"segments": "seg", "segment_classes": path, **options},
    )  # fmt: skip
    fails_with(done, *words)
    assert not (tmp_path / "ds").exists()


def test_a_map_of_segments_needs_its_table(grass_project, tmp_path):
    done = grass_project.run(
        "i.dl.patches", check=False, input="red", segments="seg", output=tmp_path / "ds"
    )
    fails_with(done, "segment_classes")
