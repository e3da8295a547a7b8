# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.patches in a GRASS session."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace

import numpy as np
import pytest

from cutting import SIZE, cut, fails_with, files_of, painted
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX
from grassdl.core.colors import named_color
from grassdl.dataset.manifest import SPLITS
from grassdl.dataset.patchset import PatchSet
from paths import CHECKOUT

CELLS = 48
VALUES, LABELS = [3, 7, 20], ["water", "forêt", "bare soil, dry"]
COLORS = ["0:0:255", "10:99:0", "200:150:100"]
AREAS = {1: (0, 24, 0, 24), 2: (24, 48, 0, 20), 3: (6, 30, 26, 48), 4: (32, 46, 24, 44)}
"""First and last row, first and last column of the training areas by category."""
KINDS = {1: ("forêt", 20), 2: ("bare soil, dry", 5), 3: ("forêt", 20), 4: (None, None)}


@pytest.fixture(scope="module")
def shared(request):
    """tests/conftest.py, for what a whole module shares."""
    return request.config.pluginmanager.get_plugin(str(CHECKOUT / "tests" / "conftest.py"))


@pytest.fixture(scope="module")
def landscape(shared, grass_template, tmp_path_factory):
    """A project that tests must leave as it is, and the arrays of its maps."""
    template, environment = grass_template
    path = tmp_path_factory.mktemp("landscape") / "project"
    shutil.copytree(template, path)
    project = shared.GrassProject(path, environment)
    run, write = project.run, project.write_raster
    rng = np.random.default_rng(0)
    run("g.region", n=CELLS, s=0, w=0, e=CELLS, res=1)
    maps = {
        "red": rng.integers(0, 900, (CELLS, CELLS)),
        "green": rng.integers(0, 200, (CELLS, CELLS)),
        "nir": rng.integers(0, 3, (CELLS, CELLS)) * 300,
        "dtm": rng.normal(200, 5, (CELLS, CELLS)),
        "truth": np.array(VALUES)[rng.integers(0, 3, (CELLS, CELLS))],
        "dsm": rng.normal(210, 5, (25, 25)).astype(np.float32),
    }
    maps["red"][:4] = maps["nir"][:4] = 0
    for name in ("red", "green", "nir", "dtm", "truth"):
        write(name, maps[name])
    write("dsm", maps["dsm"], north=CELLS + 1, west=-1, resolution=2)
    run("r.support", map="red", semantic_label="S2_4", units="DN", title="Été", quiet=True)
    rules = "".join(f"{v}\t{label}\n" for v, label in zip(VALUES, LABELS, strict=True))
    run("r.category", map="truth", separator="tab", rules="-", stdin=rules)
    rules = "".join(f"{v} {color}\n" for v, color in zip(VALUES, COLORS, strict=True))
    run("r.colors", map="truth", rules="-", stdin=rules, quiet=True)
    run("i.group", group="all", subgroup="two", input="nir,red", quiet=True)
    run("i.group", group="all", input="green", quiet=True)
    write_areas(run)
    spoil(run, write)
    write("narrowed", maps["truth"])
    (path / "PERMANENT/cell_misc/narrowed/range").write_text(f"{min(VALUES)} {max(VALUES) - 1}\n")
    return SimpleNamespace(project=project, run=run, maps=maps)


def write_areas(run):
    lines = []
    for category, (top, bottom, left, right) in AREAS.items():
        north, south = CELLS - top, CELLS - bottom
        corners = [(left, north), (right, north), (right, south), (left, south), (left, north)]
        lines += ["B 5", *(f"{x} {y}" for x, y in corners)]
        lines += ["C 1 1", f"{left + 0.5} {south + 0.5}", f"1 {category}"]
    text = "\n".join(lines) + "\n"
    run("v.in.ascii", flags="n", format="standard", input="-", output="areas", stdin=text)
    columns = "kind varchar(30),code integer,share double precision"
    run("v.db.addtable", map="areas", columns=columns, quiet=True)
    sql = "".join(
        f"UPDATE areas SET kind='{kind}', code={code} WHERE cat={category};\n"
        for category, (kind, code) in KINDS.items()
        if kind
    )
    run("db.execute", input="-", stdin=f"{sql}UPDATE areas SET share=2.5;\n")


