# SPDX-License-Identifier: GPL-2.0-or-later
"""Sampling designs, splits, points and formats, as i.dl.patches is told them."""

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from cutting import SIZE, cut, fails_with, files_of, painted
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX
from grassdl.dataset.manifest import SPLITS

CELLS = 48
POINTS = [(10.3, 40.2, "tree"), (30.5, 20.5, "shrub"), (44.0, 5.0, "tree")]
"""Coordinates of training points and their classes."""


@pytest.fixture
def project(grass_project):
    """A band of known cells, three classes in fields, strata, and a map of splits."""
    run, write = grass_project.run, grass_project.write_raster
    run("g.region", n=CELLS, s=0, w=0, e=CELLS, res=1)
    rng = np.random.default_rng(1)
    write("red", np.arange(CELLS * CELLS).reshape(CELLS, CELLS) % 60_000)
    fields = rng.choice([1, 2, 3], (6, 6), p=[0.7, 0.2, 0.1])
    fields[0, :3] = 1, 2, 3
    write("truth", fields.repeat(8, axis=0).repeat(8, axis=1))
    strata = np.full((CELLS, CELLS), 5)
    strata[:, 36:] = 9
    write("strata", strata)
    splits = np.ones((CELLS, CELLS), int)
    splits[20:, 24:] = 2
    splits[36:, :12] = 3
    splits[30:34, :20] = 0
    write("splits", np.ma.masked_equal(splits, 0))
    return grass_project


def write_points(project, name="trees"):
    """Training points with a text column, and a square in which one of them lies."""
    lines = "".join(f"{x}|{y}|{kind}\n" for x, y, kind in POINTS)
    project.run(
        "v.in.ascii", input="-", output=name, stdin=lines,
        columns="x double precision,y double precision,kind varchar(9)",
    )  # fmt: skip


def placed(dataset):
    """Upper left cells of the patches by split."""
    ogr = pytest.importorskip("osgeo.ogr")
    source = ogr.Open(str(dataset.folder / "patches.gpkg"))
    rows = {split: [] for split in SPLITS}
    for feature in source.GetLayer():
        rows[feature["split"]].append((feature["row"], feature["col"]))
    return {split: np.array(found).reshape(-1, 2) for split, found in rows.items()}


def test_strata_get_equal_numbers_of_patches(project, tmp_path):
    dataset = cut(
        project, tmp_path / "ds", input="red", labels="truth", sampling="stratified",
        strata="strata", npatches=20, split_method="none",
    )  # fmt: skip
    centres = placed(dataset)["train"] + SIZE // 2
    assert len(centres) == 20
    assert (centres[:, 1] >= 36).sum() == 10


