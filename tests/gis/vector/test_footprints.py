# SPDX-License-Identifier: GPL-2.0-or-later
"""Footprints as a vector map of GRASS."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from grassdl.core.classes import ClassScheme, MapClass
from grassdl.dataset.footprints import Footprint, write_footprints
from paths import LIBRARY

CLASSES = ClassScheme([MapClass(3, "water", "0:0:255"), MapClass(12, "roof", "9:9:9")])
REGION = {"north": 1200.3, "west": 600.1, "nsres": 0.3, "ewres": 0.3}
SIZE = 4
APART = [(0, 0), (0, 4), (0, 8), (4, 0), (9, 9)]
"""Row and column of patches that at most touch."""

SPLITS = ["train", "val", "test", "train", "test"]
IMPORTS = (
    "from grassdl.gis.vector.footprints import *\nfrom grassdl.gis.session.output_names import *"
)
CALL = "i.dl.patches input=a,b output='my patches'"


@pytest.fixture
def footprints(tmp_path):
    """Writes `patches.gpkg` with patches at rows and columns."""

    def write(positions, splits=SPLITS):
        content = [
            Footprint(split, place, row, col, np.array([0.25, 0.5]))
            for place, ((row, col), split) in enumerate(zip(positions, splits, strict=True))
        ]
        folder = tmp_path / f"dataset {len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        write_footprints(folder, content, CLASSES, SIZE, REGION, "")
        return folder / "patches.gpkg"

    return write


@pytest.fixture
def call(grass_project):
    """Runs Python lines after the import of the module, as a module of the project does."""

    def run(lines, **environment):
        library = os.pathsep.join([str(LIBRARY), grass_project.environment["PYTHONPATH"]])
        return subprocess.run(
            [sys.executable, "-c", f"{IMPORTS}\n{lines}"],
            env={
                **grass_project.environment,
                "PYTHONPATH": library,
                "CMDLINE": CALL,
                **environment,
            },
            capture_output=True,
            text=True,
        )

    return run


def import_map(call, gpkg, name="fp", **environment):
    done = call(f"import_footprints({str(gpkg)!r}, {name!r})", **environment)
    assert done.returncode == 0, done.stderr
    return done


def table(project, name="fp"):
    """Split, row and column by category."""
    listed = project.run(
        "v.db.select", flags="c", map=name, columns="cat,split,row,col", separator=","
    ).stdout
    return {int(line.split(",")[0]): tuple(line.split(",")[1:]) for line in listed.split()}


def colours(project, name="fp"):
    listed = project.run("v.colors.out", map=name).stdout
    return dict(re.findall(r"^(\d+) (\d+:\d+:\d+)$", listed, re.MULTILINE))


def topology(project, name="fp"):
    listed = project.run("v.info", flags="t", map=name).stdout
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", listed)}


def test_patches_that_lie_apart_become_areas_coloured_by_split(call, grass_project, footprints):
    import_map(call, footprints(APART))
    found = topology(grass_project)
    assert (found["areas"], found["centroids"], found["lines"]) == (5, 5, 0)
    rows = table(grass_project)
    assert sorted(rows.values()) == sorted(
        (split, str(row), str(col)) for (row, col), split in zip(APART, SPLITS, strict=True)
    )
    expected = {"train": "0:114:178", "val": "230:159:0", "test": "204:121:167"}
    assert colours(grass_project) == {str(cat): expected[row[0]] for cat, row in rows.items()}


@pytest.mark.parametrize("second", [(0, 3), (0, 0), (3, -3)])
def test_overlapping_patches_become_closed_lines_one_each(call, grass_project, footprints, second):
    import_map(call, footprints([(4, 4), (4 + second[0], 4 + second[1])], ["train", "train"]))
    found = topology(grass_project)
    assert (found["areas"], found["lines"]) == (0, 2)
    assert len(table(grass_project)) == 2
    assert list(colours(grass_project).values()) == ["0:114:178"] * 2


def test_areas_lie_where_the_patches_do(call, grass_project, footprints):
    import_map(call, footprints([(0, 0)], ["test"]))
    told = grass_project.run("v.info", flags="g", map="fp").stdout
    edges = {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", told)}
    assert [edges[one] for one in ("north", "south", "west", "east")] == pytest.approx(
        [1200.3, 1199.1, 600.1, 601.3], abs=1e-6
    )


def test_title_and_history_tell_what_it_is_and_the_call(call, grass_project, footprints):
    import_map(call, footprints(APART))
    told = grass_project.run("v.info", flags="e", map="fp").stdout
    assert 'title="Patches by split"' in told or "title=Patches by split" in told
    assert grass_project.run("v.info", flags="h", map="fp").stdout.count(CALL) == 1


def test_nothing_else_stays_behind_and_the_region_stays(call, grass_project, footprints):
    before = grass_project.run("g.region", flags="g").stdout
    # What a killed run left; its number is none of a live process.
    import_map(call, footprints(APART), name="i_dl_footprints_tmp_4194999")
    import_map(call, footprints(APART))
    assert grass_project.maps("vector") == ["fp"]
    assert grass_project.run("g.region", flags="g").stdout == before


def test_what_cannot_be_imported_leaves_no_map(call, grass_project, footprints):
    gpkg = footprints(APART)
    gpkg.write_bytes(gpkg.read_bytes()[:5000])
    told = call(f"import_footprints({str(gpkg)!r}, 'fp')").stderr
    assert f"OSError: Footprints <{gpkg}> cannot be read" in told
    assert grass_project.maps("vector") == []


def test_a_map_is_replaced_only_with_overwrite(call, grass_project, footprints):
    import_map(call, footprints(APART))
    told = call("check_vector_output('fp', False)").stderr
    assert "ValueError: Vector map <fp> exists: choose another name or use --overwrite" in told
    assert call("check_vector_output('fp', True)").returncode == 0
    import_map(call, footprints(APART[:2], SPLITS[:2]), GRASS_OVERWRITE="1")
    assert topology(grass_project)["areas"] == 2
    assert len(table(grass_project)) == 2


def test_names_that_no_vector_map_may_have_are_refused(call):
    names = ["", "1st", "_a", "a.b", "a-b", "a b", "fp@PERMANENT", "select", "Table", "ä", "a;b"]
    lines = ["for name in NAMES:", "    try:", "        check_vector_output(name, True)"]
    lines += ["    except ValueError as error:", "        print(error)"]
    told = call("\n".join(lines).replace("NAMES", repr([*names, "a_1", "Patches"]))).stdout
    assert told.count("is no legal name of a vector map") == len(names)
    assert [line.split(">")[0][1:] for line in told.splitlines()] == names


def test_a_mapset_that_has_seen_no_table_takes_any_name(call, grass_project):
    (grass_project.mapset / "VAR").unlink(missing_ok=True)
    assert call("print(check_vector_output('patches', False))").stdout == "None\n"
