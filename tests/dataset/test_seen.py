# SPDX-License-Identifier: GPL-2.0-or-later
"""What a model has seen of the ground, and which patches of other datasets lie there."""

import json

import pytest

from grassdl.dataset.seen import area_seen, leaks, sentence
from placed_patches import DEGREES, OTHER_UTM, cut


def seen(patch_set):
    """A model's areas as they come back from JSON."""
    return json.loads(json.dumps([area_seen(patch_set)]))


def counts(areas, patch_set, split="test"):
    return {
        one["seen_as"]: (one["patches"], one["of"]) for one in leaks("m", areas, patch_set, split)
    }


@pytest.fixture
def areas(tmp_path):
    """A model's training patches at the columns 0 to 2 and 6 to 8, a validation patch further."""
    return seen(cut(tmp_path / "model", train=[(0, 0), (0, 6)], val=[(30, 30)]))


def test_patches_that_share_a_cell_are_counted_and_neighbours_are_not(areas, tmp_path):
    test = [(0, 3), (3, 0), (2, 2), (0, 6), (30, 32), (20, 20)]
    found = leaks("small", areas, cut(tmp_path / "other set", test=test), "test")
    assert [(one["seen_as"], one["patches"], one["of"]) for one in found] == [
        ("train", 2, 6),
        ("val", 1, 6),
    ]
    assert sentence(found[0]) == (
        "2 of 6 test patches of dataset other set lie where model <small> was trained (33.3 %): "
        "the scores may be too high"
    )
    assert "lie where model <small> was validated" in sentence(found[1])


def test_another_grid_is_compared_in_map_units(areas, tmp_path):
    """Columns 6 to 8 of 0.5 m are 3 to 4.5 m; a patch of 0.75 m there begins at column 3."""
    assert counts(areas, cut(tmp_path / "coarse", cell=0.75, test=[(0, 3)])) == {"train": (1, 1)}
    assert counts(areas, cut(tmp_path / "beside1", cell=0.75, test=[(0, 6)])) == {}
    assert counts(areas, cut(tmp_path / "moved", west=100.0, test=[(0, 0)])) == {}
    assert counts(areas, cut(tmp_path / "zone", crs=OTHER_UTM, test=[(0, 0)])) == {}


def test_splits_of_one_dataset_are_what_they_are(tmp_path):
    own = cut(tmp_path / "own", train=[(0, 0), (0, 3)], val=[(9, 9)], test=[(0, 6)])
    assert counts(seen(own), own) == {}
    assert counts(seen(own), own, "train") == {"train": (2, 2)}
    assert counts(seen(own), own, "val") == {"val": (1, 1)}


def test_without_coordinates_it_takes_the_same_map_of_the_same_project(tmp_path):
    areas = seen(cut(tmp_path / "model", crs="", train=[(0, 0)]))
    same = {"crs": "", "test": [(1, 1)]}
    assert counts(areas, cut(tmp_path / "same1", **same)) == {"train": (1, 1)}
    assert counts(areas, cut(tmp_path / "scene22", **same, maps=("x@a", "y@a"))) == {}
    assert counts(areas, cut(tmp_path / "project333", **same, project="q")) == {}


def test_degrees_go_around_the_earth(tmp_path):
    areas = seen(cut(tmp_path / "model", crs=DEGREES, west=179.0, train=[(0, 4)]))
    other = cut(tmp_path / "beyond", crs=DEGREES, west=-181.0, test=[(0, 4), (0, 7)])
    assert counts(areas, other) == {"train": (1, 2)}


def test_where_footprints_are_gone_the_region_may_be_seen(tmp_path):
    model = cut(tmp_path / "model", train=[(0, 0)])
    (model.folder / "patches.gpkg").unlink()
    assert "places" not in area_seen(model)
    (found,) = leaks("m", seen(model), cut(tmp_path / "other", test=[(9, 9), (0, 0)]), "test")
    assert (found["patches"], found["exact"]) == (2, False)
    assert "may lie where model <m> was trained" in sentence(found)


def test_older_models_tell_the_name_of_their_system_and_a_region(areas, tmp_path):
    older = [{key: one for key, one in areas[0].items() if key not in ("wkt", "maps", "places")}]
    (found, *_) = leaks("m", older, cut(tmp_path / "other", test=[(0, 0), (9, 9)]), "test")
    assert (found["patches"], found["exact"]) == (2, False)
    assert counts(older, cut(tmp_path / "zone", crs=OTHER_UTM, test=[(0, 0)])) == {}
    assert counts([{**older[0], "crs": None}], cut(tmp_path / "scene", crs="", test=[(0, 0)])) == {}
