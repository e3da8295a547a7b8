# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs of i.dl.predict on a Dask cluster of two workers, also when these or the module die."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from psutil import Process

from dask_cluster import DaskCluster, wait_until
from grassdl.core.text import one_line
from grassdl.model.folder import load_card
from grassdl.predict.engines import openvino_conversion
from grassdl.predict.engines.network_facts import NetworkFacts
from grassdl.predict.engines.openvino_cache import cache_folder
from noise_maps import write_noise_and_stripes
from one_error import fails_with
from small_model import plain_band, write_members, write_model

EDGE = 140
ROWS = EDGE + 20
BANDS = [plain_band("one"), plain_band("two")]


@pytest.fixture(scope="module")
def project(new_project, tmp_path_factory):
    """A project with two maps, NULL here and there, segments, a model and an ensemble."""
    project = new_project(tmp_path_factory.mktemp("cluster"))
    write_noise_and_stripes(project, EDGE)
    # The first rows and columns lie beyond the maps.
    project.run("g.region", n=ROWS, s=0, w=-10, e=EDGE, res=1)
    model = project.path / "model"
    model.mkdir()
    network = write_model(model, BANDS, [100, 90], [30, 40])
    # As an earlier run would have left it: Keras is at hand here.
    trial = openvino_conversion.trial_window(load_card(model))
    facts, cache = NetworkFacts.of(network), cache_folder(model)
    openvino_conversion.converted(network, facts, cache, trial, print)
    write_members(project.path / "members", BANDS)
    return project


@pytest.fixture(scope="module")
def cluster(project, tmp_path_factory):
    """A scheduler and two workers of one thread."""
    cluster = DaskCluster(tmp_path_factory.mktemp("dask"), project.environment)
    for _ in range(2):
        cluster.start_worker()
    cluster.await_workers(2)
    yield cluster
    cluster.close()


def table(project):
    return project.path / "segments.csv"


def call(project, **options):
    """The options that all these runs share."""
    given = {"input": "one,two", "model": project.path / "model", "output": "classes"}
    return {**given, "tile_size": 16, "nprocs": 1, "overwrite": True, **options}


def everything(project):
    """Options for outputs of all kinds."""
    return {
        "probabilities": "p",
        "confidence": "sure",
        "uncertainty": "entropy",
        "vector": "areas",
        "minsize": 4,
        "segments": "segments",
        "segment_output": "by_segment",
        "segment_stats": table(project),
    }


