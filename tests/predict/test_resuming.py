# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs of i.dl.predict that end early, by kills, changes and full disks, and are resumed."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

from noise_maps import write_noise_and_stripes
from small_model import plain_band, write_model

EDGE = 400
INPUTS = ["one", "two", "segments"]
OUTPUTS = ["by_segment", "classes", "p_2", "p_5", "p_9", "sure"]


@pytest.fixture(scope="module")
def project(new_project, tmp_path_factory):
    """A project with two maps, NULL here and there, and a model of them."""
    project = new_project(tmp_path_factory.mktemp("resuming"))
    write_noise_and_stripes(project, EDGE)
    project.run("g.region", raster="one")
    model = project.path / "model"
    model.mkdir()
    write_model(model, [plain_band("one"), plain_band("two")], [100, 90], [30, 40])
    return project


@pytest.fixture(autouse=True)
def nothing_left(project):
    """Every test begins and ends without outputs and checkpoints."""
    yield
    made = [name for name in project.maps() if name not in [*INPUTS, "kept"]]
    if made:
        project.run("g.remove", flags="f", type="raster", name=made)
    shutil.rmtree(project.mapset / ".i_dl_predict", ignore_errors=True)
    table(project).unlink(missing_ok=True)


def table(project):
    return project.path / "segments.csv"


def call(project, **options):
    """The words of the call that all these runs share."""
    given = {
        "input": "one,two",
        "model": project.path / "model",
        "output": "classes",
        "probabilities": "p",
        "confidence": "sure",
        "segments": "segments",
        "segment_output": "by_segment",
        "segment_stats": table(project),
        "segment_features": "last",
        "tile_size": 32,
        "nprocs": 1,
    }
    return project.command("i.dl.predict", **{**given, **options})


def begin(project, **options):
    return subprocess.Popen(
        call(project, **options),
        env=project.environment,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(project, **options):
    """Run to the end; the messages in one line."""
    done = subprocess.run(
        call(project, **options), env=project.environment, capture_output=True, text=True
    )
    return done.returncode, " ".join(done.stderr.split())


def wait_until(process, reached):
    """Wait until a run has reached something."""
    deadline = time.monotonic() + 180
    while not reached():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)


def kill_when(process, reached):
    """Kill a run and what it called as soon as it has reached something."""
    wait_until(process, reached)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def checkpoint(project):
    return project.mapset / ".i_dl_predict" / "classes"


def record(project):
    path = checkpoint(project) / "record.json"
    return json.loads(path.read_text()) if path.exists() else {"rows": 0, "tile": None}


def results(project):
    """All outputs as they are, and no temporary map or checkpoint beside them."""
    assert sorted(project.maps()) == sorted([*OUTPUTS, *INPUTS])
    assert not checkpoint(project).parent.exists()
    found = {name: project.read_raster(name).filled(-1) for name in OUTPUTS}
    found["table"] = table(project).read_text().split()
    table(project).unlink()
    return found


def assert_same(found, expected):
    for name in [*OUTPUTS, "table"]:
        assert np.array_equal(found[name], expected[name]), name


@pytest.fixture(scope="module")
def undisturbed(project):
    """The outputs of a run that nothing happens to."""
    assert finish(project)[0] == 0
    return results(project)


def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one(project, undisturbed):
    project.run("g.remove", flags="f", type="raster", name=OUTPUTS)
    kill_when(begin(project), lambda: record(project)["tile"])
    assert record(project)["rows"] == 0
    kill_when(begin(project, flags="r"), lambda: record(project)["rows"] >= 64)
    assert 64 <= record(project)["rows"] < EDGE
    assert sorted(project.maps()) == sorted(INPUTS)

    cells = project.mapset / "cell"
    process = begin(project, flags="r")
    kill_when(process, lambda: any(path.name.endswith("_sure") for path in cells.iterdir()))
    assert record(project)["rows"] == EDGE
    assert not {*OUTPUTS} & {*project.maps()}

    # As if that kill had come while the complete maps got their names, when some had theirs.
    path = checkpoint(project) / "record.json"
    path.write_text(json.dumps({**record(project), "naming": True}))
    project.run("g.copy", raster="one,p_2")
    status, messages = finish(project, flags="r")
    assert status == 0, messages
    assert f"Resuming after {EDGE} of {EDGE} rows" in messages
    assert_same(results(project), undisturbed)