def spoil(run, write):
    """Maps that i.dl.patches must refuse."""
    whole = np.ones((CELLS, CELLS), np.int32)
    write("one_class", whole)
    write("negative", whole - 2 * (np.arange(CELLS) < 9).astype(np.int32))
    write("many", np.arange(CELLS * CELLS).reshape(CELLS, CELLS) % 255)
    write("nothing", np.full((CELLS, CELLS), np.nan, np.float32))
    write("far", whole, north=9000, west=9000)
    run("i.group", group="empty", subgroup="none", input="red", quiet=True)
    run("i.group", flags="r", group="empty", subgroup="none", input="red", quiet=True)
    run("i.group", flags="r", group="empty", input="red", quiet=True)
    line = "L 2\n5 5\n9 9\n"
    run("v.in.ascii", flags="n", format="standard", input="-", output="lines", stdin=line)


def class_indices(landscape):
    return np.searchsorted(VALUES, landscape.maps["truth"])


def area_codes(of_category, background=UNLABELLED_INDEX):
    """Label codes of the region when the areas have these codes."""
    codes = np.full((CELLS, CELLS), background)
    for category, code in of_category.items():
        top, bottom, left, right = AREAS[category]
        codes[top:bottom, left:right] = code
    return codes


def names(dataset):
    return [(band.name, band.declared) for band in dataset.manifest.bands]


def test_the_members_of_a_group_are_cut_in_its_order_with_their_labels(landscape, tmp_path):
    dataset = cut(landscape.project, tmp_path / "ds", group="all", labels="truth")
    images, labels, splits = painted(dataset)
    expected = np.dstack([landscape.maps[name] for name in ("nir", "red", "green")])
    assert np.array_equal(images, expected)
    assert np.array_equal(labels, class_indices(landscape))
    assert dataset.manifest.dtype == "uint16"
    assert sorted(np.bincount(splits.ravel()) / SIZE**2, reverse=True) == pytest.approx(
        [0.7 * 36, 0.15 * 36, 0.15 * 36], abs=2
    )


def test_the_manifest_tells_bands_classes_and_how_the_patches_were_cut(landscape, tmp_path):
    dataset = cut(
        landscape.project, tmp_path / "ds", group="all", red="red", nir="nir@PERMANENT",
        labels="truth", seed=5, split="60,20,20",
    )  # fmt: skip
    manifest = dataset.manifest
    assert names(dataset) == [("nir", False), ("S2_4", True), ("green", False), ("ndvi", True)]
    assert [band.dtype for band in manifest.bands] == ["uint16", "uint16", "uint8", "float32"]
    assert manifest.bands[1].source == {"map": "red@PERMANENT"}
    assert manifest.bands[1].units == "DN"
    assert manifest.bands[3].source == {"red": "red@PERMANENT", "nir": "nir@PERMANENT"}
    classes = [(one.value, one.label, one.color) for one in manifest.classes]
    assert classes == list(zip(VALUES, LABELS, COLORS, strict=True))
    export = manifest.export
    assert (export.size, export.stride, export.block_size) == (SIZE, SIZE, SIZE)
    assert (export.seed, export.split_shares) == (5, (60.0, 20.0, 20.0))
    assert (export.region["north"], export.region["rows"]) == (CELLS, CELLS)
    assert "UTM zone 31N" in export.crs
    assert export.project == "project"
    assert "group=all red=red nir=nir@PERMANENT labels=truth seed=5" in export.command


def test_statistics_are_numpys_over_the_cells_of_training(landscape, tmp_path):
    dataset = cut(landscape.project, tmp_path / "ds", input="red,dtm", labels="truth")
    splits = painted(dataset)[2]
    for name, found in zip(("red", "dtm"), dataset.manifest.statistics, strict=True):
        values = landscape.maps[name][splits == 0].astype(np.float32).astype(np.float64)
        assert found.count == len(values)
        assert found.mean == pytest.approx(values.mean(), rel=1e-9)
        assert found.deviation == pytest.approx(values.std(), rel=1e-6)
        assert (found.minimum, found.maximum) == (values.min(), values.max())


def test_a_subgroup_is_cut_alone(landscape, tmp_path):
    dataset = cut(landscape.project, tmp_path / "ds", group="all", subgroup="two", labels="truth")
    assert names(dataset) == [("nir", False), ("S2_4", True)]


