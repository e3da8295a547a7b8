# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.evaluate in a GRASS session."""

import ast
import csv
import json
import os
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest

from one_error import fails_with
from paths import LIBRARY

# The matrix of GRASS's own test of r.kappa, 18 cells.
COUNTS = [
    [4, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [0, 1, 4, 0, 0, 0],
    [3, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 1, 0],
    [0, 2, 0, 0, 0, 2],
]
SIZE = 12
"""Rows and columns of the test project's region."""


def grid(values, rest):
    """The region's cells, the first ones as given, the others `rest`; NaN is NULL."""
    cells = np.full(SIZE * SIZE, rest, np.float64)
    cells[: len(values)] = values
    null = np.isnan(cells)
    codes = np.where(null, 0, cells).astype(np.int32)
    return np.ma.array(codes, mask=null).reshape(SIZE, SIZE)


@pytest.fixture
def maps(write_raster):
    """Maps `map` and `truth` with the counts of r.kappa's test and NULL in all other cells."""
    pairs = np.argwhere(np.array(COUNTS) >= 0).repeat(np.ravel(COUNTS), axis=0) + 1
    write_raster("map", grid(pairs[:, 0], np.nan))
    write_raster("truth", grid(pairs[:, 1], np.nan))


def evaluate(run, classification="map", reference="truth", **options):
    return run("i.dl.evaluate", classification=classification, reference=reference, **options)


def test_json_has_the_figures_of_r_kappas_own_test(run, maps):
    report = json.loads(evaluate(run, format="json").stdout)
    assert report == {
        "classification": "map@PERMANENT",
        "reference": "truth@PERMANENT",
        "design": "census",
        "pixels": 18,
        "overall_accuracy": pytest.approx(0.6111111, abs=5e-8),
        "kappa": pytest.approx(0.5209125, abs=5e-8),
        "kappa_variance": report["kappa_variance"],
        "kappa_interval": report["kappa_interval"],
        "matthews_correlation": report["matthews_correlation"],
        "precision_macro": pytest.approx(3.3 / 5),
        "recall_macro": pytest.approx((4 / 7 + 0 + 1 + 1 + 2 / 3) / 5),
        "f1_macro": pytest.approx((8 / 11 + 0 + 8 / 9 + 0 + 1 + 4 / 7) / 6),
        "mean_iou": pytest.approx((4 / 7 + 0 + 4 / 5 + 0 + 1 + 2 / 5) / 6),
        "precision_weighted": pytest.approx((7 + 4 * 0.8 + 1 + 3 * 0.5) / 15),
        "recall_weighted": pytest.approx(11 / 18),
        "f1_weighted": pytest.approx((7 * 8 / 11 + 4 * 8 / 9 + 1 + 3 * 4 / 7) / 18),
        "iou_weighted": pytest.approx((4 + 4 * 4 / 5 + 1 + 3 * 2 / 5) / 18),
        "quantity_disagreement": pytest.approx(0.3333333, abs=5e-8),
        "allocation_disagreement": pytest.approx(0.0555556, abs=5e-8),
        "exchange": 0.0,
        "shift": pytest.approx(0.0555556, abs=5e-8),
        "classes": report["classes"],
        "confusion_matrix": {"classes": [1, 2, 3, 4, 5, 6], "counts": COUNTS},
        "left_out": {
            "masked": 0,
            "null_in_classification": 0,
            "null_in_reference": 0,
            "null_in_both": SIZE * SIZE - 18,
        },
        "intervals": report["intervals"],
    }
    classes = report["classes"]
    assert [one["value"] for one in classes] == [1, 2, 3, 4, 5, 6]
    assert [one["precision"] for one in classes] == [1, None, 0.8, 0, 1, 0.5]
    assert [one["recall"] for one in classes] == pytest.approx([4 / 7, 0, 1, None, 1, 2 / 3])
    assert [one["support"] for one in classes] == [7, 3, 4, 0, 1, 3]
    assert [one["predicted"] for one in classes] == [4, 0, 5, 4, 1, 4]


def test_stdout_holds_only_the_result(run, maps):
    result = evaluate(run)
    assert result.stdout.startswith("Classification: map@PERMANENT\n")
    assert "\nAllocation disagreement  0.0556  [" in result.stdout
    assert result.stdout.endswith("18 blocks of 1 x 1 cells.\n")
    assert "100%" not in result.stdout
    assert "report=FILE.html" in result.stderr.splitlines()[-1]


def test_quiet_run_says_nothing_on_stderr(run, maps):
    assert evaluate(run, quiet=True).stderr.strip() == ""


def test_null_and_masked_cells_are_left_out_and_counted_by_reason(run, write_raster):
    nan = np.nan
    write_raster("map", grid([nan, nan, 1, 2, nan], rest=1))
    write_raster("truth", grid([1, nan, nan, 2, nan], rest=1))
    # The mask's hole covers the last row.
    write_raster(
        "MASK", np.ma.masked_equal(np.arange(SIZE)[:, None] + np.ones((1, SIZE), int), SIZE)
    )
    report = json.loads(evaluate(run, format="json").stdout)
    assert report["left_out"] == {
        "masked": SIZE,
        "null_in_classification": 1,
        "null_in_reference": 1,
        "null_in_both": 2,
    }
    assert report["pixels"] == SIZE * SIZE - SIZE - 4
    listing = evaluate(run).stdout
    assert f"Left out:       {SIZE} masked" in listing
    assert "Left out:       1 NULL in the reference only" in listing


def test_only_the_region_is_compared(run, write_raster):
    write_raster("map", grid([], rest=1))
    write_raster("truth", grid([2, 1], rest=1))
    run("g.region", n=12, s=11, w=0, e=2)
    report = json.loads(evaluate(run, format="json").stdout)
    assert report["confusion_matrix"] == {"classes": [1, 2], "counts": [[1, 1], [0, 0]]}


def test_labels_with_separators_and_other_alphabets_come_through(run, maps, tmp_path):
    rules = tmp_path / "labels"
    rules.write_text('1:bâti, "dense" | a\n3:森林;x\n', encoding="utf-8")
    run("r.category", map="truth", rules=rules, separator=":")
    rules.write_text("3:not this one\n4:only here\n", encoding="utf-8")
    run("r.category", map="map", rules=rules, separator=":")
    report = json.loads(evaluate(run, format="json").stdout)
    labels = [one["label"] for one in report["classes"]]
    assert labels == ['bâti, "dense" | a', "2", "森林;x", "only here", "5", "6"]
    assert "森林;x" in evaluate(run).stdout


def map_classes(project, raster, values):
    """What the library finds out about a map's classes in a session of the project."""
    program = (
        "from grassdl.gis.raster.categories import map_classes\n"
        f"print([(one.label, one.color) for one in map_classes({raster!r}, {values!r})])"
    )
    library = LIBRARY
    path = f"{library}:{project.environment['PYTHONPATH']}"
    environment = {**project.environment, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    return ast.literal_eval(done.stdout.decode())


def test_class_colors_come_from_the_color_table(run, maps, grass_project):
    run("r.colors", map="truth", rules="-", stdin="1 200:0:0\n2 0:0:200\n")
    classes = map_classes(grass_project, "truth", [1, 2, 9])
    assert classes[:2] == [("1", "200:0:0"), ("2", "0:0:200")]
    assert classes[2] == ("9", "230:159:0")


def test_color_table_that_shows_all_classes_alike_is_not_used(run, maps, grass_project):
    run("r.colors", map="truth", rules="-", stdin="0 10:10:10\n255 12:12:12\n")
    colors = [color for _, color in map_classes(grass_project, "truth", list(range(1, 31)))]
    assert len(set(colors)) == 30
    assert colors[0] == "230:159:0"


def test_maps_are_found_in_the_mapset_they_name(run, maps):
    result = evaluate(run, classification="map@PERMANENT", format="json")
    assert json.loads(result.stdout)["pixels"] == 18


def test_report_matrix_and_plot_are_written_to_files(run, maps, tmp_path):
    output, matrix, plot = tmp_path / "a b.csv", tmp_path / "matrix.csv", tmp_path / "plot"
    result = evaluate(run, format="csv", output=output, matrix=matrix, plot=plot)
    assert result.stdout == ""
    rows = list(csv.DictReader(output.open()))
    assert rows[0] == {"metric": "pixels", "class": "", "label": "", "value": "18"}
    table = list(csv.reader(matrix.open()))
    assert [[int(count) for count in row[1:]] for row in table[1:]] == COUNTS
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(output.stat().st_mode) & stat.S_IRUSR
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("option", ["output", "matrix", "plot"])
def test_existing_file_is_kept_without_overwrite(run, maps, tmp_path, option):
    there, other = tmp_path / "there", tmp_path / "other"
    there.write_text("precious")
    files = {"matrix": other, option: there} if option != "matrix" else {"matrix": there}
    result = evaluate(run, check=False, **files)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "exists" in result.stderr
    assert there.read_text() == "precious"
    assert not other.exists()
    evaluate(run, overwrite=True, **files)
    assert there.read_bytes() != b"precious"


def test_file_in_a_missing_folder_is_refused_before_anything_is_written(run, maps, tmp_path):
    output = tmp_path / "report"
    result = evaluate(run, check=False, output=output, plot=tmp_path / "nowhere" / "plot.png")
    fails_with(result, "nowhere", "not found")
    assert not output.exists()


def test_same_file_for_two_outputs_is_refused(run, maps, tmp_path):
    result = evaluate(run, check=False, output=tmp_path / "one", matrix=tmp_path / "one")
    fails_with(result, "named twice")


def test_missing_map_is_refused(run, maps):
    result = evaluate(run, reference="nowhere", check=False)
    fails_with(result, "Raster map <nowhere> not found")


def test_floating_point_map_is_refused(run, maps, write_raster):
    write_raster("heights", np.ones((SIZE, SIZE)))
    result = evaluate(run, reference="heights", check=False)
    fails_with(result, "heights@PERMANENT", "floating point")


def test_maps_without_a_cell_in_common_are_refused(run, write_raster):
    write_raster("map", grid([1, 2], rest=np.nan))
    write_raster("truth", grid([np.nan, np.nan], rest=1))
    fails_with(evaluate(run, check=False), "no cell in common")


def test_region_without_data_is_refused(run, maps):
    run("g.region", n=112, s=100, w=0, e=12)
    fails_with(evaluate(run, check=False), "no cell in common", "region")


def test_maps_without_a_class_in_common_are_refused(run, write_raster):
    write_raster("map", grid([10], rest=20))
    write_raster("truth", grid([1], rest=2))
    fails_with(evaluate(run, check=False), "No class of reference", "(1, 2)", "(10, 20)")


def test_segments_tell_accuracy_by_segment(run, write_raster):
    rows, cols = np.indices((SIZE, SIZE))
    truth = 1 + cols // 6
    write_raster("truth", truth)
    write_raster("map", np.where((rows == 0) | (cols == 11), 3 - truth, truth))
    write_raster("seg", np.where(rows < 1, -5, np.where(rows < 6, 0, 2)) * 100 + cols // 3)
    report = json.loads(evaluate(run, segments="seg", format="json").stdout)["segments"]
    assert (report["map"], report["segments"]) == ("seg@PERMANENT", 12)
    # Those of the first row are wrong; the column at the right is mended but in that row.
    assert report["accuracy"] == pytest.approx(8 / 12)
    assert (
        report["accuracy_weighted"]
        == report["pixel_accuracy_by_segment"]
        == pytest.approx(132 / 144)
    )
    assert report["pixel_accuracy"] == pytest.approx(121 / 144)
    assert "12 segments of 144 cells" in evaluate(run, segments="seg").stdout


@pytest.mark.parametrize(
    "options, word",
    [
        ({"segments": "none"}, "<none> not found"),
        ({"segments": "real"}, "segment ids are integers"),
    ],
)
def test_segments_that_are_none_are_refused(run, maps, options, word):
    run("r.mapcalc", expression="real = 0.5")
    fails_with(evaluate(run, check=False, **options), word)


def test_segments_do_not_go_with_points(run):
    result = run("i.dl.evaluate", check=False, classification="map", points="some", segments="seg")
    fails_with(result, "segments", "not points")


def test_value_below_0_is_refused(run, write_raster):
    write_raster("map", grid([], rest=1))
    write_raster("truth", grid([-9999], rest=1))
    fails_with(evaluate(run, check=False), "truth@PERMANENT", "-9999")


def test_map_of_more_than_254_values_is_refused(run, maps):
    run("g.region", rows=16, cols=16)
    run("r.mapcalc", expression="many = row() * 100 + col()")
    run("r.mapcalc", expression="one = 101")
    result = evaluate(run, "many", "one", check=False)
    fails_with(result, "many@PERMANENT", "too many different values", "254")


def test_one_class_in_both_maps_leaves_kappa_undefined(run, write_raster):
    write_raster("map", grid([], rest=3))
    report = json.loads(evaluate(run, reference="map", format="json").stdout)
    assert report["overall_accuracy"] == 1
    assert report["kappa"] is None
    assert report["kappa_variance"] is None


def test_ctrl_c_leaves_no_files(grass_project, maps, tmp_path):
    # So many cells take seconds to count.
    grass_project.run("g.region", rows=20000, cols=20000)
    outputs = {"output": "report.txt", "matrix": "matrix.csv", "plot": "plot.png"}
    words = grass_project.command(
        "i.dl.evaluate", classification="map", reference="truth", **outputs
    )
    process = subprocess.Popen(
        words,
        env=grass_project.environment,
        cwd=tmp_path,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Counting has begun when the first percentage is told.
    while (letter := process.stderr.read(1)) != "%":
        assert letter
    before = set(tmp_path.iterdir())
    os.killpg(process.pid, signal.SIGINT)
    _, messages = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in messages
    assert "ERROR: " in messages
    assert set(tmp_path.iterdir()) == before
    assert not any((tmp_path / name).exists() for name in outputs.values())
