# SPDX-License-Identifier: GPL-2.0-or-later
"""Cells and points of an evaluation that lie where the map's model was trained."""

import json

import numpy as np
import pytest

from grassdl.model.folder import save_card
from scored_model import card_of

AREA = {
    "dataset_id": "0123456789abcdef",
    "crs": "any",
    "project": "p",
    "maps": ["red@PERMANENT"],
    "north": 12.0,
    "south": 0.0,
    "east": 12.0,
    "west": 0.0,
    "nsres": 1.0,
    "ewres": 1.0,
    "patches": {"train": 2, "val": 0, "test": 0},
    "size": 4,
    "places": {"train": [[0, 0], [2, 2]], "val": []},
}
"""Training patches of 4 x 4 cells at row 0, column 0 and at row 2, column 2: 28 cells."""


@pytest.fixture
def evaluation(run, write_raster, tmp_path):
    """Evaluates a map of 12 x 12 cells of the model; the reference is NULL in the first row."""
    cells = np.ones((12, 12), int)
    cells[:, 6:] = 2
    write_raster("classes", cells)
    write_raster("truth", np.ma.masked_array(cells, np.arange(12)[:, None] * np.ones(12) < 1))
    (tmp_path / "model").mkdir()
    wkt = run("g.proj", flags="wf").stdout.strip()
    save_card(card_of(areas=[{**AREA, "wkt": wkt}]), tmp_path / "model")
    call = f"i.dl.predict input=red model={tmp_path / 'model'} output=classes"
    run("r.support", map="classes", source1="model small, unet", history=f" {call}")
    run("r.support", map="classes", source2="dataset 0123456789ab")

    def evaluate(**options):
        return run("i.dl.evaluate", classification="classes", **options)

    return evaluate


def test_compared_cells_in_training_patches_are_told(evaluation, run, tmp_path):
    page = tmp_path / "page.html"
    done = evaluation(reference="truth", format="json", report=page)
    (found,) = json.loads(done.stdout)["leaks"]
    assert (found["seen_as"], found["patches"], found["of"]) == ("train", 28 - 4, 12 * 11)
    told = "24 of 132 compared cells lie where model <small> was trained"
    warnings = " ".join(done.stderr.split())
    assert told in warnings and "(18.2 %)" in warnings
    assert "Option dataset, with the dataset of the training, scores" in warnings
    assert found["share"] == 24 / 132
    assert 'data-path="leaks.0.patches" value="24"' in page.read_text()
    run("g.region", n=6, s=0, w=6, e=12)
    elsewhere = evaluation(reference="truth", format="json")
    assert json.loads(elsewhere.stdout)["leaks"] == []
    assert "was trained" not in elsewhere.stderr


def test_the_model_of_the_second_map_is_told_too(evaluation, run):
    done = run("i.dl.evaluate", classification="truth", reference="truth", compare="classes")
    told = "24 of 132 compared cells lie where model <small> was trained (18.2 %)"
    assert " ".join(done.stdout.split()).count(told) == 1


def test_points_in_training_patches_are_told(evaluation, run):
    places = "0.5|11.5|1\n3.5|6.5|1\n5.5|6.5|1\n0.5|0.5|1\n10.5|0.5|2\n"
    run("v.in.ascii", input="-", output="points", stdin=places, cat=3)
    listing = " ".join(evaluation(points="points").stdout.split())
    assert "3 of 5 compared points lie where model <small> was trained" in listing