def test_it_ends_with_what_it_wrote_and_the_next_call(landscape, tmp_path):
    output = tmp_path / "a name of words"
    done = landscape.run("i.dl.patches", input="red", labels="truth", output=output, size=SIZE)
    *_, _, call = done.stderr.splitlines()
    assert f"Dataset <{output}> is written; overview.png" in " ".join(done.stderr.split())
    assert shlex.split(call) == ["i.dl.train", f"input={output}", "output=MODEL"]
    plan = landscape.run("i.dl.patches", flags="p", input="red", labels="truth", size=SIZE)
    assert "i.dl.train" not in plan.stderr


def test_names_that_the_user_gives_come_first_and_are_declared(landscape, tmp_path):
    dataset = cut(
        landscape.project, tmp_path / "ds", input="green,red", bands="g,r", labels="truth"
    )
    assert names(dataset) == [("g", True), ("r", True)]
    assert np.array_equal(painted(dataset)[0][..., 1], landscape.maps["red"])


def test_ndsm_and_ndvi_are_numpys_and_a_coarser_dsm_is_read_by_nearest_cells(landscape, tmp_path):
    dataset = cut(
        landscape.project, tmp_path / "ds", input="green", dsm="dsm", dtm="dtm", red="red",
        nir="nir", labels="truth",
    )  # fmt: skip
    assert names(dataset) == [("green", False), ("ndsm", True), ("ndvi", True)]
    assert dataset.manifest.dtype == "float32"
    assert dataset.manifest.bands[1].resolution == 1.0
    images = painted(dataset)[0]
    nearest = (np.arange(CELLS) + 1) // 2
    dsm = landscape.maps["dsm"].astype(np.float64)[nearest][:, nearest]
    assert np.array_equal(images[..., 1], (dsm - landscape.maps["dtm"]).astype(np.float32))
    red, nir = landscape.maps["red"].astype(float), landscape.maps["nir"].astype(float)
    with np.errstate(invalid="ignore"):
        ratio = np.nan_to_num((nir - red) / (nir + red), nan=0)
    assert (ratio[:4] == 0).all()
    assert np.array_equal(images[..., 2], ratio.astype(np.float32))


def test_the_grid_of_the_patches_is_that_of_the_region(landscape, tmp_path):
    landscape.run("g.region", n=45, s=9, w=6, e=42, res=3, save="coarse", flags="u")
    dataset = cut(
        landscape.project, tmp_path / "ds", input="red", labels="truth", size=3, block_size=3,
        env={"WIND_OVERRIDE": "coarse"},
    )  # fmt: skip
    images, labels, _ = painted(dataset, 12, 12)
    cells = np.ix_(np.arange(4, 40, 3), np.arange(7, 43, 3))
    assert np.array_equal(images[..., 0], landscape.maps["red"][cells])
    assert np.array_equal(labels, class_indices(landscape)[cells])
    assert dataset.manifest.export.region["nsres"] == 3


@pytest.mark.parametrize(
    "column, classes, codes",
    [
        ("kind", [(1, "bare soil, dry"), (2, "forêt")], {1: 1, 2: 0, 3: 1}),
        ("code", [(5, "5"), (20, "20")], {1: 1, 2: 0, 3: 1}),
        (None, [(1, "1"), (2, "2"), (3, "3"), (4, "4")], {1: 0, 2: 1, 3: 2, 4: 3}),
    ],
)
def test_training_areas_become_labels(landscape, tmp_path, column, classes, codes):
    options = {"column": column} if column else {}
    dataset = cut(
        landscape.project, tmp_path / "ds", input="red", training="areas", split_method="none",
        **options,
    )  # fmt: skip
    assert [(one.value, one.label) for one in dataset.manifest.classes] == classes
    assert len({one.color for one in dataset.manifest.classes}) == len(classes)
    _, labels, splits = painted(dataset)
    assert np.array_equal(labels[splits == 0], area_codes(codes)[splits == 0])
    assert (area_codes(codes)[splits == -1] == UNLABELLED_INDEX).all()
    assert set(splits.ravel()) <= {-1, 0}


def found_classes(dataset):
    return [(one.value, one.label, one.color) for one in dataset.manifest.classes]


def test_a_column_of_values_has_the_labels_of_another_and_a_file_gives_colours(landscape, tmp_path):
    (tmp_path / "colors.txt").write_text("forêt 1:2:3\n")
    dataset = cut(
        landscape.project, tmp_path / "ds", **AREA, column="code", label_column="kind",
        class_colors=tmp_path / "colors.txt",
    )  # fmt: skip
    soil = named_color("bare soil")
    assert found_classes(dataset) == [(5, "bare soil, dry", soil), (20, "forêt", "1:2:3")]


