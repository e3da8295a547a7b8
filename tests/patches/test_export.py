# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches on their way from the bands into the dataset."""

import errno
import time

import numpy as np
import pytest

from array_reader import ArrayBands, ArrayLabels
from grassdl.core.band_statistics import BandStatistics
from grassdl.core.bands import Band
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.dataset.manifest import SPLITS, Export
from grassdl.dataset.patchset import PatchSet
from grassdl.dataset.writer import PatchSetWriter
from grassdl.patches.export import PatchCutter, expected_seconds, strip_jobs, write_dataset
from grassdl.patches.plan import make_plan
from grassdl.patches.sampling import Grid, GridSampling, RandomSampling
from grassdl.patches.splits import BlockSplit, parse_shares
from grassdl.runtime.workers import Workers

ogr = pytest.importorskip("osgeo.ogr", reason="GDAL's Python package is missing")

CLASSES = ClassScheme([MapClass(3, "water", "0:0:255"), MapClass(12, "roof", "9:9:9")])
ROWS, COLS, SIZE = 37, 29, 4
BANDS = [Band(name, False, {"map": name}, None, 1.0, "nearest", "", "int16") for name in ("a", "b")]
EXPORT = Export(
    size=SIZE,
    stride=3,
    sampling="grid",
    split_method="blocks",
    split_shares=(50.0, 25.0, 25.0),
    block_size=9,
    buffer=0.0,
    seed=1,
    region={"north": 37.0, "south": 0.0, "east": 29.0, "west": 0.0}
    | {"nsres": 1.0, "ewres": 1.0, "rows": ROWS, "cols": COLS},
    crs="",
    grass_version="8.2.1",
    command="i.dl.patches",
)


@pytest.fixture
def scene():
    """Bands, 0 where NULL, and label codes."""
    rng = np.random.default_rng(7)
    values = rng.integers(-9999, 9999, (ROWS, COLS, 2)).astype(np.int16)
    null = rng.random((ROWS, COLS)) < 0.1
    values[null] = 0
    codes = rng.choice(np.array([0, 1, UNLABELLED_INDEX], np.uint8), (ROWS, COLS))
    codes[null] = NULL_INDEX
    return values, null, codes


def plan_of(codes, design):
    grid = Grid(ROWS, COLS, SIZE, EXPORT.block_size)
    split = BlockSplit(parse_shares([50, 25, 25]))
    return make_plan(ArrayLabels(codes), CLASSES, grid, design, split, 0, seed=1)


def cutter_for(folder, scene, plan, strip_cells=4_000_000, bands=BANDS, reader=ArrayBands):
    values, null, codes = scene
    folder.mkdir()
    dtype = values.dtype
    writer = PatchSetWriter(folder, bands, CLASSES, plan.split_counts, dtype, None, "npy", EXPORT)
    return PatchCutter(reader(values, null), ArrayLabels(codes), writer, strip_cells)


def write(folder, scene, plan, progress=lambda done: None, nprocs=1, **settings):
    cutter = cutter_for(folder, scene, plan, **settings)
    with Workers(nprocs) as workers:
        write_dataset(cutter, plan, workers, progress)
    return cutter.reader


@pytest.mark.parametrize("design", [GridSampling(3), GridSampling(4), RandomSampling(30)])
@pytest.mark.parametrize("strip_cells", [4_000_000, 100, 1])
def test_patches_are_slices_of_the_bands_in_the_order_of_the_plan(
    tmp_path, scene, design, strip_cells
):
    values, null, codes = scene
    plan = plan_of(codes, design)
    write(tmp_path / "ds", scene, plan, strip_cells=strip_cells)
    opened = PatchSet.open(tmp_path / "ds")
    clean = np.where(null[..., None], 0, values)
    for place, split in enumerate(SPLITS):
        images, labels = opened.arrays(split)
        positions = plan.positions[plan.splits == place]
        assert len(positions) == len(images) > 0
        for (row, col), image, label in zip(positions, images, labels, strict=True):
            window = slice(row, row + SIZE), slice(col, col + SIZE)
            assert np.array_equal(image, clean[window])
            assert np.array_equal(label, codes[window])