def test_a_blended_run_resumes_with_what_its_last_row_of_tiles_left_over(project):
    options = {"tiling": "blend", "tile_size": 64}
    assert finish(project, **options)[0] == 0
    expected = results(project)
    project.run("g.remove", flags="f", type="raster", name=OUTPUTS)
    kill_when(begin(project, **options), lambda: record(project)["rows"] >= 96)
    assert 96 <= record(project)["rows"] < EDGE
    assert finish(project, flags="r", **options)[0] == 0
    assert_same(results(project), expected)


def test_a_full_disk_is_one_line_and_the_run_is_resumed_when_there_is_space(project, undisturbed):
    names = [name for name in OUTPUTS if name in project.maps()]
    if names:
        project.run("g.remove", flags="f", type="raster", name=names)
    half = EDGE * EDGE * 4 // 2
    done = subprocess.run(
        call(project),
        env=project.environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (half, half)),
    )
    told = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert told.count("ERROR: ") == 1 and "Traceback" not in told
    assert (
        "Disk full: free some space and try again; 184 of 400 rows are finished: -r resumes" in told
    )
    assert finish(project, flags="r")[0] == 0
    assert_same(results(project), undisturbed)


@pytest.fixture
def ended_early(project):
    """The checkpoint of a run that was killed after some rows."""
    kill_when(begin(project), lambda: record(project)["rows"] >= 64)
    return record(project)["rows"]


def test_what_a_killed_run_left_is_kept_until_it_is_replaced(project, ended_early):
    """Refused are other inputs, models, options and regions, and a second run at once."""

    def refused(what, **options):
        status, messages = finish(project, **{"flags": "r", **options})
        assert status == 1
        assert messages.count("ERROR: ") == 1
        assert f"Cannot resume: {what} has changed. Give what" in messages
        assert record(project)["rows"] == ended_early

    refused("option threshold (was not given)", threshold=0.5)
    refused("option confidence (was sure)", confidence="surely")
    refused("option segment_features (was last)", segment_features="normalization")
    refused("flag -a", flags="ra")

    path, kept = checkpoint(project) / "record.json", record(project)
    others = {**kept["fingerprint"], "the software": "i.dl 0.0.1"}
    path.write_text(json.dumps({**kept, "fingerprint": others}))
    refused("the software")
    path.write_text(json.dumps(kept))

    project.run("g.region", n=f"n-{1}")
    refused("the region")
    project.run("g.region", raster="one")

    project.run("g.copy", raster="one,kept")
    project.run("r.mapcalc", expression="one=kept+0", overwrite=True)
    refused("raster map <one@PERMANENT>")
    project.run("g.remove", flags="f", type="raster", name="kept")

    file = project.path / "model" / "model.json"
    content = file.read_text()
    file.write_text(content.replace('"idl:temperature": 1.0', '"idl:temperature": 1.5'))
    status, messages = finish(project, flags="r")
    assert "Cannot resume: the model, raster map <one@PERMANENT> have changed." in messages
    # A label may be mended.
    file.write_text(content.replace("roof", "mended"))
    status, messages = finish(project, flags="r")
    assert "Cannot resume: raster map <one@PERMANENT> has changed." in messages
    file.write_text(content)

    status, messages = finish(project, output="one")
    assert status == 1 and record(project)["rows"] == ended_early

    running = begin(project)
    wait_until(running, lambda: not record(project)["rows"])
    os.killpg(running.pid, signal.SIGSTOP)
    for flags in ("", "r"):
        status, messages = finish(project, flags=flags)
        assert status == 1
        assert "Another run is making the same output" in messages
    os.killpg(running.pid, signal.SIGCONT)
    messages = " ".join(running.communicate()[1].split())
    assert running.returncode == 0
    assert f"WARNING: An earlier run ended after {ended_early} of {EDGE} rows" in messages
    assert "they are replaced" in messages
    results(project)