def test_texts_have_the_values_of_a_file_and_classes_the_colours_of_v_colors(landscape, tmp_path):
    landscape.run("g.copy", vector="areas,colored", quiet=True)
    rules = "5 10:20:30\n20 40:50:60\n"
    table = {"use": "attr", "column": "code", "rules": "-", "stdin": rules}
    landscape.run("v.colors", map="colored", quiet=True, **table)
    (tmp_path / "values.txt").write_text("5|bare soil, dry\n20|forêt\n7|water\n")
    dataset = cut(
        landscape.project, tmp_path / "ds", input="red", training="colored", column="kind",
        class_values=tmp_path / "values.txt",
    )  # fmt: skip
    landscape.run("g.remove", flags="f", type="vector", name="colored", quiet=True)
    expected = [(5, "bare soil, dry", "10:20:30"), (20, "forêt", "40:50:60")]
    assert found_classes(dataset) == expected


def test_all_areas_have_one_value_where_it_is_given(landscape, tmp_path):
    dataset = cut(landscape.project, tmp_path / "ds", **AREA, value=3, background=0)
    assert [one[:2] for one in found_classes(dataset)] == [(0, "background"), (3, "3")]
    expected = area_codes(dict.fromkeys(AREAS, 1), background=0)
    assert np.array_equal(painted(dataset)[1], expected)


def test_background_is_a_class_of_its_own_where_nothing_is_labelled(landscape, tmp_path):
    dataset = cut(
        landscape.project, tmp_path / "ds", input="red", training="areas", column="kind",
        background=0, env={"LC_ALL": "C"},
    )  # fmt: skip
    found = [(one.value, one.label) for one in dataset.manifest.classes]
    assert found == [(0, "background"), (1, "bare soil, dry"), (2, "forêt")]
    expected = area_codes({1: 2, 2: 1, 3: 2}, background=0)
    assert np.array_equal(painted(dataset)[1], expected)


def test_background_may_be_one_of_the_integer_classes(landscape, tmp_path):
    dataset = cut(
        landscape.project, tmp_path / "ds", input="red", training="areas", column="code",
        background=5,
    )  # fmt: skip
    assert dataset.manifest.classes.values.tolist() == [5, 20]
    assert np.array_equal(painted(dataset)[1], area_codes({1: 1, 2: 0, 3: 1}, background=0))


def test_null_in_one_band_is_0_in_all_bands_and_has_a_code_of_its_own(grass_project, tmp_path):
    red = np.ma.array(np.arange(1, 145).reshape(12, 12), mask=np.zeros((12, 12), bool))
    red[2, 3] = np.ma.masked
    height = np.full((12, 12), 7, np.float32)
    height[5, 6], height[8, 0] = np.nan, np.inf
    truth = np.ma.array(np.tile([1, 2], (12, 6)), mask=np.zeros((12, 12), bool))
    truth[0, 0] = truth[2, 3] = np.ma.masked
    for name, array in (("red", red), ("height", height), ("truth", truth)):
        grass_project.write_raster(name, array)
    grass_project.write_raster("ground", np.zeros((12, 12), np.float32))
    options = {"input": "red", "dsm": "height", "dtm": "ground", "labels": "truth"}
    dataset = cut(grass_project, tmp_path / "ds", size=4, block_size=4, **options)
    images, labels, _ = painted(dataset, 12, 12)
    null = np.zeros((12, 12), bool)
    null[2, 3] = null[5, 6] = null[8, 0] = True
    expected = np.tile([0, 1], (12, 6))
    expected[0, 0] = UNLABELLED_INDEX
    expected[null] = NULL_INDEX
    assert np.array_equal(labels, expected)
    assert (images[null] == 0).all()
    assert np.array_equal(images[~null][:, 0], red.data[~null])
    assert (images[~null][:, 1] == 7).all()
    assert all(found.minimum > 0 for found in dataset.manifest.statistics)
    with_background = cut(
        grass_project, tmp_path / "bg", size=4, block_size=4, background=1, **options
    )
    expected[0, 0] = 0
    assert np.array_equal(painted(with_background, 12, 12)[1], expected)


