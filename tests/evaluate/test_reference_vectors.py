# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.evaluate with points and areas for a reference, and with a second map."""

import json

import numpy as np
import pytest

SIZE = 12
LABELS = "1:meadow\n2:bâti, dense\n3:water\n"


@pytest.fixture(scope="module")
def project_of_maps(new_project, tmp_path_factory):
    project = new_project(tmp_path_factory.mktemp("maps"))
    columns = np.arange(SIZE) * np.ones((SIZE, 1), int)
    project.write_raster("map", np.where(columns < 6, 1, 2))
    project.write_raster("truth", np.where(columns < 8, 1, 2))
    project.write_raster("other", np.where(columns < 7, 1, 3))
    for name in ("map", "truth", "other"):
        project.run("r.category", map=name, separator=":", rules="-", stdin=LABELS)
    return project


@pytest.fixture
def maps(grass_project, project_of_maps):
    """`map`: class 1 in the west, 2 in the east; `truth`: the border two columns further east."""
    grass_project.take_maps_of(project_of_maps)


@pytest.fixture
def points(run):
    """Makes a vector map of points: east, north, class as a number and as a text."""

    def make(*rows):
        lines = [f"{e}|{n}|{cat}|{c}|{text}" for cat, (e, n, c, text) in enumerate(rows, start=1)]
        columns = "x double precision, y double precision, cat integer, class integer, name text"
        run(
            "v.in.ascii",
            input="-",
            output="points",
            cat=3,
            columns=columns,
            stdin="\n".join(lines) + "\n",
        )

    return make


@pytest.fixture(scope="module")
def project_of_areas(new_project, tmp_path_factory):
    project = new_project(tmp_path_factory.mktemp("areas"))
    run = project.run
    text = "".join(
        f"B 5\n {w} 0\n {w} 12\n {e} 12\n {e} 0\n {w} 0\nC 1 1\n {w + 1} 6\n 1 {cat}\n"
        for cat, (w, e) in enumerate([(0, 4), (6, 10)], start=7)
    )
    run("v.in.ascii", flags="n", input="-", output="areas", format="standard", stdin=text)
    columns = "class integer, name text, share double precision"
    run("v.db.addtable", map="areas", columns=columns)
    rows = "".join(
        f"UPDATE areas SET class = {number}, name = '{name}' WHERE cat = {cat};\n"
        for cat, number, name in ((7, 1, "meadow"), (8, 2, "bâti, dense"))
    )
    run("db.execute", input="-", stdin=rows)
    return project


@pytest.fixture
def areas(grass_project, project_of_areas):
    """A vector map of two areas, 4 x 12 cells each, classes meadow and "bâti, dense"."""
    grass_project.take_maps_of(project_of_areas)


SAMPLE = [
    (0.5, 0.5, 1, "meadow"),
    (3.5, 7.5, 1, "meadow"),
    (5.9, 11.9, 2, "bâti, dense"),
    (6.5, 3.5, 2, "bâti, dense"),
    (11.5, 0.1, 2, "bâti, dense"),
    (9.5, 9.5, 1, "meadow"),
]
SAMPLE_COUNTS = [[2, 1], [1, 2]]


def evaluate(run, **options):
    return run("i.dl.evaluate", **{"classification": "map", **options})


def report_of(run, **options):
    return json.loads(evaluate(run, format="json", **options).stdout)


def fails_with(result, *words):
    """Status 1, nothing on stdout, and one error with all the words."""
    assert (result.returncode, result.stdout) == (1, "")
    before, *errors = " ".join(result.stderr.split()).split("ERROR: ")
    assert len(errors) == 1
    assert "Traceback" not in before
    for word in words:
        assert word in errors[0]


@pytest.mark.parametrize("column", ["class", "name"])
def test_points_give_area_adjusted_figures(run, maps, points, column):
    points(*SAMPLE)
    report = report_of(run, points="points", column=column)
    assert report["reference"] == "points@PERMANENT"
    assert report["design"] == "random"
    assert report["confusion_matrix"] == {"classes": [1, 2], "counts": SAMPLE_COUNTS}
    assert [one["label"] for one in report["classes"]] == ["meadow", "bâti, dense"]
    adjusted = report["area_adjusted"]
    # Both classes are mapped on half of 144 square metres.
    assert adjusted["mapped_ha"] == pytest.approx(0.0144)
    assert adjusted["overall_accuracy"] == pytest.approx(2 / 3)
    error = np.sqrt(2 * 0.25 * (2 / 3 * 1 / 3) / 2)
    assert adjusted["overall_accuracy_error"] == pytest.approx(error)
    assert adjusted["sample_size"] == {"standard_error": 0.01, "points": 2223}
    assert "intervals" not in report


