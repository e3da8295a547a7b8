# SPDX-License-Identifier: GPL-2.0-or-later
"""A class map scored on the test patches of a dataset only."""

import json

import numpy as np
import pytest

from grassdl.dataset.seen import Places
from grassdl.dataset.windows import Windows
from grassdl.evaluate.held_back import HeldBackCells
from grassdl.evaluate.settings import Settings
from placed_patches import OTHER_UTM, UTM, cut

TEST = [(0, 0), (2, 2), (6, 9)]
"""Patches of 3 x 3 cells: two that share a cell, and one apart."""

INSIDE = np.zeros((12, 12), bool)
for _row, _col in TEST:
    INSIDE[_row : _row + 3, _col : _col + 3] = True


def region(cell, rows, cols, north=12.0, west=0.0):
    return {"north": north, "west": west, "nsres": cell, "ewres": cell} | {
        "rows": rows,
        "cols": cols,
    }


def inside(patch_set, **where):
    windows = Windows.of([Places.of_patches(patch_set, "test")], region(**where))
    parts = [windows.contains(row, 1) for row in range(where["rows"])]
    found = windows.contains(0, where["rows"])
    assert np.array_equal(found, np.concatenate(parts))
    assert np.array_equal(
        windows.contains_cells(*np.indices(found.shape).reshape(2, -1)), found.ravel()
    )
    return found


def test_cells_whose_centres_lie_in_patches_are_found_on_any_grid(tmp_path):
    patch_set = cut(tmp_path / "set", cell=1.0, north=12.0, test=TEST)
    assert np.array_equal(inside(patch_set, cell=1.0, rows=12, cols=12), INSIDE)
    finer = inside(patch_set, cell=0.5, rows=24, cols=24)
    assert np.array_equal(finer, INSIDE.repeat(2, axis=0).repeat(2, axis=1))
    part = inside(patch_set, cell=1.0, rows=3, cols=4, north=10.0, west=1.0)
    assert np.array_equal(part, INSIDE[2:5, 1:5])
    assert not inside(patch_set, cell=1.0, rows=5, cols=5, west=40.0).any()


@pytest.fixture
def maps(run, write_raster):
    """Classes 1 and 2 and the truth, which the map misses outside the patches and in one cell."""
    truth = np.ones((12, 12), int)
    truth[:, 6:] = 2
    mapped = np.where(INSIDE, truth, 3 - truth)
    mapped[0, 0] = 2
    write_raster("classes", mapped)
    write_raster("truth", np.ma.masked_array(truth, np.arange(144).reshape(12, 12) == 1))


@pytest.fixture
def dataset(run, tmp_path):
    """Its test patches lie where the map is right; its only training patch is elsewhere."""
    crs = run("g.proj", flags="wf").stdout.strip()
    return cut(tmp_path / "set", crs=crs, cell=1.0, north=12.0, test=TEST, train=[(9, 0)]).folder


def score(run, dataset, **options):
    told = {"classification": "classes", "reference": "truth", "dataset": dataset}
    return run("i.dl.evaluate", **{**told, **options})


def test_the_map_is_scored_in_the_test_patches_of_the_dataset(run, maps, dataset, tmp_path):
    page = tmp_path / "page.html"
    done = score(run, dataset, format="json", report=page, distance=1, objects=1)
    report = json.loads(done.stdout)
    cells = INSIDE.sum() - 1
    assert (report["pixels"], report["overall_accuracy"]) == (cells, 1 - 1 / cells)
    assert report["within"] == {"split": "test", "datasets": ["set"]}
    assert report["left_out"] == {
        "masked": 0,
        "null_in_classification": 0,
        "null_in_reference": 1,
        "null_in_both": 0,
        "elsewhere": 144 - cells - 1,
    }
    assert report["objects"][0]["support_cells"] == 16
    assert "test patches of dataset set only" in page.read_text()


def test_the_region_may_be_finer_and_smaller_than_the_datasets(run, maps, dataset):
    run("g.region", n=12, s=7, w=0, e=12, res=0.5)
    listing = score(run, dataset).stdout
    assert "Scored on:      test patches of dataset set only\n" in listing
    assert f"Cells counted:  {4 * (INSIDE[:5].sum() - 1)}\n" in listing
    assert f"Left out:       {4 * (~INSIDE[:5]).sum()} outside these patches\n" in listing


def test_a_dataset_without_patches_there_is_refused_in_one_line(run, maps, dataset):
    run("g.region", n=6, s=0, w=0, e=6)
    done = score(run, dataset, check=False)
    told = " ".join(done.stderr.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert told.count("ERROR: ") == 1 and "Traceback" not in told
    assert "None of the 3 test patches of dataset set lies in the current region" in told


@pytest.mark.parametrize(
    "changes, split, words",
    [
        ({}, "val", "has no val patches: choose another split"),
        ({"crs": OTHER_UTM}, "test", "another project or coordinate reference system"),
        ({"crs": "", "project": "q"}, "test", "another project or coordinate reference system"),
        ({"footprints": None}, "test", "patches.gpkg is missing or damaged"),
    ],
)
def test_a_dataset_that_cannot_say_where_is_refused(tmp_path, changes, split, words):
    facts = {"crs": UTM, "project": "p", **changes}
    patch_set = cut(tmp_path / "set", crs="" if facts["crs"] == "" else UTM, test=TEST)
    if "footprints" in changes:
        (patch_set.folder / "patches.gpkg").unlink()
    place = {**facts, "region": region(1.0, 12, 12)}
    with pytest.raises(ValueError, match=words):
        HeldBackCells.of([patch_set], split, place)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"points": "p"}, "Option points cannot be combined with dataset and a map"),
        ({"reference": "r", "design": "random"}, "Option design cannot be combined with dataset"),
    ],
)
def test_samples_are_not_scored_in_patches_only(options, words):
    given = dict.fromkeys(
        "model points areas background design block_size objects distance probabilities".split(), ""
    )
    given |= {"standard_error": "0.01", "seed": "1", "dataset": "d", **options}
    with pytest.raises(ValueError, match=words):
        Settings.from_options(given)