def test_masked_cells_are_null_and_the_mask_stays(grass_project, tmp_path):
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 3, (12, 12))
    inside = np.zeros((12, 12), np.int32)
    inside[:, 1:9] = 1
    grass_project.write_raster("red", rng.integers(1, 9, (12, 12)))
    grass_project.write_raster("truth", truth)
    grass_project.write_raster("inside", inside)
    grass_project.run("r.mask", raster="inside", maskcats=1, quiet=True)
    dataset = cut(grass_project, tmp_path / "ds", input="red", labels="truth", size=4, block_size=4)
    images, labels, _ = painted(dataset, 12, 12)
    assert np.array_equal(labels[:, :8], np.where(inside, truth - 1, NULL_INDEX)[:, :8])
    assert (images[:, 0] == 0).all()
    assert "MASK" in grass_project.maps()


def test_the_plan_writes_nothing_and_tells_what_the_dataset_will_hold(landscape, tmp_path):
    options = {"input": "red", "training": "areas", "column": "kind", "sampling": "random"}
    options |= {"npatches": 30, "size": SIZE, "block_size": 12, "seed": 3, "min_labelled": 20}
    before = files_of(landscape.project)
    printed = landscape.run("i.dl.patches", flags="p", **options).stdout.splitlines()
    assert files_of(landscape.project) == before
    dataset = cut(landscape.project, tmp_path / "ds", **options)
    counts = [dataset.manifest.counts[split] for split in SPLITS]
    pixels = [dataset.manifest.pixels[split] for split in SPLITS]
    assert sum(counts) == 30
    head = next(place for place, line in enumerate(printed) if line.split() == list(SPLITS))
    assert "expected time: below 1 s" in " ".join(printed[:head])
    assert printed[head + 1].split() == ["patches", *map(str, counts)]
    assert printed[head + 2].split()[2:] == [str(sum(one)) for one in pixels]
    told = [line.replace("%", "").split()[-3:] for line in printed[head + 3 :]]
    assert len(told) == 2
    for index, shares in enumerate(told):
        assert [float(share) for share in shares] == pytest.approx(
            [100 * one[index] / sum(one) for one in pixels], abs=0.005
        )
    for split in SPLITS:
        codes = dataset.arrays(split)[1]
        assert ((codes < 2).sum(axis=(1, 2)) >= 0.2 * SIZE**2).all()


def test_a_script_reads_the_plan_as_one_json_object(landscape, tmp_path):
    options = {"input": "red", "labels": "truth", "size": SIZE, "format": "json"}
    plan = json.loads(landscape.run("i.dl.patches", flags="p", **options).stdout)
    assert [one["value"] for one in plan["classes"]] == VALUES
    for split in SPLITS:
        pixels = sum(one["pixels"][split] for one in plan["classes"])
        assert pixels == plan["labelled_pixels"][split]
    assert sum(plan["patches"].values()) == plan["candidates"] - plan["across_splits"]
    refused = landscape.run("i.dl.patches", check=False, output=tmp_path / "other", **options)
    fails_with(refused, "format=json is for the plan: add -p")
    assert not (tmp_path / "other").exists()


def test_the_same_seed_gives_the_same_dataset_and_another_one_another(landscape, tmp_path):
    options = {"input": "red", "labels": "truth", "sampling": "random", "npatches": 12}
    ids = [
        cut(landscape.project, tmp_path / name, seed=seed, block_size=12, **options)
        for name, seed in (("first", 4), ("again", 4), ("other", 5))
    ]
    first, again, other = (one.manifest.dataset_id for one in ids)
    assert first == again != other
    for file in ("train/images.npy", "val/labels.npy"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_without_split_random_patches_may_lie_anywhere(landscape, tmp_path):
    dataset = cut(
        landscape.project, tmp_path / "ds", input="red", labels="truth", sampling="random",
        npatches=40, split_method="none",
    )  # fmt: skip
    assert dataset.manifest.counts == {"train": 40, "val": 0, "test": 0}
    assert dataset.manifest.export.block_size == 0
    _, labels, splits = painted(dataset)
    assert np.array_equal(labels[splits == 0], class_indices(landscape)[splits == 0])
    assert (splits == 0).sum() % SIZE**2 != 0


def test_footprints_can_be_imported_into_grass(landscape, grass_project, tmp_path):
    dataset = cut(landscape.project, tmp_path / "ds", input="red", labels="truth")
    file = tmp_path / "ds" / "patches.gpkg"
    grass_project.run("v.in.ogr", input=file, output="patches", flags="o", quiet=True)
    table = grass_project.run("v.db.select", map="patches", format="json").stdout
    records = json.loads(table)["records"]
    assert len(records) == sum(dataset.manifest.counts.values()) == 36
    assert {record["split"] for record in records} == set(SPLITS)
    assert all(
        record["share_3"] + record["share_7"] + record["share_20"] == 1 for record in records
    )


def test_existing_folders_are_replaced_only_when_asked_and_only_datasets(landscape, tmp_path):
    first = cut(landscape.project, tmp_path / "ds", input="red", labels="truth")
    refused = patches(landscape, tmp_path / "ds", input="green", labels="truth")
    fails_with(refused, "exists", "--overwrite")
    assert PatchSet.open(tmp_path / "ds").manifest.dataset_id == first.manifest.dataset_id
    other = cut(landscape.project, tmp_path / "ds", input="green", labels="truth", overwrite=True)
    assert names(other) == [("green", False)]
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "holiday.jpg").write_text("precious")
    refused = patches(landscape, photos, input="red", labels="truth", overwrite=True)
    fails_with(refused, "holds no dataset.json", "not overwritten")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ds", "photos"]
    assert [path.name for path in photos.iterdir()] == ["holiday.jpg"]