def test_categories_are_the_classes_without_a_column(run, maps, points):
    points(*SAMPLE[:2])
    report = report_of(run, points="points", design="stratified", standard_error=0.05)
    assert report["confusion_matrix"] == {"classes": [1, 2], "counts": [[1, 1], [0, 0]]}
    assert report["area_adjusted"]["classes_without_points"] == [2]
    assert report["area_adjusted"]["overall_accuracy"] is None


def test_points_where_the_map_is_null_are_left_out(run, maps, points):
    points(*SAMPLE)
    run("r.mapcalc", expression="map = if(row() == 12, null(), map)", overwrite=True)
    report = report_of(run, points="points", column="class")
    assert report["pixels"] == 4
    assert report["left_out"]["null_in_classification"] == 2


def test_points_listing_and_page_are_written(run, maps, points, tmp_path):
    points(*SAMPLE)
    page = tmp_path / "page.html"
    listing = evaluate(run, points="points", column="class", report=page).stdout
    assert "AREA-ADJUSTED ACCURACY" in listing
    assert max(map(len, listing.splitlines())) <= 80
    assert page.read_text().count("<img") == 1


def test_texts_of_digits_are_class_values(run, maps, points):
    points(*((e, n, value, str(value)) for e, n, value, _ in SAMPLE))
    report = report_of(run, points="points", column="name")
    assert report["confusion_matrix"] == {"classes": [1, 2], "counts": SAMPLE_COUNTS}


def test_a_text_that_is_the_value_of_one_class_and_the_label_of_another_is_refused(
    run, maps, points
):
    points(*((e, n, value, str(value)) for e, n, value, _ in SAMPLE))
    run("r.category", map="map", separator=":", rules="-", stdin="1:2\n2:7\n")
    result = evaluate(run, points="points", column="name", check=False)
    fails_with(result, "<2> is a class value, but the label of class 1 of <map@PERMANENT>")


def test_point_outside_the_region_is_refused(run, maps, points):
    points(*SAMPLE, (12.5, 3, 1, "meadow"))
    result = evaluate(run, points="points", column="class", check=False)
    fails_with(result, "1 of 7 points", "outside the region", "12.5, 3")


def test_text_that_matches_no_label_is_refused(run, maps, points):
    points(*SAMPLE, (1.5, 3, 1, "Meadow"))
    result = evaluate(run, points="points", column="name", check=False)
    fails_with(result, "<Meadow>", "matches no label of <map@PERMANENT>", "bâti, dense")


def test_point_without_class_is_refused(run, maps, points):
    points(*SAMPLE, (1.5, 3, 1, ""))
    result = evaluate(run, points="points", column="name", check=False)
    fails_with(result, "1 of 7 points", "category 7")


def test_number_that_is_no_class_value_is_refused(run, maps, points):
    points(*SAMPLE, (1.5, 3, -1, "meadow"))
    result = evaluate(run, points="points", column="class", check=False)
    fails_with(result, "Column <class> of <points@PERMANENT>", "-1")


def test_bad_input_ends_in_one_line(run, maps, areas):
    for options, words in [
        ({"points": "nowhere"}, ["Vector map <nowhere> not found"]),
        ({"points": "areas"}, ["no points"]),
        ({"areas": "areas", "column": "nothing"}, ["no column <nothing>", "class"]),
        ({"areas": "areas", "column": "share"}, ["No area of <areas@PERMANENT> has a class"]),
        ({"areas": "areas", "layer": 2, "column": "class"}, ["no table in layer 2"]),
        ({"areas": "areas", "layer": 7}, ["no areas with a category in layer 7: use points="]),
        ({"areas": "areas", "design": "random"}, ["clusters of cells"]),
        ({"points": "areas", "design": "census"}, ["Points are a sample"]),
        ({"points": "areas", "distance": 2}, ["distance", "not points"]),
        ({"reference": "truth", "distance": -1}, ["distance takes a number of 0 or more", "-1"]),
        ({"reference": "truth", "objects": 9}, ["Class 9", "1, 2"]),
        ({"reference": "truth", "block_size": 0}, ["block_size takes a whole number of 1"]),
        ({"reference": "truth", "standard_error": 2}, ["<standard_error>"]),
        (
            {"reference": "truth", "probabilities": "p"},
            ["<p_1> not found", "every class: p_1, p_2"],
        ),
        ({"reference": "truth", "compare": "nothing"}, ["<nothing> not found"]),
    ]:
        fails_with(evaluate(run, check=False, **options), *words)


