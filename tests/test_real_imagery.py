# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job on real imagery, short: train on parts of two NAIP areas, score a part of a third.

`benchmarks/naip.py` is the long version.
"""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from grassdl.predict.engines.openvino_engine import has_bfloat16

TRAINING_PARTS = {"05": {"w": "w+614.4"}, "07": {"w": "w+307.2"}}
"""By area its part to learn from: the eastern half."""
BANDS = ("red", "green", "blue", "nir")


@pytest.fixture(scope="module")
def trained(real_data, new_project, tmp_path_factory):
    """Imagery groups `aNN` and labels `labelNN` of three NAIP areas, and a model of two of them.

    The region is 0.2 km2 in the west of area 01, with all six classes in it.
    """
    folder = tmp_path_factory.mktemp("ohio")
    ohio = new_project(folder)
    for area in (*TRAINING_PARTS, "01"):
        import_area(ohio, real_data / "naip_ohio", area)
    datasets = [folder / f"patches{area}" for area in TRAINING_PARTS]
    for (area, part), output in zip(TRAINING_PARTS.items(), datasets, strict=True):
        ohio.run("g.region", raster=f"label{area}", **part)
        ohio.run(
            "i.dl.patches",
            group=f"a{area}",
            labels=f"label{area}",
            size=64,
            block_size=128,
            split="80,20,0",
            output=output,
        )
    model = folder / "model"
    quick = {"filters": 8, "depth": 2, "epochs": 2, "batch_size": 8, "learning_rate": 0.01}
    ohio.run("i.dl.train", input=datasets, output=model, **quick)
    ohio.run("g.region", raster="label01", n="n-460.8", s="s+921.6", e="e-1420.8")
    return SimpleNamespace(project=ohio, model=model)


def import_area(project, folder, area):
    """The bands of an area, named and in a group, and its labels."""
    for kind in ("rgbn", "label"):
        source = folder / f"cluster{area}_{kind}.tif"
        project.run("r.in.gdal", flags="o", input=source, output=f"{kind}{area}")
    for place, band in enumerate(BANDS, start=1):
        project.run("g.rename", raster=f"rgbn{area}.{place},a{area}.{band}")
        project.run("r.semantic.label", map=f"a{area}.{band}", semantic_label=band)
    project.run("i.group", group=f"a{area}", input=[f"a{area}.{band}" for band in BANDS])


def classified(trained, **options):
    """The classes of the region."""
    options = {"group": "a01", "model": trained.model, "output": "classes", **options}
    trained.project.run("i.dl.predict", overwrite=True, **options)
    return trained.project.read_raster("classes").filled(-1)


def test_a_network_trained_on_two_areas_maps_a_third(trained):
    classified(trained)
    told = trained.project.run(
        "i.dl.evaluate", classification="classes", reference="label01", format="json"
    ).stdout
    scores = json.loads(told)
    assert len(scores["classes"]) == 6
    assert scores["pixels"] > 500_000
    # Everything mapped as the most frequent class would be right for about half the cells.
    assert scores["overall_accuracy"] > 0.7
    assert scores["kappa"] > 0.5


def test_its_classes_in_openvino_are_those_of_keras(trained):
    pytest.importorskip("openvino", reason="the optional package openvino is not installed")
    expected = classified(trained, engine="keras")
    assert len(np.unique(expected)) > 3
    assert (classified(trained, engine="openvino") == expected).mean() >= 0.9999
    if has_bfloat16():
        found = classified(trained, precision="bfloat16")
        assert (found == expected).mean() >= 0.99
        assert (found != expected).any()
