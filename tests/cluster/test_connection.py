# SPDX-License-Identifier: GPL-2.0-or-later
"""Clusters that are not there, have no workers, or whose workers do not see the project."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from dask_cluster import DaskCluster
from grassdl import __version__
from grassdl.cluster import connection, worker
from grassdl.cluster.connection import connected, gpu_shares, visible_gpus
from grassdl.cluster.job import DONE, Job, Outcome, Session

JOB = Job("word", __version__, Session("/usr", "", "", ""), "", {}, 0)


@pytest.fixture
def without_client(monkeypatch):
    """Fails where a client is made: one that cannot connect is closed after 10 s, with a
    traceback."""

    def made(*given, **named):
        raise AssertionError

    monkeypatch.setattr(connection, "Client", made)


@pytest.mark.parametrize(
    "address", ["nonsense", "foo://host:1", "localhost", "tcp://", "tcp://a:b"]
)
def test_what_is_no_address_is_refused_before_a_client_is_made(address, without_client):
    with (
        pytest.raises(ValueError, match=f"<{address}> is no address .* scheduler=local"),
        connected(address, 0),
    ):
        pass


def test_a_protocol_whose_package_is_missing_is_refused(without_client, monkeypatch):
    def get_backend(protocol):
        raise TypeError("Can't instantiate abstract class UCXConnector")

    monkeypatch.setattr(connection, "get_backend", get_backend)
    with (
        pytest.raises(ValueError, match="<tcp://host:1> is no address .*UCXConnector"),
        connected("tcp://host:1", 0),
    ):
        pass


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