@pytest.mark.parametrize("column", ["class", "name"])
def test_areas_are_rasterized_and_compared_cell_by_cell(run, maps, areas, grass_project, column):
    before = grass_project.maps()
    report = report_of(run, areas="areas", column=column)
    assert report["confusion_matrix"] == {"classes": [1, 2], "counts": [[48, 0], [0, 48]]}
    assert report["left_out"]["null_in_reference"] == 48
    assert report["intervals"]["blocks"] == 96
    assert grass_project.maps() == before


def test_areas_between_cell_centres_are_told(run, maps, areas):
    run("g.region", n=12, s=0, w=0, e=12, nsres=1, ewres=12)
    result = evaluate(run, areas="areas", column="class")
    told = " ".join(result.stderr.split())
    assert "label nothing: 1 of 1 of class <meadow>; set a finer resolution with g.region" in told


def test_areas_without_column_have_their_categories_for_classes(run, maps, areas):
    run("r.mapcalc", expression="map = map + 6", overwrite=True)
    report = report_of(run, areas="areas")
    assert report["confusion_matrix"]["counts"] == [[48, 0], [0, 48]]


def test_cells_outside_the_areas_are_the_background_where_there_is_one(run, areas, write_raster):
    columns = np.arange(SIZE) * np.ones((SIZE, 1), int)
    write_raster("map", np.where(columns < 6, 1, np.where(columns < 10, 2, 0)))
    options = {"areas": "areas", "column": "class", "objects": 1}
    report = report_of(run, background=0, **options)
    assert report["confusion_matrix"]["counts"] == [[24, 0, 0], [24, 48, 0], [0, 0, 48]]
    assert report["background"] == 0
    assert [one["label"] for one in report["classes"]] == ["background", "1", "2"]
    assert report["classes"][1]["precision"] == pytest.approx(48 / 72)
    # The mapped object is not clipped to the area.
    assert report["objects"][0]["area_bias"] == pytest.approx(0.5)
    assert report["left_out"]["null_in_reference"] == 0


def test_a_text_class_without_a_mapped_cell_has_recall_0(run, areas, write_raster):
    everywhere = np.ones((SIZE, SIZE))
    write_raster("map", everywhere.astype(int))
    run("r.category", map="map", separator=":", rules="-", stdin=LABELS)
    write_raster("p_1", 0.75 * everywhere)
    write_raster("p_3", 0.25 * everywhere)
    result = evaluate(run, areas="areas", column="name", probabilities="p", format="json")
    report = json.loads(result.stdout)
    assert report["confusion_matrix"] == {"classes": [1, 2], "counts": [[48, 48], [0, 0]]}
    assert [one["recall"] for one in report["classes"]] == [1, 0]
    assert report["classes"][1]["label"] == "bâti, dense"
    warned = " ".join(result.stderr.split())
    assert "Classes of the reference without a map p_VALUE: 2" in warned
    assert report["calibration"]["classes_without_probability"] == [2]
    assert report["calibration"]["reliability"][0]["accuracy"] == 0.5
    # Water, which is in neither map, has its share.
    brier = (2 * 0.25**2 + 0.75**2 + 0.25**2 + 1) / 2
    assert report["calibration"]["brier_score"] == pytest.approx(brier)


def test_overlapping_areas_and_contradicting_labels_are_warned_of(run, maps):
    # A house on a meadow: where they overlap the category that comes first counts.
    box = "B 5\n {w} {s}\n {w} {n}\n {e} {n}\n {e} {s}\n {w} {s}\n"
    sides = [{"w": 0, "s": 0, "e": 12, "n": 12}, {"w": 2, "s": 2, "e": 5, "n": 5}]
    text = "".join(box.format(**one) for one in sides)
    text += "C 1 1\n 9 9\n 1 1\nC 1 2\n 3 3\n 1 1\n 1 2\n"
    run("v.in.ascii", flags="n", input="-", output="over", format="standard", stdin=text)
    run("r.category", map="other", separator=":", rules="-", stdin="1:pasture\n3:lake\n")
    result = evaluate(run, areas="over", compare="other")
    warned = " ".join(result.stderr.split())
    assert "Areas that belong to several classes, since polygons overlap: 1" in warned
    assert "<meadow> before <bâti, dense>" in warned
    assert "class 1 is <meadow> in <map@PERMANENT> and <pasture> in <other@PERMANENT>" in warned
    # No other map has a cell of it.
    assert "class 3 is <water> in <map@PERMANENT> and <lake> in <other@PERMANENT>" in warned


