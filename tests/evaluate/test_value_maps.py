# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps of values in i.dl.evaluate."""

import json

import numpy as np
import pytest

from cutting import fails_with

RNG = np.random.default_rng(3)
REFERENCE = RNG.uniform(0, 30, (40, 50)).astype(np.float32)
PREDICTED = (REFERENCE + RNG.normal(0.5, 1, REFERENCE.shape)).astype(np.float32)
REFERENCE[:2] = np.nan


@pytest.fixture(scope="module")
def project(new_project, tmp_path_factory):
    made = new_project(tmp_path_factory.mktemp("heights"))
    made.run("g.region", n=40, s=0, e=50, w=0, res=1)
    made.write_raster("predicted", PREDICTED)
    made.run("r.support", map="predicted", units="m")
    made.write_raster("reference", REFERENCE)
    made.write_raster("classes", (REFERENCE > 10).astype(np.int32))
    made.write_raster("other", PREDICTED - 1)
    write_points(made, "plots")
    made.run("v.in.ascii", input="-", stdin=AREAS, output="stands", format="standard",
             flags="n")  # fmt: skip
    made.run("v.db.addtable", map="stands", columns="height integer")
    made.run("v.db.update", map="stands", column="height", value="12", where="cat < 3")
    return made


POINTS = np.arange(4, 36), np.arange(10, 42)
"""Rows and columns of the sample points."""

AREAS = (
    "B 5\n 10 30\n 20 30\n 20 20\n 10 20\n 10 30\nC 1 1\n 15 25\n 1 1\n"
    "B 5\n 30 30\n 40 30\n 40 20\n 30 20\n 30 30\nC 1 1\n 35 25\n 1 3\n"
    "B 4\n 30.1 9.9\n 30.3 9.9\n 30.3 9.7\n 30.1 9.9\nC 1 1\n 30.25 9.8\n 1 2\n"
)
"""A square of 10 x 10 cells, one without a value, and a speck beside the centre of a cell."""


def write_points(project, name):
    """Points at cell centres with the values of the reference there, to two decimals."""
    heights = np.round(REFERENCE[POINTS], 2)
    places = zip(*POINTS, heights, strict=True)
    text = "".join(f"{col + 0.5}|{39.5 - row}|{height}\n" for row, col, height in places)
    project.run("v.in.ascii", input="-", stdin=text, output=name,
                columns="x double, y double, height double")  # fmt: skip


def evaluated(project, **options):
    done = project.run("i.dl.evaluate", classification="predicted", format="json", **options)
    return json.loads(done.stdout)


def test_maps_of_floating_type_are_evaluated_as_values(project, tmp_path):
    files = {"report": tmp_path / "page.html", "plot": tmp_path / "scatter.png"}
    done = project.run(
        "i.dl.evaluate", classification="predicted", reference="reference", format="json",
        block_size=5, compare="other", residuals="off", difference="closer", **files,
    )  # fmt: skip
    found = json.loads(done.stdout)
    known = np.isfinite(REFERENCE)
    difference = (PREDICTED - REFERENCE)[known].astype(np.float64)
    assert (found["target"], found["units"]) == ("value", "m")
    assert found["rmse"] == pytest.approx(np.sqrt((difference**2).mean()), rel=1e-5)
    assert found["bias"] == pytest.approx(difference.mean(), abs=1e-5)
    assert found["left_out"]["null_in_reference"] == 100
    assert found["intervals"]["blocks"] == 80
    assert found["comparison"]["difference"]["bias"] == pytest.approx(-1, abs=1e-5)
    off = project.read_raster("off")
    assert np.array_equal(np.ma.getmaskarray(off), ~known)
    np.testing.assert_allclose(off.data[known], (PREDICTED - REFERENCE)[known], atol=1e-6)
    closer = project.read_raster("closer")
    assert np.array_equal(np.ma.getmaskarray(closer), ~known)
    expected = np.abs(difference - 1) - np.abs(difference)
    np.testing.assert_allclose(closer.data[known], expected, atol=1e-5)
    assert found["comparison"]["classification_closer"] == (closer > 0).sum()
    told = project.run("r.info", map="off").stdout
    assert "predicted@PERMANENT minus reference@PERMANENT" in told and "FCELL" in told
    text = files["report"].read_text()
    for words in ("Residuals", "Scatter", "RMSE", "By range of the reference", "are in m."):
        assert words in text
    assert files["plot"].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"reference": "classes"},
            ["holds values (floating point type)", "classes (CELL)", "float()"],
        ),
        ({"reference": "reference", "distance": 1}, ["Option distance is for maps of classes"]),
        (
            {"reference": "reference", "design": "random"},
            ["design=random is for points", "r.to.vect"],
        ),
        (
            {"points": "plots", "column": "height", "design": "stratified"},
            ["design=stratified needs strata, the raster map in whose categories"],
        ),
        (
            {"points": "plots", "column": "height", "strata": "classes"},
            ["Option strata is for design=stratified, not random"],
        ),
        ({"points": "plots"}, ["give column=, a column of numbers of <plots@PERMANENT>"]),
        ({"reference": "reference", "compare": "classes"}, ["compare <classes@PERMANENT> classes"]),
        (
            {"points": "plots", "column": "height", "residuals": "r"},
            ["Option residuals needs a reference or areas, not points"],
        ),
        ({"reference": "reference", "matrix": "m.csv"}, ["Option matrix is for maps of classes"]),
    ],
)
def test_what_is_for_classes_is_refused_in_one_line(project, options, words):
    found = project.run("i.dl.evaluate", check=False, classification="predicted", **options)
    fails_with(found, *words)


