# SPDX-License-Identifier: GPL-2.0-or-later
"""A series from the temporal framework to a map, in a GRASS session."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from field_series import BAND_NAMES, CROPS, DATES, field_series
from grassdl.core.bands import OBSERVED
from grassdl.dataset.manifest import Manifest
from grassdl.model.folder import load_card
from one_error import fails_with
from predicting import refused
from small_model import plain_band

MAY_JUNE_AUGUST = (1, 2, 4)

LABELS = {"red": "S2_4", "nir": "S2_8"}

YEAR = "start_time >= '{0}-01-01' and start_time < '{0}-12-31'"


def of_year(year):
    """The options that choose the dates of a year."""
    return {"strds": "season", "where": YEAR.format(year)}


def write_season(project, year, scene):
    """Maps of a year; returns what registers them."""
    lines = []
    for date in MAY_JUNE_AUGUST:
        for place, name in enumerate(BAND_NAMES):
            cells = np.ma.array(scene.bands[date, ..., place], mask=scene.cloudy[date])
            project.write_raster(f"{name}_{year}_{date}", cells)
            start = DATES[date].replace("2021", year)
            lines.append(f"{name}_{year}_{date}|{start}|{LABELS[name]}")
    return lines


class TestTheWholeWay:
    """A year of training and the next one, in which some observations are missing."""

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, new_project, tmp_path_factory):
        """The project with maps of two years, the folder, and the later scene."""
        folder = tmp_path_factory.mktemp("series")
        project = new_project(folder)
        first, second = field_series(1, edge=48), field_series(2, edge=48, cloud_cover=0)
        project.write_raster("crops", first.crops)
        project.run("g.region", raster="crops")
        second.cloudy[1, :, :6] = second.cloudy[:, 30:34, 20:27] = True
        lines = write_season(project, "2021", first) + write_season(project, "2022", second)
        (folder / "registered").write_text("\n".join(lines) + "\n")
        project.run("t.create", output="season", title="season", description="season")
        project.run("t.register", input="season", file=folder / "registered")
        project.run(
            "i.dl.patches", **of_year("2021"), labels="crops", size=16, split=(70, 30, 0),
            block_size=16, output=folder / "dataset",
        )  # fmt: skip
        project.run(
            "i.dl.train", input=folder / "dataset", output=folder / "model", network="fcn_dk",
            filters=8, depth=1, epochs=15, batch_size=2, learning_rate=0.02,
        )  # fmt: skip
        project.run(
            "i.dl.predict", **of_year("2022"), model=folder / "model", output="found",
            engine="keras",
        )  # fmt: skip
        return project, folder, second

    def test_dataset_and_model_know_the_day_of_each_date(self, made):
        _, folder, _ = made
        for bands in (Manifest.load(folder / "dataset").bands, load_card(folder / "model").bands):
            names = [*LABELS.values(), OBSERVED]
            assert [one.name for one in bands] == names * 3
            assert [one.day for one in bands] == [0] * 3 + [35] * 3 + [95] * 3
            assert [one.day_of_year for one in bands[::3]] == [125, 160, 220]
            assert bands[-1].source == {"1": "red_2021_4@PERMANENT", "2": "nir_2021_4@PERMANENT"}

    def test_a_patch_tells_where_a_date_is_missing(self, made):
        _, folder, _ = made
        images = np.load(folder / "dataset" / "train" / "images.npy")
        assert images.dtype == np.uint16
        observed = images[..., 2::3]
        assert set(np.unique(observed)) == {0, 1}
        for place in range(2):
            assert np.array_equal(images[..., place::3] > 0, observed > 0)

    def test_a_cell_is_null_only_where_every_date_is_missing(self, made):
        project, _, scene = made
        null = np.ma.getmaskarray(project.read_raster("found"))
        assert null.sum() == 4 * 7
        assert np.array_equal(null, scene.cloudy[list(MAY_JUNE_AUGUST)].all(axis=0))

    def test_crops_of_another_year_are_told(self, made):
        project, _, scene = made
        found = project.read_raster("found")
        right = (found == scene.crops)[~np.ma.getmaskarray(found)]
        assert set(np.unique(found.compressed())) <= set(CROPS)
        assert right.mean() > 0.7

    def test_other_dates_than_those_of_the_model_are_refused(self, made):
        project, folder, _ = made
        given = {"strds": "season", "model": folder / "model", "output": "more"}
        result = project.run("i.dl.predict", **given, check=False)
        fails_with(result, "of a series of 3 dates, strds has 6: choose as many by where")

    def test_a_model_of_one_date_refuses_a_series(self, made, model):
        project, _, _ = made
        given = {**of_year("2022"), "model": model[0], "output": "more"}
        result = project.run("i.dl.predict", **given, check=False)
        fails_with(result, "The model is of no series: leave out strds")

    def test_a_series_that_is_not_there_is_refused(self, made, tmp_path):
        project, _, _ = made
        given = {"labels": "crops", "size": 16, "output": tmp_path / "dataset", "check": False}
        result = project.run("i.dl.patches", strds="seasons", **given)
        fails_with(result, "Space time raster dataset <seasons> not found")
        result = project.run("i.dl.patches", **of_year("2030"), **given)
        fails_with(result, "<season>", "has no map where start_time >= '2030-01-01'", "t.rast.list")
        assert not (tmp_path / "dataset").exists()


@pytest.fixture
def model_of_a_series(make_model):
    """A model of two dates of one band."""
    bands = [
        replace(one, date=date, day=30 * date)
        for date in range(2)
        for one in (plain_band("one"), _OBSERVED)
    ]
    return make_model(bands, [1.0, 0.0] * 2, [1.0] * 4, converted=False)


_OBSERVED = replace(plain_band(OBSERVED, declared=True), derivation=OBSERVED, source={"1": "one"})


def test_a_model_of_a_series_refuses_maps_of_one_date(grass_project, model_of_a_series):
    grass_project.write_raster("one", np.ones((12, 12)))
    words = "of a series of 2 dates: give a space time raster dataset by strds"
    refused(grass_project, model_of_a_series, words, input="one")