def test_without_strata_every_block_gets_the_same_number(project, tmp_path):
    dataset = cut(
        project, tmp_path / "ds", input="red", labels="truth", sampling="stratified",
        npatches=32, split_method="none", block_size=12,
    )  # fmt: skip
    blocks, counts = np.unique((placed(dataset)["train"] + SIZE // 2) // 12, axis=0,
                               return_counts=True)  # fmt: skip
    assert len(blocks) == 16
    assert set(counts) == {2}
    assert dataset.manifest.export.block_size == 12


def test_balanced_patches_are_more_even_than_the_map_and_say_how_even(project, tmp_path):
    options = {"input": "red", "labels": "truth", "sampling": "balanced", "npatches": 15}
    printed = project.run("i.dl.patches", flags="p", size=SIZE, **options).stdout
    assert "Class shares reached (even ones: 33.33 %): <1>" in " ".join(printed.split())
    dataset = cut(project, tmp_path / "ds", block_size=16, **options)
    reached = np.sum([dataset.manifest.pixels[split] for split in SPLITS], axis=0)
    there = np.unique(project.read_raster("truth"), return_counts=True)[1]
    assert sum(dataset.manifest.counts.values()) == 15
    assert (reached / reached.sum()).min() > 1.25 * (there / there.sum()).min()


@pytest.mark.parametrize("radius", [None, 0.1, 1.6])
def test_points_label_the_cells_within_their_radius_and_no_others(project, tmp_path, radius):
    write_points(project)
    more = {} if radius is None else {"radius": radius}
    dataset = cut(
        project, tmp_path / "ds", input="red", training="trees", column="kind",
        split_method="none", **more,
    )  # fmt: skip
    assert dataset.manifest.classes.labels == ["shrub", "tree"]
    expected = np.full((CELLS, CELLS), UNLABELLED_INDEX)
    rows, cols = np.mgrid[:CELLS, :CELLS] + 0.5
    for x, y, kind in POINTS:
        row, col = CELLS - y, x
        if radius in (None, 0.1):
            near = (np.floor(row) == rows - 0.5) & (np.floor(col) == cols - 0.5)
        else:
            near = np.hypot(rows - row, cols - col) <= radius
        expected[near] = ["shrub", "tree"].index(kind)
    _, labels, splits = painted(dataset)
    assert np.array_equal(labels[splits == 0], expected[splits == 0])
    assert (expected[splits != 0] == UNLABELLED_INDEX).all()
    assert (expected < 2).sum() == (29 if radius == 1.6 else 3)


def test_the_nearer_of_two_points_has_the_cell(project, tmp_path):
    lines = "20.5|20.5|1\n24.5|20.5|2\n"
    project.run("v.in.ascii", input="-", output="pair", stdin=lines, cat=3)
    dataset = cut(
        project, tmp_path / "ds", input="red", training="pair", radius=3, split_method="none"
    )
    _, labels, _ = painted(dataset)
    row = CELLS - 21
    assert labels[row, 18:28].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_objects_are_in_the_middle_of_their_patches_and_negatives_hold_none(project, tmp_path):
    write_points(project)
    dataset = cut(
        project, tmp_path / "ds", input="red", training="trees", column="kind", radius=1,
        background=0, sampling="objects", split_method="none",
    )  # fmt: skip
    corners = placed(dataset)["train"].tolist()
    assert len(corners) == 3 + 6
    # The last point lies near the region's corner, so that its patch is moved inwards.
    middles = [[CELLS - 40 - 4 - 1, 10 - 4], [CELLS - 20 - 4 - 1, 30 - 4], [CELLS - 8, CELLS - 8]]
    _, labels = dataset.arrays("train")
    held = {
        tuple(corner): (label != 0).any() for corner, label in zip(corners, labels, strict=True)
    }
    positives = [list(corner) for corner, holds in held.items() if holds]
    assert len(positives) == 3
    for corner, middle in zip(sorted(positives), sorted(middles), strict=True):
        assert np.abs(np.subtract(corner, middle)).max() <= 1


def test_jitter_moves_patches_but_keeps_the_objects_in_them(project, tmp_path):
    write_points(project)
    found = [
        placed(
            cut(
                project, tmp_path / str(jitter), input="red", training="trees", column="kind",
                background=0, sampling="objects", negatives=0, split_method="none", jitter=jitter,
            )
        )["train"]
        for jitter in (0, 3)
    ]  # fmt: skip
    moved = np.abs(found[1] - found[0])
    assert 0 < moved.max() <= 3


def test_a_map_of_splits_is_followed_and_patches_across_are_dropped(project, tmp_path):
    dataset = cut(
        project, tmp_path / "ds", input="red", labels="truth", split_method="map",
        split_map="splits", size=4,
    )  # fmt: skip
    _, _, found = painted(dataset)
    wanted = project.read_raster("splits").filled(0).astype(int) - 1
    assert np.array_equal(found[found >= 0], wanted[found >= 0])
    whole = wanted.reshape(12, 4, 12, 4).swapaxes(1, 2).reshape(12, 12, 16)
    same = (whole == whole[..., :1]).all(axis=-1) & (whole[..., 0] >= 0)
    assert sum(dataset.manifest.counts.values()) == same.sum()
    assert dataset.manifest.export.block_size == 0


@pytest.mark.parametrize("method", ["blocks", "map"])
def test_a_buffer_keeps_splits_apart(project, tmp_path, method):
    more = {"split_map": "splits"} if method == "map" else {"block_size": 16}
    dataset = cut(
        project, tmp_path / "ds", input="red", labels="truth", split_method=method, buffer=5,
        size=4, stride=1, **more,
    )  # fmt: skip
    corners = placed(dataset)
    assert dataset.manifest.export.buffer == 5
    assert all(len(corners[split]) for split in SPLITS)
    gaps = [
        np.abs(one[:, None] - other).max(axis=-1).min() - 4
        for place, one in enumerate(corners.values())
        for other in list(corners.values())[:place]
    ]
    assert min(gaps) >= 5


def test_chips_and_arrays_are_the_same_dataset(project, tmp_path):
    project.write_raster("holes", np.ma.masked_equal(np.arange(CELLS**2).reshape(CELLS, -1) % 7, 3))
    options = {"input": "red,holes", "labels": "truth"}
    arrays = cut(project, tmp_path / "arrays", **options)
    chips = cut(project, tmp_path / "chips", format="geotiff", nprocs=2, **options)
    assert arrays.manifest.dataset_id == chips.manifest.dataset_id
    assert chips.manifest.file_format == "geotiff"
    for split in SPLITS:
        for one, other in zip(arrays.arrays(split), chips.arrays(split), strict=True):
            assert np.array_equal(one[:], other[:])
    assert (arrays.arrays("train")[1] == NULL_INDEX).any()
    project.run("r.in.gdal", input=next((chips.folder / "train" / "images").iterdir()),
                output="chip")  # fmt: skip
    assert sorted(project.maps())[:2] == ["chip.1", "chip.2"]


def test_the_picture_and_the_map_of_footprints_are_made(project, tmp_path):
    dataset = cut_with_map(project, tmp_path / "ds", footprints="patches")
    assert (dataset / "overview.png").read_bytes()[:4] == b"\x89PNG"
    told = project.run("v.db.select", map="patches", format="json").stdout
    records = json.loads(told)["records"]
    counts = json.loads((dataset / "dataset.json").read_text())["counts"]
    assert {split: sum(one["split"] == split for one in records) for split in SPLITS} == counts
    refused = project.run(
        "i.dl.patches", check=False, input="red", labels="truth", size=SIZE,
        output=tmp_path / "other", footprints="patches",
    )  # fmt: skip
    assert refused.returncode == 1
    assert "patches" in refused.stderr and not (tmp_path / "other").exists()


def cut_with_map(project, output, **options):
    project.run(
        "i.dl.patches", input="red", labels="truth", size=SIZE, block_size=SIZE, output=output,
        **options,
    )  # fmt: skip
    return output


def test_an_export_can_be_repeated_from_its_manifest_alone(project, tmp_path):
    first = cut(
        project, tmp_path / "first", input="red", labels="truth", sampling="balanced",
        npatches=9, seed=7, split="60,20,20",
    )  # fmt: skip
    manifest = json.loads((tmp_path / "first" / "dataset.json").read_text())
    region = {edge[0]: manifest["region"][edge] for edge in ("north", "south", "east", "west")}
    project.run("g.region", n=9, s=0, w=0, e=9, res=3)
    project.run("g.region", nsres=manifest["region"]["nsres"],
                ewres=manifest["region"]["ewres"], **region)  # fmt: skip
    module, *words = manifest["command"].replace(str(tmp_path / "first"),
                                                 str(tmp_path / "again")).split()  # fmt: skip
    options = dict(word.split("=", 1) for word in words)
    project.run(Path(module).stem if module.endswith(".py") else module, **options)
    again = json.loads((tmp_path / "again" / "dataset.json").read_text())
    assert again["id"] == first.manifest.dataset_id


GOOD = {"input": "red", "labels": "truth"}
TREES = {"input": "red", "training": "trees", "column": "kind"}


@pytest.mark.parametrize(
    "options, words",
    [
        ({**GOOD, "sampling": "stratified"}, ["sampling=stratified needs the option npatches"]),
        ({**GOOD, "strata": "strata"}, ["Option strata goes with sampling=stratified"]),
        ({**GOOD, "jitter": 3}, ["Option jitter goes with sampling=objects"]),
        (
            {**GOOD, "sampling": "objects"},
            ["needs training areas, segments or points", "give training or segments"],
        ),
        ({**TREES, "sampling": "objects"}, ["background=", "negatives=0"]),
        ({**TREES, "sampling": "objects", "negatives": -1}, ["negatives takes a number of 0"]),
        ({**TREES, "sampling": "objects", "jitter": -1}, ["jitter takes a whole number of 0"]),
        ({**TREES, "radius": -1}, ["radius takes a number of 0 to 1000000000, not -1"]),
        ({**TREES, "radius": 1e300}, ["radius takes a number of 0 to 1000000000, not 1e+300"]),
        ({**TREES, "radius": "inf"}, ["radius takes a number"]),
        ({**GOOD, "split_method": "map"}, ["split_method=map needs the option split_map"]),
        ({**GOOD, "split_map": "splits"}, ["split_map goes with split_method=map"]),
        (
            {**GOOD, "split_method": "map", "split_map": "strata"},
            ["<strata@PERMANENT> holds 5", "1 for training, 2 for validation and 3 for test"],
        ),
        ({**GOOD, "split_method": "none", "buffer": 3}, ["buffer goes with split_method=blocks"]),
        ({**GOOD, "buffer": -1}, ["buffer takes a number of 0 or more, not -1"]),
        ({**GOOD, "buffer": "nan"}, ["buffer takes a number of 0 or more, not nan"]),
        ({**GOOD, "buffer": 500}, ["buffer"]),
        ({**GOOD, "resample": "spline"}, ["<spline> out of range", "resample"]),
        ({**GOOD, "format": "jpeg"}, ["<jpeg> out of range", "format"]),
        ({**GOOD, "memory": 0}, ["memory takes a whole number of 50 or more"]),
        ({**GOOD, "nprocs": -3}, ["nprocs takes a whole number of 0 or more"]),
        ({**GOOD, "sampling": "random", "npatches": 0}, ["npatches takes a whole number"]),
        (
            {**GOOD, "sampling": "balanced", "npatches": 2},
            ["npatches=2 is too few for 3 splits"],
        ),
        ({**GOOD, "footprints": "1 wrong"}, ["legal"]),
        ({**GOOD, "footprints": "f" * 201}, ["201 bytes", "at most 200"]),
    ],
)
def test_bad_options_end_in_one_line_and_write_nothing(project, tmp_path, options, words):
    write_points(project)
    (tmp_path / "out").mkdir()
    before = files_of(project)
    result = project.run(
        "i.dl.patches", check=False, output=tmp_path / "out" / "ds", **{"size": SIZE, **options}
    )
    fails_with(result, *words)
    assert list((tmp_path / "out").iterdir()) == []
    assert files_of(project) == before


def test_overlapping_areas_of_two_classes_are_told(project, tmp_path):
    squares = [([[4, 4], [24, 4], [24, 24], [4, 24], [4, 4]], 1),
               ([[16, 16], [40, 16], [40, 40], [16, 40], [16, 16]], 2)]  # fmt: skip
    features = [
        {"type": "Feature", "properties": {"code": code},
         "geometry": {"type": "Polygon", "coordinates": [corners]}}
        for corners, code in squares
    ]  # fmt: skip
    file = tmp_path / "squares.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    project.run("v.in.ogr", flags="o", input=file, output="squares", quiet=True)
    result = project.run(
        "i.dl.patches", input="red", training="squares", column="code", size=SIZE,
        split_method="none", output=tmp_path / "ds",
    )  # fmt: skip
    told = " ".join(result.stderr.split())
    assert "several classes, since polygons overlap: 1;" in told
    assert "<1> before <2>" in told


@pytest.mark.parametrize("nprocs", [1, 2])
def test_a_killed_run_leaves_the_old_dataset_and_the_next_one_cleans_up(project, tmp_path, nprocs):
    """SIGKILL while the new patches are written over an older dataset's name."""
    project.run("g.region", res=0.05)
    target = tmp_path / "ds"
    call = {"input": "red", "labels": "truth", "size": 16, "output": target}
    project.run("i.dl.patches", stride=240, block_size=240, **call)
    old = {file.name: file.read_bytes() for file in target.iterdir() if file.is_file()}
    words = project.command("i.dl.patches", stride=4, nprocs=nprocs, overwrite=True, **call)
    process = subprocess.Popen(words, env=project.environment, stderr=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)  # fmt: skip
    while not any(tmp_path.glob(".ds.part/new-*/train/images.npy")):
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert {file.name: file.read_bytes() for file in target.iterdir() if file.is_file()} == old
    assert (tmp_path / ".ds.part").is_dir()
    assert len(list((project.mapset / ".i_dl_scratch").iterdir())) == 1
    project.run("i.dl.patches", stride=240, block_size=240, overwrite=True, **call)
    assert not (project.mapset / ".i_dl_scratch").exists()
    assert not any(path.is_dir() for path in (project.mapset / ".tmp").glob("*/*"))
    assert list(tmp_path.glob(".ds.*")) == []
    assert (target / "dataset.json").read_bytes() != b""
