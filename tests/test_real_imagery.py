# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job on real imagery, short: train on three NAIP areas, score a part of a fourth.

`benchmarks/naip.py` is the long version.
"""

import json

import pytest

TRAINING_AREAS = ("05", "06", "07")
BANDS = ("red", "green", "blue", "nir")


@pytest.fixture
def ohio(grass_project, real_data):
    """Imagery groups `aNN` and labels `labelNN` of four NAIP areas."""
    run = grass_project.run
    for area in (*TRAINING_AREAS, "01"):
        for kind in ("rgbn", "label"):
            source = real_data / "naip_ohio" / f"cluster{area}_{kind}.tif"
            run("r.in.gdal", flags="o", input=source, output=f"{kind}{area}")
        for place, band in enumerate(BANDS, start=1):
            run("g.rename", raster=f"rgbn{area}.{place},a{area}.{band}")
            run("r.semantic.label", map=f"a{area}.{band}", semantic_label=band)
        run("i.group", group=f"a{area}", input=[f"a{area}.{band}" for band in BANDS])
    return grass_project


def test_a_network_trained_on_three_areas_maps_a_fourth(ohio, tmp_path):
    datasets = [tmp_path / f"patches{area}" for area in TRAINING_AREAS]
    for area, output in zip(TRAINING_AREAS, datasets, strict=True):
        ohio.run("g.region", raster=f"label{area}")
        ohio.run(
            "i.dl.patches",
            group=f"a{area}",
            labels=f"label{area}",
            size=128,
            block_size=256,
            split="80,20,0",
            output=output,
        )
    model = tmp_path / "model"
    ohio.run("i.dl.train", input=datasets, output=model, depth=3, epochs=10)
    # 1.2 km2 in the middle of area 01, all six classes in it.
    ohio.run("g.region", raster="label01", n="n-600", s="s+460.8", w="w+460.8", e="e-600")
    ohio.run("i.dl.predict", group="a01", model=model, output="classes")
    told = ohio.run(
        "i.dl.evaluate", classification="classes", reference="label01", format="json"
    ).stdout
    scores = json.loads(told)
    assert len(scores["classes"]) == 6
    assert scores["pixels"] > 500_000
    # Everything mapped as the most frequent class would be right for about half the cells.
    assert scores["overall_accuracy"] > 0.7
    assert scores["kappa"] > 0.5
