# SPDX-License-Identifier: GPL-2.0-or-later
"""The map of objects out of row bands."""

import numpy as np
import pytest
from scipy.ndimage import label

from grassdl.predict.decision import Decision
from grassdl.predict.objects import finder as finder_module
from grassdl.predict.objects.finder import ObjectFinder
from grassdl.predict.objects.settings import ObjectSettings

BACKGROUND, ROOF, BORDER = range(3)
DECISION = Decision(3, object_classes=(ROOF,), border=BORDER)
PLACE = (slice(None), slice(None))


def band_of(probabilities, decision=DECISION):
    band = decision.empty(*probabilities.shape[:2])
    null = np.isnan(probabilities).any(axis=-1)
    decision.decide(band, PLACE, np.nan_to_num(probabilities).astype(np.float32), null)
    return band


def found(folder, probabilities, heights, decision=DECISION, **settings):
    """The map of objects and their classes, of row bands of these heights."""
    folder.mkdir(exist_ok=True)
    settings = {"classes": decision.object_classes, "border": decision.border, **settings}
    finder = ObjectFinder(ObjectSettings(**settings), folder, probabilities.shape[1])
    row = 0
    while row < len(probabilities):
        height = heights[row % len(heights)]
        finder.add(band_of(probabilities[row : row + height], decision))
        row += height
    finder.close()
    objects = finder.result()
    return np.concatenate(list(objects.rows)), objects.classes


def shares(text):
    """Probabilities of a drawing: . background, o roof, - border of roofs, ~ of background."""
    of = {".": (0.9, 0.1, 0), "o": (0.1, 0.9, 0), "-": (0.1, 0.3, 0.6), "~": (0.3, 0.1, 0.6)}
    of["="] = (0.0, 0.1, 0.9)
    of[":"], of[";"] = (0.1, 0.6, 0.3), (0.05, 0.65, 0.3)
    of["x"] = (np.nan,) * 3
    return np.array([[of[one] for one in line] for line in text.split()])


HOUSES = """.~~~~~~~~.
            .~oo-=oo~.
            .~oo-=oo~.
            .~oo-=oo~.
            .~~~~~~~~.
            ......oo..
            .......x.o"""


def test_touching_roofs_are_numbered_apart_and_take_the_border_between_them(tmp_path):
    numbers, classes = found(tmp_path, shares(HOUSES), [3], reach=1)
    assert ["".join(map(str, row)) for row in numbers] == [
        "0000000000",
        "0011122200",
        "0011122200",
        "0011122200",
        "0000000000",
        "0000003300",
        "0000000004",
    ]
    assert classes.tolist() == [0, ROOF, ROOF, ROOF, ROOF]


def test_a_border_separates_from_half_the_probability_of_the_class_on(tmp_path):
    numbers, _ = found(tmp_path, shares("oo:oo ..... oo;oo"), [2], reach=1)
    assert numbers.tolist() == [[1, 1, 1, 2, 2], [0] * 5, [3] * 5]


def test_small_objects_are_dropped_after_they_have_grown(tmp_path):
    numbers, classes = found(tmp_path, shares(HOUSES), [2], reach=1, minsize=9)
    assert sorted(np.unique(numbers, return_counts=True)[1]) == [9, 9, 52]
    assert classes.tolist() == [0, ROOF, ROOF]
    assert not found(tmp_path, shares(HOUSES), [2], reach=1, minsize=10)[0].any()


def test_without_a_border_the_connected_areas_of_the_classes_are_the_objects(tmp_path):
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1, 1], (40, 30))
    decision = Decision(3, object_classes=(0, 2))
    numbers, classes = found(tmp_path, probabilities, [7, 3], decision)
    index = probabilities.argmax(axis=-1)
    expected = sum(label(index == one)[1] for one in (0, 2))
    assert numbers.max() == expected == len(classes) - 1
    np.testing.assert_array_equal(numbers > 0, index != 1)
    np.testing.assert_array_equal(classes[numbers][numbers > 0], index[numbers > 0])


@pytest.mark.parametrize("strip", [1, 40, 130, 10_000])
def test_the_map_is_the_same_whatever_the_row_bands_and_strips(tmp_path, monkeypatch, strip):
    rng = np.random.default_rng(1)
    # A map with ridges of border between many areas.
    rough = np.repeat(np.repeat(rng.dirichlet([0.3, 1, 0.8], (10, 8)), 4, 0), 3, 1)
    probabilities = 0.7 * rough + 0.3 * rng.dirichlet([1, 1, 1], rough.shape[:2])
    whole, classes = found(tmp_path / "whole", probabilities, [len(probabilities)], reach=2)
    assert 5 < whole.max() < 200
    monkeypatch.setattr(finder_module, "STRIP_CELLS", strip)
    parts, same = found(tmp_path / "parts", probabilities, [1, 5, 2], reach=2)
    np.testing.assert_array_equal(parts, whole)
    assert same.tolist() == classes.tolist()


def test_rows_of_an_earlier_run_are_kept_and_those_beyond_them_dropped(tmp_path):
    probabilities = shares(HOUSES)
    settings = ObjectSettings((ROOF,), BORDER, reach=1)
    first = ObjectFinder(settings, tmp_path, 10)
    first.add(band_of(probabilities[:4]))
    first.close()
    later = ObjectFinder(settings, tmp_path, 10, done=2)
    later.add(band_of(probabilities[2:]))
    later.close()
    numbers = np.concatenate(list(later.result().rows))
    np.testing.assert_array_equal(
        numbers, found(tmp_path / "whole", probabilities, [9], reach=1)[0]
    )


def test_cells_below_the_threshold_belong_to_no_object(tmp_path):
    decision = Decision(3, threshold=0.7, object_classes=(ROOF,), border=BORDER)
    numbers, _ = found(tmp_path, shares("oo-oo"), [1], decision, reach=1)
    assert numbers.tolist() == [[1, 1, 0, 2, 2]]
