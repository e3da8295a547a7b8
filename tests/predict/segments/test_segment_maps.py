# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments of i.dl.predict in GRASS: the class map, the table, and the areas."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from grassdl.predict.decision import normalised_entropy
from paths import PROGRAMS
from small_model import CLASSES

ROWS, COLS = 20, 14
LARGEST = 2**31 - 1
VALUES = CLASSES.values


@pytest.fixture
def ids(grass_project):
    """A map `seg` of six segments, the last two of which are far numbers, NULL in a corner."""
    array = (np.arange(ROWS)[:, None] // 7) * 2 + np.arange(COLS) // 7
    array = np.array([1, 2, 3, 4, LARGEST - 1, LARGEST])[array].astype(float)
    array[:3, :3] = np.nan
    grass_project.write_raster("seg", array, dtype="CELL")
    grass_project.run("g.region", raster="seg")
    return array


@pytest.fixture
def shares(grass_project):
    """Maps `p_2`, `p_5` and `p_9` of probabilities, NULL here and there."""
    rng = np.random.default_rng(2)
    array = rng.dirichlet([1, 1, 1], (ROWS, COLS)).astype(np.float32)
    array[5, 4:9] = np.nan
    for place, value in enumerate(VALUES):
        grass_project.write_raster(f"p_{value}", array[..., place])
    return array


@pytest.fixture
def model(one_band_model, tmp_path):
    """A model whose network is not needed where probabilities are maps."""
    folder, network = one_band_model
    return shutil.copytree(folder, tmp_path / "model"), network


def by_segment(project, model, check=True, **options):
    options = {"model": model[0], "segments": "seg", **options}
    return project.run("i.dl.predict", check=check, **options)


def table_of(path, separator="|"):
    with path.open() as file:
        return list(csv.DictReader(file, delimiter=separator))


def means_of(ids, shares):
    """Cells and mean probabilities of every segment."""
    data = ~np.isnan(shares).any(axis=-1)
    present = np.unique(ids[~np.isnan(ids)]).astype(int)
    own = {one: data & (ids == one) for one in present}
    return {one: (there.sum(), shares[there].mean(axis=0)) for one, there in own.items()}


def test_stored_probabilities_give_map_table_and_areas(grass_project, ids, shares, model, tmp_path):
    before = grass_project.run("g.region", flags="g").stdout
    by_segment(
        grass_project,
        model,
        probabilities="p",
        segment_output="objects",
        segment_stats=tmp_path / "stats.csv",
        segment_vector="areas",
    )
    expected = means_of(ids, shares)
    found = grass_project.read_raster("objects")
    null = np.isnan(shares).any(axis=-1) | np.isnan(ids)
    assert np.array_equal(np.ma.getmaskarray(found), null)
    class_of = {one: VALUES[means.argmax()] for one, (_, means) in expected.items()}
    assert found[~null].tolist() == [class_of[one] for one in ids[~null]]
    told = grass_project.run("r.category", map="objects", cats="2,5,9", separator="tab").stdout
    assert told.splitlines() == ["2\tgrass", "5\troof", "9\ta b|c"]
    info = grass_project.run("r.info", map="objects").stdout
    assert "Classification of segments by model small" in info and "i.dl.predict" in info
    rows = table_of(tmp_path / "stats.csv")
    assert list(rows[0]) == "cat cells majority share prob_2 prob_5 prob_9 entropy margin".split()
    for row, (one, (cells, means)) in zip(rows, expected.items(), strict=True):
        assert (int(row["cat"]), int(row["cells"])) == (one, cells)
        told = [float(row[f"prob_{value}"]) for value in VALUES]
        assert np.abs(told - means).max() < 1e-6
        assert float(row["entropy"]) == pytest.approx(float(normalised_entropy(means)), abs=2e-6)
    selected = grass_project.run("v.db.select", map="areas").stdout
    assert selected.splitlines()[0] == "|".join(rows[0])
    found = list(csv.DictReader(selected.splitlines(), delimiter="|"))
    assert [{k: float(v) for k, v in row.items()} for row in found] == [
        {k: float(v) for k, v in row.items()} for row in rows
    ]
    info = grass_project.run("v.info", flags="gt", map="areas").stdout
    assert "areas=6" in info and f"north={ROWS}\n" in info
    assert grass_project.run("g.region", flags="g").stdout == before
    assert sorted(grass_project.maps()) == sorted(["seg", "objects", *(f"p_{v}" for v in VALUES)])


def test_the_class_map_is_made_of_stored_probabilities_too(grass_project, ids, shares, model):
    # Segments lie in part of the region only; the rest of the class map does not mind.
    grass_project.run("r.mask", raster="seg", maskcats="1 2 4")
    by_segment(
        grass_project,
        model,
        probabilities="p",
        output="classes",
        threshold=0.6,
        segment_output="objects",
        segment_margin=1,
        overwrite=True,
    )
    null = np.isnan(shares).any(axis=-1) | ~np.isin(ids, [1, 2, 4])
    unsure = null | (shares.max(axis=-1) < 0.6)
    for name in ("classes", "objects"):
        found = grass_project.read_raster(name)
        assert np.array_equal(np.ma.getmaskarray(found), unsure)
        assert np.array_equal(found[~unsure], VALUES[shares[~unsure].argmax(axis=-1)])


def test_a_run_of_the_network_gives_what_its_probabilities_give(
    grass_project, ids, model, tmp_path
):
    rng = np.random.default_rng(5)
    values = rng.normal(100, 30, (ROWS - 4, COLS)).astype(np.float32)
    values[9, 2:5] = np.nan
    # The region reaches beyond the imagery, which reaches beyond the segments.
    grass_project.write_raster("one", values, north=ROWS - 2, west=3)
    grass_project.run("g.region", n=ROWS + 1, s=1, w=-2, e=COLS - 2, res=1)
    first = {"segment_output": "a", "segment_stats": tmp_path / "a.csv", "separator": "comma"}
    # Files of segments and of maps lie beside each other; this name begins like theirs.
    first |= {"output": "segments-0", "tile_size": 4}
    by_segment(grass_project, model, input="one", probabilities="p", **first)
    assert grass_project.read_raster("segments-0").count() > 50
    second = {"segment_output": "b", "segment_stats": tmp_path / "b.csv", "separator": "comma"}
    by_segment(grass_project, model, probabilities="p", **second)
    one, other = grass_project.read_raster("a"), grass_project.read_raster("b")
    assert one.count() > 50
    assert np.array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(other))
    assert np.array_equal(one.compressed(), other.compressed())
    assert len(table_of(tmp_path / "a.csv", ",")) == 6
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


