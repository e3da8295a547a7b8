# SPDX-License-Identifier: GPL-2.0-or-later
"""Bands whose cells are not those of the region, checked against GRASS's own modules."""

import shutil

import numpy as np
import pytest

from cutting import cut, painted
from grassdl.core.classes import NULL_INDEX

CELLS = 24


@pytest.fixture
def field(grass_project):
    """Imagery and labels of 1 m, and heights of other cells with two NULLs."""
    project = grass_project
    rng = np.random.default_rng(5)
    project.run("g.region", n=CELLS, s=0, w=0, e=CELLS, res=1)
    project.write_raster("red", rng.integers(0, 250, (CELLS, CELLS)))
    project.write_raster("truth", rng.integers(1, 3, (CELLS, CELLS)))
    coarse = rng.normal(100, 9, (15, 15))
    coarse[4, 6] = np.nan
    # Cells of 2 m whose borders lie between those of the imagery by half a cell.
    project.write_raster("coarse", coarse, north=CELLS + 2.5, west=-2.5, resolution=2)
    fine = rng.integers(0, 900, (80, 80))
    project.write_raster("fine", np.ma.masked_equal(fine, fine[30, 40]), north=26, west=-3,
                         resolution=0.4)  # fmt: skip
    return project


def band_of(project, folder, raster, method, **options):
    """A band as the patches have it, with NaN where the patches say NULL."""
    dataset = cut(
        project, folder, input=f"red,{raster}", labels="truth", resample=method,
        split_method="none", **options,
    )  # fmt: skip
    images, labels, _ = painted(dataset, CELLS, CELLS)
    # Where no patch lies, nothing is left of the band or the labels.
    valid = (labels >= 0) & (labels != NULL_INDEX)
    assert np.array_equal(images[..., 0][valid], project.read_raster("red")[valid])
    values = np.where(valid, images[..., 1], np.nan)
    return values, dataset


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_coarser_heights_are_those_of_r_resamp_interp(field, tmp_path, method):
    found, dataset = band_of(field, tmp_path / "ds", "coarse", method)
    field.run("r.resamp.interp", input="coarse", output="expected", method=method)
    expected = field.read_raster("expected").filled(np.nan)
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert 0 < np.isnan(found).sum() < 100
    assert np.array_equal(found, expected.astype(np.float32), equal_nan=True)
    assert [band.dtype for band in dataset.manifest.bands] == ["uint8", "float32"]
    assert [band.resampling for band in dataset.manifest.bands] == [method, method]


@pytest.mark.parametrize("method", ["average", "bilinear"])
def test_finer_values_are_averaged_as_r_resamp_stats_does(field, tmp_path, method):
    found, _ = band_of(field, tmp_path / "ds", "fine", method)
    field.run("r.resamp.stats", flags="w", input="fine", output="expected", method="average")
    expected = field.read_raster("expected").filled(np.nan)
    assert not np.isnan(found).any()
    assert found == pytest.approx(expected, rel=1e-6)


def test_integers_on_the_grid_of_the_region_stay_what_they_are(field, tmp_path):
    field.write_raster("wide", np.arange(900).reshape(30, 30), north=27, west=-3)
    found, dataset = band_of(field, tmp_path / "ds", "wide", "bicubic")
    assert np.array_equal(found, np.arange(900).reshape(30, 30)[3:27, 3:27])
    assert dataset.manifest.dtype == "uint16"


def test_a_band_that_covers_a_part_of_the_region_leaves_null_beyond_it(field, tmp_path):
    field.write_raster("part", np.full((4, 5), 7.0), north=20, west=3, resolution=2)
    found, _ = band_of(field, tmp_path / "ds", "part", "bilinear")
    expected = np.full((CELLS, CELLS), np.nan)
    expected[4:12, 3:13] = 7
    assert np.array_equal(found, expected, equal_nan=True)


def test_the_mask_hides_cells_of_the_region_and_no_neighbours(field, tmp_path):
    """The mask says what is looked at; it does not change the heights beside it."""
    whole, _ = band_of(field, tmp_path / "whole", "coarse", "bilinear")
    shown = np.ones((CELLS, CELLS), int)
    shown[5:9, 5:20] = 0
    field.write_raster("MASK", np.ma.masked_equal(shown, 0))
    masked, dataset = band_of(field, tmp_path / "ds", "coarse", "bilinear")
    assert np.array_equal(masked, np.where(shown == 1, whole, np.nan), equal_nan=True)


def test_ndsm_is_made_at_the_finer_resolution_of_the_two(field, tmp_path):
    rng = np.random.default_rng(8)
    field.write_raster("ground", rng.normal(90, 1, (CELLS, CELLS)))
    dataset = cut(
        field, tmp_path / "ds", input="red", dsm="coarse", dtm="ground", labels="truth",
        resample="bilinear", split_method="none",
    )  # fmt: skip
    images, labels, _ = painted(dataset, CELLS, CELLS)
    field.run("r.resamp.interp", input="coarse", output="surface", method="bilinear")
    field.run("r.mapcalc", expression="expected = float(surface - ground)")
    expected = field.read_raster("expected")
    assert np.array_equal(labels == NULL_INDEX, np.ma.getmaskarray(expected))
    valid = labels != NULL_INDEX
    assert images[..., 1][valid] == pytest.approx(expected[valid].data, abs=1e-5)
    assert dataset.manifest.bands[1].resolution == 1


def test_two_readers_and_little_memory_give_the_same_dataset(field, tmp_path):
    ids = set()
    for nprocs in (1, 3):
        _, dataset = band_of(
            field, tmp_path / str(nprocs), "coarse", "bicubic", nprocs=nprocs, memory=50
        )
        ids.add(dataset.manifest.dataset_id)
        statistics = [one.to_json() for one in dataset.manifest.statistics]
        ids.add(str(statistics))
    assert len(ids) == 2


def test_real_heights_of_2_m_lie_between_cells_of_1_m(grass_project, real_data, tmp_path):
    """nc_spm_evolution: vegetation heights offset by half of their cells, mostly NULL."""
    shutil.copytree(real_data / "nc_spm_evolution", tmp_path / "nc")
    project = type(grass_project)(tmp_path / "nc", grass_project.environment)
    project.run("g.region", raster="elevation_2012")
    region = dict(line.split("=") for line in project.run("g.region", flags="g").stdout.split())
    dataset = cut(
        project, tmp_path / "ds", input="elevation_2012,vegetation_2012", labels="landcover",
        resample="bilinear", split_method="none", size=50, block_size=50,
    )  # fmt: skip
    images, labels, _ = painted(dataset, int(region["rows"]), int(region["cols"]))
    project.run("r.resamp.interp", input="vegetation_2012", output="expected", method="bilinear")
    expected = project.read_raster("expected")
    painted_there = labels >= 0
    null = np.ma.getmaskarray(expected)
    valid = painted_there & ~null & (labels != NULL_INDEX)
    assert valid.sum() > 1000
    assert np.array_equal(images[..., 1][valid], expected[valid].data.astype(np.float32))
    # Beyond the outermost centres of the heights the rim goes on.
    lost = painted_there & null & (labels != NULL_INDEX)
    assert lost.sum() == 0 or lost[1:-1, 1:-1].sum() == 0