def begin(project, **options):
    return subprocess.Popen(
        project.command("i.dl.predict", **call(project, **options)),
        env=project.environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def spool(project):
    return project.mapset / ".i_dl_predict" / "classes"


def contents(project):
    """The files of the maps that a run has made, and its table."""
    assert not spool(project).parent.exists()
    places = ("cell/classes", "cell/by_segment", "fcell/*", "cell_misc/*/null*", "vector/*/coor")
    found = [path for place in places for path in project.mapset.glob(place)]
    assert max(path.stat().st_mtime for path in found) > time.time() - 60
    told = {str(path.relative_to(project.mapset)): path.read_bytes() for path in found}
    return told | {"table": table(project).read_text()}


def finished_rows(project):
    path = spool(project) / "record.json"
    return json.loads(path.read_text())["rows"] if path.exists() else 0


@pytest.fixture(scope="module")
def undisturbed(project):
    """What one process makes."""
    project.run("i.dl.predict", **call(project, **everything(project)))
    found = contents(project)
    made = {"cell/classes", "fcell/p_2", "fcell/p_9", "cell/by_segment", "vector/areas/coor"}
    assert made <= set(found)
    return found


def begun(project, cluster, rows=0, **options):
    """A run that has finished more than so many rows."""
    run = begin(project, scheduler=cluster.address, **everything(project), **options)
    wait_until(lambda: finished_rows(project) > rows or run.poll() is not None)
    return run


def test_what_is_left_of_a_killed_module_is_used_with_or_without_a_cluster_that_loses_a_worker(
    project, cluster, undisturbed, tmp_path
):
    options = call(project, **everything(project))
    run = begun(project, cluster)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    rows = finished_rows(project)
    assert 0 < rows < ROWS
    shutil.copytree(spool(project), tmp_path / "kept")
    done = project.run("i.dl.predict", flags="r", **options)
    assert f"Resuming after {rows} of {ROWS} rows" in one_line(done.stderr)
    assert contents(project) == undisturbed
    shutil.copytree(tmp_path / "kept", spool(project))
    run = begun(project, cluster, rows, flags="r")
    cluster.workers.pop().kill()
    _, told = run.communicate()
    assert run.returncode == 0, told
    assert contents(project) == undisturbed
    cluster.start_worker()
    cluster.await_workers(2)


def test_a_module_that_is_asked_to_end_ends_its_processes_and_can_be_resumed(project, cluster):
    # What the module started that was killed ends when it is idle.
    before = processes(cluster)
    run = begun(project, cluster)
    run.terminate()
    _, told = run.communicate()
    assert run.returncode == 1
    assert re.search(rf"ERROR: Interrupted: \d+ of {ROWS} rows are finished: -r", one_line(told))
    assert processes(cluster) <= before
    # The next test begins anew over what is left.
    assert (spool(project) / "record.json").exists()


def processes(cluster):
    return {one.pid for worker in cluster.workers for one in Process(worker.pid).children()}


def test_an_ensemble_with_keras_turned_and_adjusted_bands_is_the_same(project, cluster):
    options = call(project, model=project.path / "members", engine="keras", tile_size=96)
    options |= {"disagreement": "differ", "normalization": "maps", "flags": "a"}
    project.run("i.dl.predict", **options)
    expected = map_of(project, "cell/classes"), map_of(project, "fcell/differ")
    done = project.run("i.dl.predict", scheduler=cluster.address, **options)
    assert (map_of(project, "cell/classes"), map_of(project, "fcell/differ")) == expected
    assert "computed elsewhere" not in one_line(done.stderr)


def test_a_cluster_on_this_machine_blends_as_one_process_does(project):
    options = call(project, tiling="blend", tile_size=32, segments="segments")
    options |= {"segment_stats": table(project), "segment_features": "last"}
    project.run("i.dl.predict", **options)
    expected = map_of(project, "cell/classes"), table(project).read_text()
    options |= {"nprocs": 2, "scheduler": "local", "format": "json"}
    done = project.run("i.dl.predict", **options)
    assert (map_of(project, "cell/classes"), table(project).read_text()) == expected
    assert json.loads(done.stdout)["rows"] == ROWS


def map_of(project, place):
    return (project.mapset / place).read_bytes()


def test_without_distributed_it_is_named_with_the_commands_that_install_it(project, tmp_path):
    (tmp_path / "distributed.py").write_text("raise ModuleNotFoundError(name='distributed')\n")
    path = f"{tmp_path}{os.pathsep}{project.environment.get('PYTHONPATH', '')}"
    options = call(project, scheduler="local", env={"PYTHONPATH": path})
    done = project.run("i.dl.predict", check=False, **options)
    fails_with(done, "Missing Python packages: distributed.", "requirements-optional.txt")


def test_without_a_scheduler_nothing_is_begun(project):
    # One that does not answer is waited for, and refused likewise: see `test_connection.py`.
    options = call(project, scheduler="nonsense")
    done = project.run("i.dl.predict", check=False, **options)
    fails_with(done, "<nonsense> is no address", "scheduler=local")
    assert not spool(project).parent.exists()


def test_stored_probabilities_need_no_cluster(project):
    options = {"probabilities": "p", "model": project.path / "model", "output": "classes"}
    done = project.run("i.dl.predict", check=False, scheduler="local", **options)
    fails_with(done, "scheduler", "group", "input")