def patches(landscape, output, **options):
    return landscape.run("i.dl.patches", check=False, output=output, **{"size": SIZE, **options})


GOOD = {"input": "red", "labels": "truth"}
AREA = {"input": "red", "training": "areas"}


@pytest.mark.parametrize(
    "options, words",
    [
        ({**GOOD, "input": "red,nowhere"}, ["Raster map <nowhere> not found"]),
        ({**GOOD, "labels": "nowhere"}, ["Raster map <nowhere> not found"]),
        ({**GOOD, "dsm": "nowhere", "dtm": "dtm"}, ["Raster map <nowhere> not found"]),
        ({**GOOD, "dsm": "dsm"}, ["dsm and dtm must be given together"]),
        ({**GOOD, "nir": "nir"}, ["red and nir must be given together"]),
        ({"group": "nowhere", "labels": "truth"}, ["Group <nowhere> not found"]),
        ({"group": "empty", "labels": "truth"}, ["Group <empty> has no raster maps"]),
        ({"group": "all", "subgroup": "x", "labels": "truth"}, ["<all/x> has no raster maps"]),
        ({**GOOD, "input": "nothing"}, ["No patch", "labelled cells without NULL"]),
        ({**GOOD, "labels": "far"}, ["<far@PERMANENT>", "no class in the region"]),
        ({**GOOD, "labels": "nothing"}, ["<nothing@PERMANENT> have no value in the region"]),
        (
            {**GOOD, "labels": "narrowed"},
            ["<narrowed", "recorded range", "r.support -s"],
        ),
        (
            {**GOOD, "labels": "one_class"},
            ["found only class 1", "background="],
        ),
        ({**GOOD, "labels": "dtm", "target": "classes"}, ["<dtm@PERMANENT> is of floating point"]),
        ({**GOOD, "labels": "negative"}, ["class value -1", "0 to 2147483647"]),
        ({**GOOD, "labels": "many"}, ["255 classes", "at most 254"]),
        ({**GOOD, "background": -1}, ["background takes a whole number of 0 or more, not -1"]),
        ({**GOOD, "size": 49}, ["49 cells do not fit", "48 rows and 48 columns"]),
        ({**GOOD, "size": 0}, ["Option size takes a whole number of 1 or more, not 0"]),
        ({**GOOD, "size": 32.5}, ["Option size takes a whole number of 1 or more, not 32.5"]),
        ({**GOOD, "size": "abc"}, ["Invalid value <abc> for parameter <size>"]),
        ({**GOOD, "stride": -3}, ["Option stride takes a whole number of 1 or more"]),
        ({**GOOD, "block_size": 7}, ["Blocks of 7 cells are smaller than a patch of 8 cells"]),
        ({**GOOD, "block_size": 48}, ["labelled patches: 1, too few for 3 splits"]),
        ({**GOOD, "seed": -1}, ["seed takes a whole number of 0 or more, not -1"]),
        ({**GOOD, "min_labelled": 101}, ["min_labelled takes a number of 0 to 100, not 101"]),
        ({**GOOD, "min_labelled": "nan"}, ["min_labelled takes a number of 0 to 100, not nan"]),
        ({**GOOD, "split": "70,abc,3"}, ["split takes a number of 0 or more, not abc"]),
        ({**GOOD, "split": "0,0,0"}, ["split takes the shares of train, val and test"]),
        ({**GOOD, "split": "70,30"}, ["<split> must be provided in multiples of 3"]),
        ({**GOOD, "bands": "a,b"}, ["bands names 2 bands, but 1 raster maps are given"]),
        ({**GOOD, "input": "red,nir", "bands": "a,a"}, ["Two bands have the name <a>"]),
        ({**GOOD, "bands": "\x1b[31m"}, ["Option bands has a name of 0 printable characters"]),
        ({**GOOD, "input": "red,"}, ["A name of a raster map is empty: separate names by one"]),
        ({**GOOD, "input": "red,red"}, ["Two bands have the name <S2_4>"]),
        ({**GOOD, "npatches": 5}, ["npatches goes with sampling=random"]),
        ({**GOOD, "sampling": "random"}, ["sampling=random needs the option npatches"]),
        ({**GOOD, "sampling": "random", "npatches": 5, "stride": 4}, ["goes with sampling=grid"]),
        ({**AREA, "training": "nowhere"}, ["Vector map <nowhere> not found"]),
        (
            {**AREA, "footprints": "areas", "overwrite": True},
            ["Output <areas> is also an input: choose another name"],
        ),
        ({**AREA, "training": "lines"}, ["<lines@PERMANENT> has no areas and no points"]),
        ({**AREA, "column": "nowhere"}, ["no column <nowhere>", "kind, code"]),
        ({**AREA, "column": "share"}, ["Column <share>", "holds 2.5", "whole numbers"]),
        ({**AREA, "column": "kind", "layer": 2}, ["has no table in layer 2"]),
        ({**AREA, "layer": 7}, ["with a class lies in the region (layer 7)"]),
        ({**AREA, "column": "kind", "layer": "x"}, ["has no layer <x>", "1 (areas)"]),
        ({**AREA, "column": "kind", "background": 1}, ["background=1", "<bare soil, dry>"]),
        ({**AREA, "column": "kind", "label_column": "code"}, ["holds texts", "leave out"]),
        ({**AREA, "column": "kind", "value": 1}, ["mutually exclusive"]),
        ({**AREA, "value": -1}, ["value takes a whole number of 0 or more, not -1"]),
        ({**AREA, "class_colors": "/dev/zero"}, ["no file, and gives more than 64 MB"]),
        ({**AREA, "class_values": "nowhere"}, ["File of class values <nowhere> cannot be read"]),
        ({**AREA, "labels": "truth"}, ["mutually exclusive"]),
        ({"input": "red"}, ["At least one of", "labels", "training"]),
        ({**GOOD, "group": "all"}, ["mutually exclusive"]),
    ],
)
def test_bad_input_ends_in_one_line_and_writes_nothing(landscape, tmp_path, options, words):
    before = files_of(landscape.project)
    fails_with(patches(landscape, tmp_path / "ds", **options), *words)
    assert list(tmp_path.iterdir()) == []
    assert files_of(landscape.project) == before


