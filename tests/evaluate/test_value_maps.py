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
    made.write_raster("reference", REFERENCE)
    made.write_raster("classes", (REFERENCE > 10).astype(np.int32))
    return made


def test_maps_of_floating_type_are_evaluated_as_values(project, tmp_path):
    files = {"report": tmp_path / "page.html", "plot": tmp_path / "scatter.png"}
    done = project.run(
        "i.dl.evaluate", classification="predicted", reference="reference", format="json",
        block_size=5, **files,
    )  # fmt: skip
    found = json.loads(done.stdout)
    known = np.isfinite(REFERENCE)
    difference = (PREDICTED - REFERENCE)[known].astype(np.float64)
    assert found["target"] == "value"
    assert found["rmse"] == pytest.approx(np.sqrt((difference**2).mean()), rel=1e-5)
    assert found["bias"] == pytest.approx(difference.mean(), abs=1e-5)
    assert found["left_out"]["null_in_reference"] == 100
    assert found["intervals"]["blocks"] == 80
    text = files["report"].read_text()
    for words in ("Residuals", "Scatter", "RMSE", "By range of the reference"):
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
        ({"reference": "reference", "design": "random"}, ["Option design is for samples"]),
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
