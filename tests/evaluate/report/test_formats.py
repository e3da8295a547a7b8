# SPDX-License-Identifier: GPL-2.0-or-later
"""The report as a listing, as CSV, and as pictures."""

import csv
import io
import json

import numpy as np
import pytest

from array_rows import ArrayMaps
from grassdl.core import accuracy, plots
from grassdl.core.classes import MapClass
from grassdl.core.text import columns
from grassdl.evaluate.map_assessment import assess
from grassdl.evaluate.report import formats
from grassdl.evaluate.report import text as listing
from grassdl.evaluate.settings import Settings
from grassdl.io.atomic import check_output_files, write_files
from grassdl.io.json_records import as_json

AWKWARD = [
    MapClass(1, 'bâti, "dense" | high', "200:0:0"),
    MapClass(20, "a label that nobody would ever want to print in full", "0:200:0"),
    MapClass(300, "森林\n$x_2$", "0:0:200"),
]
COUNTS = np.array([[50, 3, 2], [4, 40, 1], [0, 0, 0]])


def report_of(size, most=10**9):
    counts = np.random.default_rng(1).integers(0, most, (size, size))
    classes = [MapClass(7 * index, f"class {index}", "1:2:3") for index in range(size)]
    return accuracy.report(counts, classes)


@pytest.fixture
def report():
    return accuracy.report(COUNTS, AWKWARD)


def test_listing_shows_matrix_classes_and_summary(report):
    text = listing.plain(report)
    lines = text.splitlines()
    assert "Cells counted:  100" in lines
    heads = lines.index("CONFUSION MATRIX")
    assert lines[heads + 2].split() == ["1", "20", "300", "Total"]
    assert lines[heads + 3].split()[-4:] == ["50", "3", "2", "55"]
    assert lines[heads + 6].split() == ["Total", "54", "43", "3", "100"]
    assert "(user's)  (producer's)" in text
    forest = next(line for line in lines if "森林" in line and "0.0000" in line)
    assert forest.split()[-6:] == ["-", "0.0000", "0.0000", "0.0000", "3", "0"]
    assert "Overall accuracy         0.9000" in lines
    kappa = next(line for line in lines if line.startswith("Kappa "))
    assert f"{report['kappa']:.4f}" in kappa
    assert f"variance {report['kappa_variance']:.5g}" in text


def test_listing_shortens_long_labels_and_keeps_control_characters_out(report):
    text = listing.plain(report)
    assert "would ever want to print in full" not in text
    assert "20 a label that nob" in text
    assert "森林 $x_2$" in text


@pytest.mark.parametrize("size", [1, 2, 7, 20, 21, 254])
@pytest.mark.parametrize("most", [2, 10**9])
def test_listing_is_80_columns_wide_whatever_the_number_of_classes(size, most):
    text = listing.plain(report_of(size, most))
    assert max(map(len, text.splitlines())) <= listing.WIDTH
    assert len(text.splitlines()) < 2 * size + 150


def test_listing_of_awkward_labels_is_80_columns_wide(report):
    wide = "森" * 60
    report["classes"][0]["label"] = wide
    for line in listing.plain(report).splitlines():
        assert len(line) + line.count("森") + line.count("林") <= listing.WIDTH


@pytest.fixture(params=["census", "stratified"])
def full_report(request):
    """A report with all its parts, on classes with awkward labels and huge areas."""
    rng = np.random.default_rng(5)
    truth, mapped, other = rng.choice([1, 20, 300], (3, 40, 50)).astype(np.int32)
    mapped[:30] = truth[:30]
    shares = [np.full(truth.shape, 1 / 3, np.float32)] * 3
    labels = {one.value: "森" * 30 + one.label for one in AWKWARD}
    maps = ArrayMaps(mapped, truth, other, shares, labels)
    maps.mapped_areas = lambda where_compared=False: {1: 9e13, 20: 5e13, 300: 1e11}
    settings = Settings(
        design=request.param, distances=(1, 2.5), objects=(1, 300), probabilities="p"
    )
    return assess(maps, settings)


def test_listing_of_all_parts_is_80_columns_wide(full_report):
    text = listing.plain(full_report)
    assert "AREA-ADJUSTED" in text or "95 % INTERVALS BY CLASS" in text
    for heading in ("COMPARISON", "BORDERS", "OBJECTS", "CALIBRATION"):
        assert heading in text
    # McNemar's test does not know what the points of a stratified sample stand for.
    census = full_report["design"] == "census"
    assert ("McNemar's test" in text) == census
    assert ("Difference of overall accuracies" in text) != census
    for line in text.splitlines():
        assert columns(line) <= listing.WIDTH


def test_csv_of_all_parts_names_each_figure_once(full_report):
    rows = list(csv.DictReader(io.StringIO(formats.as_csv(full_report))))
    table = {(row["metric"], row["class"]): row["value"] for row in rows}
    assert len(table) == len(rows)
    comparison = full_report["comparison"]
    test = "mcnemar" if full_report["design"] == "census" else "accuracy_difference"
    assert float(table[f"comparison_{test}_p_value", ""]) == comparison[test]["p_value"]
    f1 = comparison["classes"][1]["f1_difference"]
    assert float(table["comparison_f1_difference", "20"]) == f1
    assert float(table["borders_2.5_f1", "300"]) == full_report["borders"][1]["classes"][2]["f1"]
    assert float(table["objects_area_bias", "1"]) == full_report["objects"][0]["area_bias"]
    if full_report["design"] == "census":
        low, high = full_report["intervals"]["kappa"]
        assert float(table["intervals_kappa_low", ""]) == low
        assert float(table["intervals_kappa_high", ""]) == high
    else:
        area = full_report["area_adjusted"]["classes"][0]["area_ha"]
        assert float(table["area_adjusted_area_ha", "1"]) == area