def killed_at(project, place, **options):
    """Run i.dl.predict until it kills itself, see predict_and_die.py."""
    words = project.command("i.dl.predict", **options)
    if "GRASS_ADDON_BASE" in os.environ:
        words = [str(Path(os.environ["GRASS_ADDON_BASE"], "scripts", words[0])), *words[1:]]
    else:
        words = words[1:]
    program = PROGRAMS / "predict_and_die.py"
    done = subprocess.run(
        [sys.executable, str(program), place, *words],
        env=project.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_run_killed_while_its_results_get_their_names_is_gone_on_with(
    grass_project, ids, shares, model, tmp_path
):
    """The names come in this order: the vector map of segments, their table, the raster maps."""
    folder = tmp_path / "tables"
    folder.mkdir()
    table = folder / "stats.csv"
    rasters = ["classes", "objects"]
    options = {
        "model": model[0],
        "probabilities": "p",
        "segments": "seg",
        "output": "classes",
        "segment_output": "objects",
        "segment_stats": table,
        "segment_vector": "areas",
    }

    def named():
        """Which of the results have their names."""
        found = [*grass_project.maps(), *grass_project.maps("vector")]
        found += [path.name for path in folder.iterdir()]
        return sorted({*found} & {*rasters, "areas", "stats.csv"})

    def results():
        cells = [grass_project.read_raster(name).filled(-1).tolist() for name in rasters]
        return cells, table.read_text(), grass_project.run("v.db.select", map="areas").stdout

    before = grass_project.maps()
    grass_project.run("i.dl.predict", **options)
    undisturbed = results()
    grass_project.run("g.remove", flags="f", type="raster", name=rasters)
    grass_project.run("g.remove", flags="f", type="vector", name="areas")
    table.unlink()

    killed_at(grass_project, "table", **options)
    assert named() == ["areas"]
    # GRASS itself refuses outputs that exist, and nothing is lost by that.
    done = grass_project.run("i.dl.predict", check=False, flags="r", **options)
    assert done.returncode == 1 and "--overwrite" in done.stderr
    again = {"flags": "r", "overwrite": True, **options}
    killed_at(grass_project, "rasters", **again)
    assert named() == ["areas", "stats.csv"]
    killed_at(grass_project, "end", **again)
    assert named() == ["areas", *rasters, "stats.csv"]
    told = grass_project.run("i.dl.predict", **again).stderr
    assert f"Resuming after {ROWS} of {ROWS} rows" in " ".join(told.split())
    assert results() == undisturbed
    assert sorted(grass_project.maps()) == sorted([*before, *rasters])
    assert grass_project.maps("vector") == ["areas"]
    assert [path.name for path in folder.iterdir()] == ["stats.csv"]
    assert not (grass_project.mapset / ".i_dl_predict").exists()


@pytest.mark.parametrize(
    "options, words",
    [
        ({"probabilities": "q"}, ["<q_2> not found", "q_2, q_5, q_9"]),
        ({"probabilities": "p", "segments": "p_2"}, ["floating point", "segment ids are integers"]),
        ({"probabilities": "p", "segments": "none"}, ["<none> not found"]),
        ({"probabilities": "p", "segments": "blank"}, ["<blank@PERMANENT> has no segment in the"]),
        ({"probabilities": "p", "segment_margin": 2}, ["segment_margin", "0 to 1"]),
        ({"probabilities": "p", "segment_stats": "/nowhere/a.csv"}, ["</nowhere> not found"]),
        ({"probabilities": "p", "segment_stats": "{}/a", "separator": "."}, ["part of a number"]),
        ({"probabilities": "p", "segment_output": "p_5", "overwrite": True}, ["also an input"]),
        ({"probabilities": "p", "segment_output": "seg", "overwrite": True}, ["also an input"]),
        (
            {"probabilities": "p", "output": "cells", "vector": "one", "segment_vector": "One"},
            ["Two outputs would have the name <one>"],
        ),
        ({"probabilities": "p", "segment_vector": "select"}, ["no legal name"]),
        ({"probabilities": "p", "segments": "below", "segment_vector": "areas"}, ["-3", "r.clump"]),
    ],
)
def test_what_cannot_be_done_is_refused(
    grass_project, ids, shares, model, tmp_path, options, words
):
    grass_project.write_raster("below", np.full((ROWS, COLS), -3))
    grass_project.write_raster("blank", np.ma.masked_all((ROWS, COLS), np.int32))
    before = grass_project.maps(), grass_project.maps("vector")
    options = {"segment_output": "objects", **options}
    options = {key: str(one).format(tmp_path) for key, one in options.items()}
    done = by_segment(grass_project, model, check=False, **options)
    assert done.returncode == 1
    told = " ".join(done.stderr.split("ERROR: ")[-1].split())
    for word in words:
        assert word in told
    assert (grass_project.maps(), grass_project.maps("vector")) == before
    assert not (tmp_path / "a").exists()


def test_maps_that_hold_no_probabilities_are_refused(grass_project, ids, shares, model):
    grass_project.write_raster("p_5", np.full((ROWS, COLS), 50.0))
    before = grass_project.maps()
    options = {"probabilities": "p", "output": "classes", "segment_output": "objects"}
    done = by_segment(grass_project, model, check=False, **options)
    assert done.returncode == 1
    assert "run from 0 to 1, found 50 to 50: give the prefix" in " ".join(done.stderr.split())
    assert grass_project.maps() == before


@pytest.mark.parametrize(
    "options",
    [
        {"probabilities": "p", "segments": "seg"},
        {"probabilities": "p", "segment_output": "objects"},
        {"segments": "seg", "segment_output": "objects"},
    ],
)
def test_options_that_belong_together_are_asked_for(grass_project, options):
    done = grass_project.run("i.dl.predict", check=False, model="absent", **options)
    assert done.returncode == 1
    assert "not found" not in done.stderr