def test_classes_against_values_are_refused(project):
    found = project.run(
        "i.dl.evaluate", check=False, classification="classes", reference="reference"
    )
    fails_with(found, "<reference@PERMANENT> is of floating point type", "classes are integers")


def test_strata_of_classes_are_refused(project):
    found = project.run(
        "i.dl.evaluate", check=False, classification="classes", points="plots", column="height",
        design="stratified", strata="classes",
    )  # fmt: skip
    fails_with(found, "Option strata is for maps of values", "leave strata out")


def test_residuals_of_classes_are_refused(project):
    found = project.run(
        "i.dl.evaluate", check=False, classification="classes", reference="classes", residuals="r"
    )
    fails_with(found, "Option residuals is for maps of values", "<classes> holds classes")


def test_sample_points_are_compared_one_by_one(project, tmp_path):
    page = tmp_path / "page.html"
    found = evaluated(project, points="plots", column="height", compare="other", report=page)
    difference = PREDICTED[POINTS] - np.round(REFERENCE[POINTS], 2)
    assert (found["design"], found["pixels"]) == ("random", len(difference))
    assert found["rmse"] == pytest.approx(np.sqrt((difference**2).mean()), abs=1e-4)
    assert found["intervals"]["method"] == "bootstrap of points"
    both = found["comparison"]
    assert both["compare"]["bias"] == pytest.approx(difference.mean() - 1, abs=1e-4)
    assert both["classification_closer"] == (np.abs(difference) < np.abs(difference - 1)).sum()
    assert "Scatter" in page.read_text()


def test_points_of_strata_count_the_cells_that_they_represent(project):
    """The reference is above 10 in two thirds of the cells, and at more or fewer of the points."""
    found = evaluated(
        project, points="plots", column="height", design="stratified", strata="classes"
    )
    known = np.isfinite(REFERENCE)
    difference = PREDICTED[POINTS] - np.round(REFERENCE[POINTS], 2)
    high = REFERENCE[POINTS] > 10
    # NULL of the reference was written as class 0.
    shares = np.array([(~(REFERENCE > 10)).sum(), (REFERENCE > 10).sum()]) / REFERENCE.size
    assert not known.all()
    expected = shares @ [difference[~high].mean(), difference[high].mean()]
    assert found["bias"] == pytest.approx(expected, abs=1e-4)
    assert (found["strata"], found["pixels"]) == ("classes@PERMANENT", len(difference))
    assert found["intervals"]["method"] == "bootstrap of points within strata"
    low, top = found["intervals"]["bias"]
    assert low < expected < top
    assert sum(one["pixels"] for one in found["ranges"]) == len(difference)


def test_cells_of_areas_have_the_value_of_their_column(project):
    done = project.run(
        "i.dl.evaluate", classification="predicted", format="json", areas="stands", column="height"
    )
    found = json.loads(done.stdout)
    assert "label nothing: 1 of 2 of column <height>; set a finer" in " ".join(done.stderr.split())
    inside = PREDICTED[10:20, 10:20]
    assert (found["design"], found["pixels"]) == ("census", 100)
    assert found["bias"] == pytest.approx(inside.mean() - 12, abs=1e-4)
    assert found["mae"] == pytest.approx(np.abs(inside - 12).mean(), abs=1e-4)
    assert found["r2"] is None
    left = project.run("g.list", type="raster", pattern="i_dl_*").stdout
    assert left == ""