def test_statistics_are_numpys_over_training_patches_without_null(tmp_path, scene):
    values, null, codes = scene
    plan = plan_of(codes, GridSampling(4))
    write(tmp_path / "ds", scene, plan)
    train = np.zeros((ROWS, COLS), bool)
    for row, col in plan.positions[plan.splits == 0]:
        train[row : row + SIZE, col : col + SIZE] = True
    for place, found in enumerate(PatchSet.open(tmp_path / "ds").manifest.statistics):
        expected = values[train & ~null][:, place]
        assert found.to_json() == BandStatistics.of(expected).to_json()
        assert found.mean == pytest.approx(expected.mean())


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_the_dataset_depends_neither_on_the_rows_read_at_once_nor_on_the_processes(
    tmp_path, scene, dtype
):
    values, null, codes = scene
    scene = (values / 7).astype(dtype), null, codes
    plan = plan_of(codes, GridSampling(3))
    found = set()
    for cells, nprocs in ((1, 1), (60, 3), (4_000_000, 1), (200, 2)):
        folder = tmp_path / f"{cells}_{nprocs}"
        write(folder, scene, plan, strip_cells=cells, nprocs=nprocs)
        found.add((folder / "dataset.json").read_text())
    assert len(found) == 1


def test_no_more_rows_are_read_at_once_than_a_strip(tmp_path, scene):
    reader = write(
        tmp_path / "ds", scene, plan_of(scene[2], GridSampling(1)), strip_cells=10 * COLS
    )
    assert max(rows for _, rows in reader.reads) == 10
    assert len(reader.reads) == 5


def test_overlapping_patches_are_cut_in_portions_that_hold_no_more_than_a_strip(tmp_path, scene):
    plan = plan_of(scene[2], GridSampling(1))
    cutter = cutter_for(tmp_path / "ds", scene, plan, strip_cells=5 * SIZE**2)
    cutter.writer.create()
    job = strip_jobs(cutter, plan)[1]
    parts = cutter.write(job, cutter.read(job))
    assert max(len(part.digests) for part in parts) == 5
    assert sum(len(part.digests) for part in parts) == len(job.positions) > 10


def test_progress_tells_the_patches_that_are_done(tmp_path, scene):
    done = []
    plan = plan_of(scene[2], GridSampling(4))
    write(tmp_path / "ds", scene, plan, done.append, strip_cells=1)
    assert done == sorted(done)
    assert done[-1] == len(plan.positions)


def test_the_expected_time_is_that_of_a_trial_for_every_patch(tmp_path, scene):
    class SlowBands(ArrayBands):
        def planes(self, row, rows):
            time.sleep(0.2)
            return super().planes(row, rows)

    plan = plan_of(scene[2], GridSampling(4))
    cutter = cutter_for(tmp_path / "ds", scene, plan, strip_cells=1, reader=SlowBands)
    cutter.writer.folder.rmdir()
    jobs = strip_jobs(cutter, plan)
    assert 0.19 * len(jobs) / 2 < expected_seconds(cutter, plan, nprocs=2) < 0.5 * len(jobs)
    middle = jobs[len(jobs) // 2]
    assert cutter.reader.reads == [(middle.top, SIZE)]


def test_footprints_tell_where_every_patch_lies_and_what_it_holds(tmp_path, scene):
    plan = plan_of(scene[2], RandomSampling(12))
    write(tmp_path / "ds", scene, plan)
    opened = PatchSet.open(tmp_path / "ds")
    source = ogr.Open(str(tmp_path / "ds" / "patches.gpkg"))
    found = [(feature.items(), feature.geometry().GetEnvelope()) for feature in source.GetLayer()]
    assert [[item["row"], item["col"]] for item, _ in found] == plan.positions.tolist()
    for item, (west, east, south, north) in found:
        assert (west, north) == (item["col"], ROWS - item["row"])
        assert (east - west, north - south) == (SIZE, SIZE)
        _, labels = opened.arrays(item["split"])
        label = labels[item["place"]]
        assert item["share_3"] == (label == 0).sum() / SIZE**2
        assert item["share_12"] == (label == 1).sum() / SIZE**2


def test_the_disk_size_told_is_what_is_written(tmp_path, scene):
    plan = plan_of(scene[2], GridSampling(1))
    write(tmp_path / "ds", scene, plan)
    written = sum(file.stat().st_size for file in (tmp_path / "ds").rglob("*") if file.is_file())
    told = cutter_for(tmp_path / "other", scene, plan).writer.bytes_needed
    assert written <= told <= written + 2_100_000


def test_an_error_of_the_disk_comes_through(tmp_path, scene):
    class FullDisk(ArrayBands):
        def planes(self, row, rows):
            raise OSError(errno.ENOSPC, "No space left on device")

    plan = plan_of(scene[2], GridSampling(4))
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "ds", scene, plan, reader=FullDisk)
    assert not (tmp_path / "ds" / "dataset.json").exists()