def test_second_map_is_compared_and_the_difference_mapped(run, maps, read_raster):
    report = report_of(run, reference="truth", compare="other", difference="difference")
    found = report["comparison"]
    assert found["pixels"] == 144
    assert (found["only_classification_right"], found["only_compare_right"]) == (48, 12)
    assert found["classification"]["overall_accuracy"] == pytest.approx(10 / 12)
    assert found["compare"]["overall_accuracy"] == pytest.approx(7 / 12)
    assert [one["value"] for one in found["classes"]] == [1, 2, 3]
    assert found["mcnemar"]["statistic"] == pytest.approx(35**2 / 60)
    assert read_raster("difference")[5].tolist() == [1] * 6 + [3, 4] + [2] * 4
    labels = run("r.category", map="difference", separator=":").stdout.splitlines()
    assert labels == [
        "1:both right",
        "2:only map@PERMANENT right",
        "3:only other@PERMANENT right",
        "4:both wrong",
    ]
    again = evaluate(run, reference="truth", compare="other", difference="difference", check=False)
    fails_with(again, "difference", "exists")
    inputs = {"reference": "truth", "compare": "other"}
    itself = evaluate(run, difference="other", overwrite=True, check=False, **inputs)
    fails_with(itself, "<other> is also an input")
    inputs["probabilities"] = "p"
    one_of_them = evaluate(run, difference="p_1", overwrite=True, check=False, **inputs)
    fails_with(one_of_them, "<p_1> is also an input")


def test_a_stratified_sample_tells_of_the_region_which_map_is_better(run, write_raster, points):
    # Class 2 is mapped on a twelfth, where half of the points lie. The first map is right in all
    # of it and in four of six cells elsewhere; the second is right elsewhere and in none of it.
    columns, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    write_raster("map", np.where(columns == 11, 2, 1))
    write_raster("other", np.where(rows % 3, 1, np.where(columns == 11, 1, 3)))
    elsewhere = [(n + 0.5, n + 0.5, 1 if n % 3 != 2 else 3, "") for n in range(6)]
    points(*elsewhere, *((11.5, n + 0.5, 2, "") for n in range(6)))
    options = {"points": "points", "column": "class", "design": "stratified", "compare": "other"}
    found = report_of(run, **options)["comparison"]
    assert found["classification"]["overall_accuracy"] == pytest.approx(11 / 12 * 4 / 6 + 1 / 12)
    assert found["compare"]["overall_accuracy"] == pytest.approx(11 / 12)
    assert found["difference"]["overall_accuracy"] == pytest.approx(11 / 12 / 3 - 1 / 12)


def test_borders_objects_and_calibration_are_told_where_asked_for(run, maps, write_raster):
    truth = np.arange(SIZE) * np.ones((SIZE, 1)) < 8
    write_raster("p_1", np.where(truth, 0.9, 0.2).astype(np.float32))
    write_raster("p_2", np.where(truth, 0.1, 0.8).astype(np.float32))
    options = {"distance": "1,2", "objects": 2, "probabilities": "p"}
    report = report_of(run, reference="truth", **options)
    assert [one["f1_macro"] for one in report["borders"]] == [0, 1]
    (building,) = report["objects"]
    assert (building["predicted"], building["support"], building["matched"]) == (1, 1, 1)
    assert building["area_bias"] == pytest.approx(0.5)
    brier = (8 * (0.01 + 0.01) + 4 * (0.04 + 0.04)) / 12
    assert report["calibration"]["brier_score"] == pytest.approx(brier, abs=1e-6)
    listing = evaluate(run, reference="truth", compare="other", **options).stdout
    assert max(map(len, listing.splitlines())) <= 80
    for heading in ("COMPARISON", "BORDERS", "OBJECTS", "CALIBRATION"):
        assert f"\n{heading} " in listing


def test_sampled_cells_of_a_raster_reference_give_area_adjusted_figures(run, maps):
    run("r.mapcalc", expression="few = if(row() == 3, truth, null())")
    report = report_of(run, reference="few", design="stratified")
    assert report["confusion_matrix"]["counts"] == [[6, 0], [2, 4]]
    assert report["area_adjusted"]["overall_accuracy"] == pytest.approx(10 / 12)
    assert report["area_adjusted"]["mapped_ha"] == pytest.approx(0.0144)