def test_areas_outside_the_region_are_told(landscape, tmp_path):
    landscape.run("g.region", n=4090, s=4000, w=4000, e=4090, res=1, save="away", flags="u")
    result = patches(landscape, tmp_path / "ds", **AREA, env={"WIND_OVERRIDE": "away"})
    fails_with(result, "No training area of <areas@PERMANENT> with a class lies in the region")


def test_a_missing_parent_folder_is_told(landscape, tmp_path):
    fails_with(patches(landscape, tmp_path / "no" / "ds", **GOOD), "no> not found")


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = []

    def mount(options):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True
        )
        if done.returncode:
            pytest.skip("no right to mount a file system here")
        mounted.append(folder)
        return folder

    yield mount
    for one in mounted:
        subprocess.run(["umount", str(one)], check=True)


def test_a_folder_that_is_not_writable_is_told(landscape, tmp_path, request):
    if os.getuid():
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)
    else:
        folder = request.getfixturevalue("small_disk")("ro")
    fails_with(patches(landscape, folder / "ds", **GOOD), f"Folder <{folder}> is not writable")
    assert list(folder.iterdir()) == []


def test_a_disk_that_is_too_small_is_refused_before_writing(landscape, small_disk):
    folder = small_disk("size=100k")
    result = patches(landscape, folder / "ds", **GOOD)
    fails_with(result, "Disk full: the dataset needs 2.0 MB", "0.1 MB are free")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "kilobytes, words",
    [(3, ["Disk full", "nothing was written"]), (40, ["<patches.gpkg>", "is the disk full?"])],
)
def test_a_disk_that_fills_up_while_writing_leaves_nothing(landscape, tmp_path, kilobytes, words):
    """A limit of the size of files: first the arrays, then the footprints do not fit."""
    project = landscape.project
    before = files_of(project)
    words_of_call = project.command("i.dl.patches", **GOOD, size=SIZE, output=tmp_path / "ds")
    limited = ["bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "bash", *words_of_call]
    result = subprocess.run(limited, env=project.environment, capture_output=True, text=True)
    fails_with(result, *words)
    assert list(tmp_path.iterdir()) == []
    assert files_of(project) == before


@pytest.mark.parametrize("moment", ["labels", "patches"])
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(landscape, tmp_path, moment, kind):
    """Cells of 1/20 m make a region that takes a while."""
    project = landscape.project
    fine = {"n": CELLS, "s": 0, "w": 0, "e": CELLS, "res": 0.05}
    landscape.run("g.region", flags="u", save="fine", overwrite=True, **fine)
    before = files_of(project)
    call = project.command(
        "i.dl.patches", **AREA, column="kind", size=16, stride=4, output=tmp_path / "ds"
    )
    process = subprocess.Popen(
        call,
        env={**project.environment, "WIND_OVERRIDE": "fine"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    appears = {
        "labels": lambda: any(project.mapset.glob("cell/i_dl_patches_tmp_*")),
        "patches": lambda: any(tmp_path.glob(".ds.part/new-*/train/images.npy")),
    }[moment]
    while not appears():
        assert process.poll() is None
        time.sleep(0.005)
    if kind == signal.SIGINT:
        os.killpg(process.pid, kind)  # as Ctrl-C does: called modules are interrupted too
    else:
        process.send_signal(kind)
    _, messages = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "ERROR: Interrupted: nothing was written" in messages
    assert "Traceback" not in messages
    assert list(tmp_path.iterdir()) == []
    assert files_of(project) == before


def test_a_group_whose_maps_are_gone_is_told(shared, grass_template, tmp_path):
    source = shared.REAL_DATA / "nc_spm_evolution"
    if not source.is_dir():
        pytest.skip(f"real data are missing: {source}")
    shutil.copytree(source, tmp_path / "project")
    project = shared.GrassProject(tmp_path / "project", grass_template[1])
    result = project.run(
        "i.dl.patches", check=False, group="imagery", labels="landcover", output=tmp_path / "ds"
    )
    fails_with(result, "Raster map <", "> not found")
    assert not (tmp_path / "ds").exists()


def test_training_polygons_with_texts_label_a_landsat_scene(shared, grass_template, tmp_path):
    source = shared.REAL_DATA / "nc_landsat"
    if not source.is_dir():
        pytest.skip(f"real data are missing: {source}")
    path = tmp_path / "nc"
    bands = [source / f"lsat7_2000_{number}.tif" for number in (30, 40)]
    quiet = {"env": grass_template[1], "check": True, "capture_output": True}
    subprocess.run(["grass", "-c", str(bands[0]), "-e", str(path)], **quiet)
    project = shared.GrassProject(path, grass_template[1])
    for name, file in zip(("red", "nir"), bands, strict=True):
        project.run("r.in.gdal", input=file, output=name, flags="o", quiet=True)
    file = source / "landsat96_polygons.shp"
    project.run("v.in.ogr", input=file, output="training", flags="o", quiet=True)
    project.run("g.region", raster="red")
    options = {"input": "red,nir", "red": "red", "nir": "nir", "training": "training"}
    dataset = cut(
        project, tmp_path / "ds", size=16, block_size=32, column="label", sampling="random",
        npatches=60, **options,
    )  # fmt: skip
    table = project.run("v.db.select", map="training", columns="label", flags="c").stdout
    labels = sorted(set(table.splitlines()))
    assert dataset.manifest.classes.labels == labels
    assert dataset.manifest.classes.values.tolist() == list(range(1, len(labels) + 1))
    assert sum(dataset.manifest.counts.values()) == 60
    for split in SPLITS:
        images, codes = dataset.arrays(split)
        assert ((codes < len(labels)).sum(axis=(1, 2)) > 0).all()
        red, nir, ndvi = (images[..., band].astype(np.float64) for band in range(3))
        valid = (codes != NULL_INDEX) & (red + nir > 0)
        expected = (nir - red)[valid] / (nir + red)[valid]
        assert np.array_equal(ndvi[valid], expected.astype(np.float32))
