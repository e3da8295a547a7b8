# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML report: every figure is that of the JSON, and it can be read in a browser."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from array_rows import NULL_VALUE, ArrayMaps
from grassdl.evaluate.map_assessment import assess
from grassdl.evaluate.report.html import page
from grassdl.evaluate.report.tables import Cell, Figure, Part
from grassdl.evaluate.report.thumbnails import LONG_SIDE_PX, overview
from grassdl.evaluate.settings import Settings

LABELS = {
    1: "<script>alert('a stranger')</script>",
    2: 'meadow & "herbs" ' + "withoutaplacetobreak" * 4,
    3: "森林 ⟶ water",
}


@pytest.fixture(scope="module")
def maps():
    """Three noisy maps of four classes, the fourth missing in the classification."""
    rng = np.random.default_rng(1)
    truth = rng.integers(1, 5, (12, 16)).repeat(5, axis=0).repeat(5, axis=1).astype(np.int32)
    noise = rng.random((2, *truth.shape))
    mapped = np.where((noise[0] < 0.2) | (truth == 4), rng.integers(1, 4, truth.shape), truth)
    other = np.where(noise[1] < 0.4, rng.integers(1, 4, truth.shape), truth)
    mapped[:3] = NULL_VALUE
    shares = [np.where(mapped == value, 0.7, 0.1).astype(np.float32) for value in (1, 2, 3, 4)]
    return ArrayMaps(mapped.astype(np.int32), truth, other.astype(np.int32), shares, LABELS)


@pytest.fixture(scope="module")
def census(maps):
    settings = Settings(distances=(1, 2.5), objects=(1, 4), probabilities="p")
    return json.loads(json.dumps(assess(maps, settings), allow_nan=False))


@pytest.fixture(scope="module")
def sample(maps):
    return json.loads(json.dumps(assess(maps, Settings(design="stratified")), allow_nan=False))


def page_of(report, maps):
    classes = maps.classes([one["value"] for one in report["classes"]])
    pictures = overview(maps.classification, maps.reference, classes)
    description = {"source1": "model <suburb>, unet"}
    return page(report, classes, pictures, description)


class Reader(HTMLParser):
    """Collects tags, their attributes, and the text of `data` elements."""

    def __init__(self):
        super().__init__()
        self.tags, self.figures, self._open = [], [], None

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "data":
            self._open = [dict(attrs), ""]

    def handle_data(self, data):
        if self._open:
            self._open[1] += data

    def handle_endtag(self, tag):
        if tag == "data":
            self.figures.append(tuple(self._open))
            self._open = None


def read(text):
    reader = Reader()
    reader.feed(text)
    return reader


@pytest.mark.parametrize("kind", ["census", "sample"])
def test_every_figure_equals_the_json(request, maps, kind):
    report = request.getfixturevalue(kind)
    figures = read(page_of(report, maps)).figures
    assert len(figures) > 80
    for attributes, shown in figures:
        value = Part(report).get(attributes["data-path"])
        if value is None:
            assert (attributes["value"], shown) == ("", "–")
            continue
        assert float(attributes["value"]) == value
        decimals = len(shown.partition(".")[2])
        # Shown is what the value rounds to, at the digits that are shown.
        tolerance = 0.5 * 10.0**-decimals if "e" not in shown else abs(value) * 1e-3
        assert abs(float(shown) - value) <= tolerance * 1.0001


def test_a_p_value_without_digits_is_told_as_a_bound():
    assert Part({"p": 0.0}).p_value("p") == Cell("< 1e-16")
    assert Part({"p": 0.25}).p_value("p") == Cell(Figure("p", 0.25, ".4g"))


def test_page_tells_all_figures_of_the_classes(maps, census):
    paths = {attributes["data-path"] for attributes, _ in read(page_of(census, maps)).figures}
    for place in range(4):
        for key in ("precision", "recall", "f1", "iou", "support", "predicted"):
            assert f"classes.{place}.{key}" in paths
        for column in range(4):
            assert f"confusion_matrix.counts.{place}.{column}" in paths
    for key in (
        "overall_accuracy",
        "kappa",
        "kappa_variance",
        "intervals.overall_accuracy.0",
        "intervals.classes.2.f1.1",
        "comparison.only_compare_right",
        "comparison.difference.kappa_interval.1",
        "borders.1.classes.0.f1",
        "objects.1.area_bias",
        "calibration.brier_score",
        "left_out.null_in_classification",
    ):
        assert key in paths
        assert Part(census).get(key) is not None