def test_listing_of_many_classes_shows_the_worst_confusions():
    report = report_of(21, 100)
    report["confusion_matrix"]["counts"][3][5] = 5000
    lines = listing.plain(report).splitlines()
    assert not any(line.startswith("CONFUSION MATRIX") for line in lines)
    worst = lines[lines.index(next(line for line in lines if line.startswith("reference"))) + 1]
    assert worst.split()[:7] == ["35", "class", "5", "21", "class", "3", "5000"]


def test_listing_tells_why_cells_were_left_out(report):
    reasons = {"masked": 7, "null_in_classification": 0, "null_in_reference": 5, "null_in_both": 1}
    text = listing.plain(report | {"left_out": reasons})
    assert "Left out:       7 masked\n" in text
    assert "Left out:       5 NULL in the reference only\n" in text
    assert "Left out:       1 NULL in both maps\n" in text
    assert "NULL in the classification" not in text


def test_json_is_the_report_with_null_for_undefined_figures(report):
    assert json.loads(as_json(report)) == report
    assert report["classes"][2]["precision"] is None


def test_csv_holds_each_figure_of_the_json_once(report):
    report["left_out"] = {"masked": 4}
    rows = list(csv.DictReader(io.StringIO(formats.as_csv(report))))
    table = {(row["metric"], row["class"]): row for row in rows}
    assert len(table) == len(rows)
    assert float(table["kappa", ""]["value"]) == report["kappa"]
    assert int(table["pixels", ""]["value"]) == 100
    assert table["left_out_masked", ""]["value"] == "4"
    assert float(table["f1", "20"]["value"]) == report["classes"][1]["f1"]
    assert table["precision", "300"]["value"] == ""
    assert table["support", "1"]["label"] == AWKWARD[0].label


def test_matrix_csv_is_square_with_values_as_headings(report):
    rows = list(csv.reader(io.StringIO(formats.matrix_csv(report))))
    assert rows[0] == ["classification", "1", "20", "300"]
    assert rows[1] == ["1", "50", "3", "2"]
    assert [row[0] for row in rows[1:]] == ["1", "20", "300"]


def test_files_are_written_together_or_not_at_all(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("before")

    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_files({good: lambda path: path.write_text("after"), bad: fail})
    assert good.read_text() == "before"
    assert list(tmp_path.iterdir()) == [good]


def test_outputs_that_cannot_be_written_are_refused(tmp_path):
    there = tmp_path / "there"
    there.touch()
    assert check_output_files([str(there), ""], overwrite=True) == [there]
    for paths, overwrite, message in [
        ([there], False, "exists"),
        ([tmp_path], True, "not a file"),
        ([tmp_path / "nowhere" / "file"], True, "not found"),
        ([tmp_path / "a", tmp_path / "." / "a"], True, "named twice"),
        (["/dev/null"], True, "not a file"),
    ]:
        with pytest.raises(ValueError, match=message):
            check_output_files(map(str, paths), overwrite)


def image_size(path):
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    return tuple(int.from_bytes(content[place : place + 4], "big") for place in (16, 20))


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("size", [1, 3, 70])
def test_confusion_matrix_is_drawn_at_a_size_that_can_be_looked_at(tmp_path, size):
    plots.confusion_matrix(report_of(size, 100), tmp_path / "picture.part")
    width, height = image_size(tmp_path / "picture.part")
    assert 400 <= height <= width <= 3200


@pytest.mark.filterwarnings("ignore:Glyph")
def test_labels_are_not_read_as_formulas(tmp_path, report):
    report["classes"][0]["label"] = r"$\frac{broken$"
    plots.confusion_matrix(report, tmp_path / "picture.png")
    assert image_size(tmp_path / "picture.png")


def test_history_is_drawn_with_and_without_validation(tmp_path):
    rows = [{"epoch": epoch, "loss": 1 / epoch, "mean_iou": 0.5} for epoch in (1, 2, 3)]
    plots.history(rows, tmp_path / "history.png")
    plots.history(rows[:1], tmp_path / "one.png")
    for row in rows:
        row |= {"val_loss": 1.0, "val_mean_iou": 0.4}
    plots.history(rows, tmp_path / "both.png")
    assert image_size(tmp_path / "both.png") == image_size(tmp_path / "history.png")
    assert (tmp_path / "both.png").read_bytes() != (tmp_path / "history.png").read_bytes()


def test_painted_map_has_the_colors_of_its_classes_and_white_for_the_rest():
    picture = plots.paint(np.array([[0, 2], [1, 255]], np.uint8), AWKWARD)
    assert picture.tolist() == [[[200, 0, 0], [0, 0, 200]], [[0, 200, 0], [255, 255, 255]]]


def test_panel_of_maps_is_drawn(tmp_path):
    picture = plots.paint(np.zeros((40, 60), np.uint8), AWKWARD[:2])
    plots.class_map_panel([("Map", picture), ("Reference", picture)], AWKWARD[:2], tmp_path / "a")
    width, height = image_size(tmp_path / "a")
    assert width > height
    # More than four are put into rows.
    plots.class_map_panel([("Map", picture)] * 7, AWKWARD[:2], tmp_path / "b")
    assert image_size(tmp_path / "b")[0] == 2 * width
    assert image_size(tmp_path / "b")[1] < 2 * height
