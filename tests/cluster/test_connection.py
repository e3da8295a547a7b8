# SPDX-License-Identifier: GPL-2.0-or-later
"""Clusters that are not there, have no workers, or whose workers do not see the project."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace

import dask
import pytest

from dask_cluster import DaskCluster, wait_until
from grassdl import __version__
from grassdl.cluster import connection, worker
from grassdl.cluster.connection import LOCAL, check_all, connected, gpu_shares, visible_gpus
from grassdl.cluster.job import DONE, Answer, Job, Outcome, Session
from paths import LIBRARY

JOB = Job("word", __version__, Session("/usr", "", "", ""), "", {}, 0)


@pytest.fixture
def without_client(monkeypatch):
    """Fails where a client is made: one that cannot connect is closed after 10 s, with a
    traceback."""

    def made(*given, **named):
        raise AssertionError

    monkeypatch.setattr(connection, "Client", made)


@pytest.mark.parametrize(
    "address", ["nonsense", "foo://host:1", "localhost", "tcp://", "tcp://a:b", "tls://host:1"]
)
def test_what_is_no_address_is_refused_before_a_client_is_made(address, without_client):
    with (
        pytest.raises(ValueError, match=f"<{address}> is no address .* scheduler=local"),
        connected(address, 0),
    ):
        pass


def test_a_server_that_is_none_of_dask_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(ValueError, match=f"No Dask scheduler answers at <{address}>"),
            connected(address, 0),
        ):
            pass


def test_a_port_where_nobody_listens_is_told_with_what_starts_a_scheduler(monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.1)
    with (
        pytest.raises(ValueError, match="answers at <tcp://127.0.0.1:9> .*'dask scheduler'"),
        connected("tcp://127.0.0.1:9", 0),
    ):
        pass


def test_local_workers_compute_however_much_memory_the_module_has():
    with (
        dask.config.set({"distributed.worker.memory.pause": 1e-6}),
        connected(LOCAL, 2) as cluster,
    ):
        # A worker looks at its memory five times a second.
        time.sleep(0.5)
        assert [answer for _, answer in cluster.answers(Answer, lambda place: (Outcome.DONE,))] == [
            DONE,
            DONE,
        ]


def test_workers_that_cannot_take_part_are_named(tmp_path):
    other = tmp_path / "grassdl"
    shutil.copytree(LIBRARY / "grassdl" / "cluster", other / "cluster")
    (other / "__init__.py").write_text('__version__ = "0.0.1"\n')
    cluster = DaskCluster(tmp_path, dict(os.environ))
    try:
        for path in ("", str(tmp_path)):
            cluster.start_worker(PYTHONPATH=path)
        cluster.await_workers(2)
        with connected(cluster.address, 0) as known:
            answers = list(known.answers(worker.check, lambda place: (JOB,)))
    finally:
        cluster.close()
    told = sorted(answer.text for _, answer in answers)
    assert told[0] == f"has i.dl 0.0.1, the module is {__version__}"
    assert told[1].startswith("lacks the toolset: start it with PYTHONPATH")
    with pytest.raises(ValueError, match="Worker <tcp://.*> (lacks|has)"):
        check_all(answers)


def test_an_answer_that_is_gone_with_its_worker_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
    cluster = DaskCluster(tmp_path, dict(os.environ))
    try:
        cluster.start_worker()
        cluster.await_workers(1)
        with connected(cluster.address, 0) as known:
            [place] = known.places().values()
            future = known.submit(place, Answer, Outcome.DONE)
            wait_until(future.done)
            cluster.workers[0].kill()
            assert connection.answer_of(future) == Answer(Outcome.LOST, "is gone")
    finally:
        cluster.close()


def test_a_worker_started_in_a_session_keeps_its_region_to_itself(monkeypatch, tmp_path):
    monkeypatch.setenv("WIND_OVERRIDE", "of another mapset")
    monkeypatch.setenv("GRASS_REGION", "proj: 0")
    environment = worker._environment(JOB, tmp_path / "gisrc")
    assert environment["GISRC"] == str(tmp_path / "gisrc")
    assert not {"WIND_OVERRIDE", "GRASS_REGION"} & set(environment)


SCRIPT = """
from grassdl.cluster import strip_process

class Writer:
    def __init__(self, *_): pass
    def write(self, **_): raise RuntimeError("out of order")

strip_process.StripWriter, strip_process.IDLE_SECONDS = Writer, 0.5
strip_process.main()
"""


@pytest.mark.parametrize(("requests", "status"), [(b"", 0), (b'{"start": 0, "stop": 1}\n', 1)])
def test_a_process_ends_when_it_is_idle_or_broken_with_its_input_still_open(
    grass_project, requests, status
):
    path = os.pathsep.join([str(LIBRARY), grass_project.environment.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env={**grass_project.environment, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(pickle.dumps((pickle.dumps(None), 1)) + requests)
    process.stdin.flush()
    told = process.stderr.read().decode()
    assert process.wait() == status, told
    assert told.endswith("RuntimeError: out of order\n" if status else "")
    assert "Fatal Python error" not in told


def test_a_scheduler_without_workers_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "WORKER_SECONDS", 0)
    cluster = DaskCluster(tmp_path, dict(os.environ))
    try:
        expected = f"<{cluster.address}> has no workers: start some with 'dask worker"
        with pytest.raises(ValueError, match=expected), connected(cluster.address, 0):
            pass
    finally:
        cluster.close()


def test_a_worker_looks_for_the_mapset_and_for_grass(tmp_path, monkeypatch):
    (tmp_path / "project" / "mapset").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    monkeypatch.delenv("GISBASE", raising=False)
    session = Session(str(tmp_path), str(tmp_path), "project", "mapset")
    assert worker.check(replace(JOB, session=session)) == DONE
    unseen = worker.check(replace(JOB, session=replace(session, mapset="other")))
    assert unseen.outcome is Outcome.REFUSED
    assert f"does not see the mapset <{tmp_path}/project/other>" in unseen.text
    monkeypatch.setenv("PATH", "/nowhere")
    without = worker.check(replace(JOB, session=replace(session, gisbase="/nowhere")))
    assert "has no GRASS GIS on its PATH" in without.text


def test_local_workers_share_the_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert visible_gpus() == ["2", "5"]
    named = [dict(one).get("CUDA_VISIBLE_DEVICES") for one in gpu_shares(3, visible_gpus())]
    assert named == ["2", "5", "2"]
    assert gpu_shares(2, ["0"]) == [(), ()]


@pytest.mark.parametrize(
    ("nprocs", "with_gpus", "workers"), [(0, True, 1), (3, True, 3), (0, False, os.cpu_count())]
)
def test_a_cluster_on_this_machine_has_a_worker_for_its_gpu_if_that_computes(
    monkeypatch, nprocs, with_gpus, workers
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with connected(LOCAL, nprocs, with_gpus) as cluster:
        places = cluster.places().values()
        assert [one.threads for one in places] == [max(1, os.cpu_count() // workers)] * workers
