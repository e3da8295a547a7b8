# SPDX-License-Identifier: GPL-2.0-or-later
"""Change between two dates, from maps to a map, in a GRASS session."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from change_scene import BAND_NAMES, change_scene
from grassdl.core.bands import NDSM, NDVI
from grassdl.dataset.manifest import Manifest
from grassdl.model.folder import load_card
from one_error import fails_with
from predicting import refused
from small_model import plain_band

PAIR = {"input": "a_red,a_nir", "after_input": "b_red,b_nir"}


def write_scene(project, seed):
    """The maps of both dates, a_ and b_, and of the change, with the region set to them."""
    scene = change_scene(seed)
    for prefix, bands in (("a", scene.before), ("b", scene.after)):
        for place, name in enumerate(BAND_NAMES):
            project.write_raster(f"{prefix}_{name}", bands[..., place].round().astype(np.int32))
    project.write_raster("change", scene.change)
    project.run("g.region", raster="change")
    return scene


@pytest.fixture
def small_pair(grass_project):
    """Two dates of three bands, of 12 x 12 cells, and labels."""
    rng = np.random.default_rng(1)
    for name in ("a_red", "a_nir", "a_dsm", "b_red", "b_nir", "b_dsm", "ground", "labels"):
        grass_project.write_raster(name, rng.integers(0, 3, (12, 12)))
    return grass_project


class TestTheWholeWay:
    """Patches of one scene, a network that learns change, and its map of another scene."""

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, new_project, tmp_path_factory):
        """The project with maps of another scene than that of the training, and the folder."""
        folder = tmp_path_factory.mktemp("change")
        project = new_project(folder)
        write_scene(project, seed=1)
        project.run(
            "i.dl.patches", **PAIR, bands=BAND_NAMES, labels="change", size=32, block_size=64,
            split=(80, 20, 0), output=folder / "dataset",
        )  # fmt: skip
        project.run(
            "i.dl.train", input=folder / "dataset", output=folder / "model", filters=8, depth=1,
            network="siamese_unet", epochs=12, batch_size=4, learning_rate=0.01,
        )  # fmt: skip
        scene = write_scene(project, seed=2)
        scene.before[:3, :7, 0] = scene.after[20:24, 90:99, 1] = np.nan
        project.write_raster("a_red", scene.before[..., 0])
        project.write_raster("b_nir", scene.after[..., 1])
        project.run("i.dl.predict", **PAIR, model=folder / "model", output="found")
        return project, folder, scene

    def test_dataset_and_model_know_the_date_of_each_band(self, made):
        _, folder, _ = made
        manifest, card = Manifest.load(folder / "dataset"), load_card(folder / "model")
        dated = [("red", 0), ("nir", 0), ("red", 1), ("nir", 1)]
        assert [(one.name, one.date) for one in manifest.bands] == dated
        assert [(one.name, one.date) for one in card.bands] == dated
        item = json.loads((folder / "model" / "model.json").read_text())
        names = [one["name"] for one in item["properties"]["bands"]]
        assert names == ["red", "nir", "red (date 1)", "nir (date 1)"]

    def test_both_dates_are_normalised_alike_by_the_values_of_both(self, made):
        _, folder, _ = made
        statistics = Manifest.load(folder / "dataset").statistics
        card = load_card(folder / "model")
        assert card.mean[:2] == card.mean[2:]
        assert card.deviation[:2] == card.deviation[2:]
        assert card.mean[0] == pytest.approx((statistics[0].mean + statistics[2].mean) / 2)
        assert statistics[0].mean != statistics[2].mean

    def test_new_buildings_and_felled_trees_of_another_scene_are_found(self, made):
        project, _, scene = made
        found = project.read_raster("found")
        for kind in (1, 2):
            right = ((found == kind) & (scene.change == kind)).sum()
            either = (found == kind).sum() + (scene.change == kind)[~found.mask].sum()
            assert 2 * right / either > 0.85

    def test_a_cell_that_is_null_at_either_date_is_null(self, made):
        project, _, scene = made
        null = np.isnan(scene.before).any(-1) | np.isnan(scene.after).any(-1)
        assert null.sum() == 3 * 7 + 4 * 9
        assert np.array_equal(np.ma.getmaskarray(project.read_raster("found")), null)


def test_derived_bands_are_those_of_both_dates(small_pair, tmp_path):
    small_pair.run(
        "i.dl.patches", **PAIR, dsm="a_dsm", dtm="ground", after_dsm="b_dsm", after_dtm="ground",
        red="a_red", nir="a_nir", labels="labels", size=4, split=(100, 0, 0),
        output=tmp_path / "dataset",
    )  # fmt: skip
    bands = Manifest.load(tmp_path / "dataset").bands
    assert [one.label for one in bands[4:]] == [f"{one.label} (date 1)" for one in bands[:4]]
    sources = {(one.name, one.date): one.source for one in bands}
    assert sources[NDSM, 1] == {"dsm": "b_dsm@PERMANENT", "dtm": "ground@PERMANENT"}
    assert sources[NDVI, 1] == {"red": "b_red@PERMANENT", "nir": "b_nir@PERMANENT"}
    read = np.load(tmp_path / "dataset" / "train" / "images.npy")
    heights = read[..., 6].astype(int)
    expected = small_pair.read_raster("b_dsm") - small_pair.read_raster("ground")
    assert sorted(heights.ravel()) == sorted(expected.astype(int).ravel())


def test_ndvi_of_both_dates_is_made_of_maps_that_are_no_bands(small_pair, tmp_path):
    small_pair.run(
        "i.dl.patches", input="a_dsm", after_input="b_dsm", red="a_red", nir="a_nir",
        after_red="b_red", after_nir="b_nir", labels="labels", size=4, split=(100, 0, 0),
        output=tmp_path / "dataset",
    )  # fmt: skip
    bands = Manifest.load(tmp_path / "dataset").bands
    assert [one.label for one in bands] == ["a_dsm", "ndvi", "a_dsm (date 1)", "ndvi (date 1)"]
    assert bands[3].source == {"red": "b_red@PERMANENT", "nir": "b_nir@PERMANENT"}


def test_a_model_of_vegetation_at_two_dates_asks_for_what_it_is_made_of(small_pair, make_model):
    """Training may have left out red and near infrared."""
    source = {"red": "a_red@PERMANENT", "nir": "a_nir@PERMANENT"}
    first = [
        plain_band("dsm"),
        replace(plain_band(NDVI, declared=True), derivation=NDVI, source=source),
    ]
    two = make_model(
        [*first, *(one.at(1, one) for one in first)], [1.0] * 4, [1.0] * 4, converted=False
    )
    given = {"input": "a_dsm", "after_input": "b_dsm", "red": "a_red", "nir": "a_nir"}
    refused(small_pair, two, "give after_red and after_nir", **given)


def test_dates_that_differ_in_bands_are_refused(small_pair, tmp_path):
    def refuse(*words, **options):
        given = {"labels": "labels", "size": 4, "output": tmp_path / "dataset", **options}
        fails_with(small_pair.run("i.dl.patches", check=False, **given), *words)
        assert not (tmp_path / "dataset").exists()

    refuse("first date has 2 maps", "the second 1", input="a_red,a_nir", after_input="b_red")
    refuse("give after_dsm and after_dtm", **PAIR, dsm="a_dsm", dtm="ground")
    refuse("after_dsm and after_dtm must be given together", **PAIR, after_dsm="b_dsm")
    refuse("the band ndvi, the other not: give after_red", **PAIR, red="a_dsm", nir="ground")
    refuse("give red and nir", **PAIR, after_red="b_dsm", after_nir="ground")
    refuse("Both dates have the same maps (a_red@PERMANENT, a_nir@PERMANENT)",
           **PAIR | {"after_input": "a_red,a_nir"})  # fmt: skip
    for name, label in (("a_red", "L8_4"), ("a_nir", "L8_5"), ("b_red", "L8_5"), ("b_nir", "L8_4")):
        small_pair.run("r.semantic.label", map=name, semantic_label=label, operation="add")
    refuse("date 1 are not those of date 0", "to be <L8_4>, but <L8_5>", **PAIR)


def test_a_model_is_given_as_many_dates_as_it_knows(small_pair, make_model):
    bands = [plain_band(name) for name in BAND_NAMES]
    dated = [*bands, *(one.at(1, one) for one in bands)]
    two = make_model(dated, [1.0] * 4, [1.0] * 4, converted=False)
    refused(small_pair, two, "compares 2 dates", "after_input", input="a_red,a_nir")
    refused(small_pair, two, "The first date has 2 maps", **PAIR | {"after_input": "b_red"})


def test_a_model_of_one_date_refuses_a_second(small_pair, model):
    refused(small_pair, model, "of one date: leave out after and after_input", **PAIR)