def test_bars_are_as_long_as_f1_and_lines_as_wide_as_its_interval(maps, census):
    text = page_of(census, maps)
    bars = re.findall(r'<i style="--from: ([\d.]+); --width: ([\d.]+)">', text)
    f1 = [one["f1"] for one in census["classes"]]
    assert [float(width) for _, width in bars] == pytest.approx(f1, abs=1e-4)
    assert {start for start, _ in bars} == {"0.0000"}
    lines = re.findall(r'<b style="--from: ([\d.]+); --width: ([\d.]+)">', text)
    low, high = census["intervals"]["classes"][0]["f1"]
    assert [float(one) for one in lines[0]] == pytest.approx([low, high - low], abs=1e-4)


def test_page_needs_nothing_from_elsewhere_and_runs_nothing(maps, census):
    text = page_of(census, maps)
    tags = read(text).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "iframe", "object", "a", "base"})
    sources = [attributes["src"] for _, attributes in tags if "src" in attributes]
    assert len(sources) == 3
    assert all(source.startswith("data:image/png;base64,iVBOR") for source in sources)
    assert "url(" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)


def test_labels_and_names_are_shown_as_they_are(maps, census):
    text = page_of(census, maps)
    for label in LABELS.values():
        assert label in unescape(text)
    assert LABELS[1] not in text
    assert "<suburb>" not in text


def test_many_classes_leave_the_matrix_to_its_table():
    values = np.arange(1, 61, dtype=np.int32).reshape(6, 10)
    maps = ArrayMaps(values, values)
    report = assess(maps, Settings())
    text = page_of(report, maps)
    assert "60 classes are too many to show" in text
    assert "confusion_matrix.counts" not in text


def test_pictures_of_large_maps_are_small():
    large = np.ones((3, 5000), np.int32)
    maps = ArrayMaps(large, large)
    for content in overview(maps.classification, maps.reference, maps.classes([1])).values():
        assert int.from_bytes(content[16:20], "big") <= LONG_SIDE_PX
        assert int.from_bytes(content[20:24], "big") == 1


MEASURE = """
<!DOCTYPE html><meta charset="utf-8">
<body style="margin:0"><iframe style="border:0;width:%dpx;height:20000px" srcdoc="%s"></iframe>
<script>
addEventListener("load", () => {
  const inner = document.querySelector("iframe").contentDocument;
  const width = inner.documentElement.clientWidth;
  const boxes = [...inner.body.querySelectorAll("*")].filter(one => !one.closest(".scroll > *"));
  const over = boxes.filter(one => one.getBoundingClientRect().right > width + 1);
  const tables = [...inner.querySelectorAll(".scroll")];
  document.body.innerHTML = "<pre>" + JSON.stringify({
    width: width,
    scroll: inner.documentElement.scrollWidth,
    boxes: boxes.length,
    over: over.map(one => one.outerHTML.slice(0, 80).replaceAll("<", "")),
    paper: inner.defaultView.getComputedStyle(inner.body).backgroundColor,
    ink: inner.defaultView.getComputedStyle(inner.body).color,
    pictures: [...inner.images].filter(one => one.naturalWidth > 0).length,
    tables: tables.length,
  }) + "</pre>";
});
</script>
"""


@pytest.mark.parametrize("kind", ["census", "sample"])
@pytest.mark.parametrize(
    ("width", "scheme", "paper"),
    [
        (1200, "1", "rgb(255, 255, 255)"),
        (360, "1", "rgb(255, 255, 255)"),
        (360, "0", "rgb(20, 24, 29)"),
    ],
)
def test_nothing_overflows_in_a_browser(request, tmp_path, maps, kind, width, scheme, paper):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    report = request.getfixturevalue(kind)
    harness = tmp_path / "harness.html"
    harness.write_text(MEASURE % (width, escape(page_of(report, maps))), encoding="utf-8")
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--blink-settings=preferredColorScheme={scheme}",
            "--window-size=1280,4000",
            "--virtual-time-budget=5000",
            "--dump-dom",
            harness.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = json.loads(unescape(re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)[1]))
    assert found["width"] == width
    assert found["boxes"] > 40
    assert found["over"] == []
    assert found["scroll"] == width
    assert found["paper"] == paper
    assert found["pictures"] == 3
    assert found["tables"] == len(re.findall('class="scroll"', page_of(report, maps)))
