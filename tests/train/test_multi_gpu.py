# SPDX-License-Identifier: GPL-2.0-or-later
"""Several processes, or devices, that train one network over JAX."""

import json
import os
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX
from grassdl.model.folder import load_card
from grassdl.model.weights import load_network
from grassdl.runtime.multi_gpu import ALONE, Team, join, own_variables
from paths import PROGRAMS
from tiny_dataset import scene, write_dataset

PROGRAM = PROGRAMS / "train_in_a_team.py"
ON_JAX = {
    "KERAS_BACKEND": "jax",
    "JAX_PLATFORMS": "cpu",
    # To optimise a network of this size takes longer than to train it.
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "true",
}


def free_port():
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return one.getsockname()[1]


class Processes:
    """Processes of JAX on CPUs, each with a single device unless XLA_FLAGS tell otherwise."""

    def __init__(self, folder):
        self._folder = folder
        # What one process has compiled need not be compiled again by another.
        compiled = {
            "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        self._server = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            env={**os.environ, **ON_JAX, **compiled},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *words, **variables):
        """The number of a process, and where it writes."""
        log = self._folder / str(len(list(self._folder.iterdir())))
        log.mkdir()
        task = {"words": list(map(str, words)), "environment": variables, "log": str(log / "std")}
        return self._answer(task), log

    def end_of(self, process):
        """Exit status and words of a process, once it has ended."""
        number, log = process
        status = self._answer({"wait": number})
        return status, *((log / f"std.{name}").read_text() for name in ("out", "err"))

    def _answer(self, task):
        print(json.dumps(task), file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())

    def lines_of(self, process):
        """What a process printed, once it has ended well."""
        status, stdout, stderr = self.end_of(process)
        assert status == 0, stderr
        return stdout.splitlines()

    def pair(self, *words):
        given = {"I_DL_ADDRESS": f"localhost:{free_port()}", "I_DL_PROCESSES": "2"}
        return [self.start(*words, I_DL_PROCESS=str(process), **given) for process in range(2)]

    def in_slurm(self, *words):
        """Two processes as the tasks of a step of Slurm."""
        given = {
            # Makes the port of the first process, too.
            "SLURM_JOB_ID": str(os.getpid()),
            "SLURM_STEP_NODELIST": "localhost",
            "SLURM_STEP_NUM_NODES": "1",
            "SLURM_STEP_NUM_TASKS": "2",
            "SLURM_NTASKS": "2",
        }
        return [
            self.start(*words, SLURM_PROCID=str(task), SLURM_LOCALID=str(task), **given)
            for task in range(2)
        ]

    def close(self):
        self._server.communicate()


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    started = Processes(tmp_path_factory.mktemp("processes"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def trainings(processes, tmp_path_factory):
    """Lines of one process alone, of two together, and of one with two devices; their folder.

    The two are tasks of Slurm, killed in the second epoch, and resumed as processes that are told
    of each other, so that they end as an undisturbed pair too.
    """
    folder = tmp_path_factory.mktemp("team")
    images, labels = scene(20, 1)
    # Parts of a batch differ in what is labelled, so that their mean is not the batch's.
    labels[::2, :12] = UNLABELLED_INDEX
    labels[1, :3] = NULL_INDEX
    images[1, :3] = 0
    # Validation patches that two devices cannot share evenly.
    arrays = {"train": (images, labels), "val": scene(9, 2), "test": scene(3, 3)}
    data = write_dataset(folder / "dataset", arrays)
    two_devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    first, second = processes.in_slurm(data, folder / "pair", "die")
    status, killed, _ = processes.end_of(first)
    assert status == -signal.SIGKILL
    os.kill(second[0], signal.SIGKILL)
    of_slurm = [out.splitlines()[0] for out in (killed, processes.end_of(second)[1])]
    running = [
        processes.start(data, folder / "alone"),
        *processes.pair(data, folder / "pair", "-r"),
        processes.start(data, folder / "devices", **two_devices),
    ]
    return SimpleNamespace(
        lines=[processes.lines_of(one) for one in running], of_slurm=of_slurm, folder=folder
    )


def weights(folder):
    return load_network(folder).get_weights()


@pytest.mark.parametrize("team", ["pair", "devices"])
def test_a_team_ends_with_the_weights_of_one_process_and_the_same_batches(trainings, team):
    folder = trainings.folder
    # Moving means and variances of batch normalisation are among them.
    for one, other in zip(weights(folder / "alone"), weights(folder / team), strict=True):
        assert other == pytest.approx(one, abs=1e-5)


@pytest.mark.parametrize("team", ["pair", "devices"])
def test_a_team_finds_the_same_best_epoch_and_scores(trainings, team):
    folder = trainings.folder
    alone, other = load_card(folder / "alone"), load_card(folder / team)
    assert other.training["best_epoch"] == alone.training["best_epoch"]
    for name in ("loss", "mean_iou", "val_mean_iou"):
        assert other.training["best"][name] == pytest.approx(alone.training["best"][name], abs=2e-3)
    assert other.test["pixels"] == alone.test["pixels"] == 3 * 16 * 16


def test_only_the_first_process_reports_and_writes(trainings):
    (alone, first, second, devices), folder = trainings.lines, trainings.folder
    assert alone[0] == "process 0 of 1, 1 devices"
    assert first[0] == "process 0 of 2, 2 devices"
    assert devices[0] == "process 0 of 1, 2 devices"
    assert "Resuming after epoch 1" in first
    assert any(line.startswith("Epoch 2/2") for line in first)
    assert second == ["process 1 of 2, 2 devices"]
    assert sorted(one.name for one in folder.iterdir()) == ["alone", "dataset", "devices", "pair"]


def test_tasks_of_a_slurm_step_find_each_other(trainings):
    assert trainings.of_slurm == [f"process {one} of 2, 2 devices" for one in range(2)]


def test_a_batch_script_of_slurm_itself_is_alone():
    script = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "SLURM_PROCID": "0"}
    assert join(script) == ALONE


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"I_DL_PROCESSES": "2"}, "I_DL_ADDRESS and I_DL_PROCESS must be set as well"),
        ({"I_DL_PROCESS": "2"}, "I_DL_PROCESS must be a number from 0 to I_DL_PROCESSES - 1"),
        ({"I_DL_PROCESS": "first"}, "found first of 2"),
    ],
)
def test_variables_that_are_missing_or_impossible_are_named(variables, words):
    whole = {"I_DL_ADDRESS": "a:1", "I_DL_PROCESSES": "2"}
    given = variables if "I_DL_PROCESSES" in variables else {**whole, **variables}
    with pytest.raises(ValueError, match=words):
        own_variables(given)


def test_several_processes_want_jax():
    given = {"I_DL_ADDRESS": "a:1", "I_DL_PROCESSES": "2", "I_DL_PROCESS": "1"}
    with pytest.raises(ValueError, match="KERAS_BACKEND=jax only, found tensorflow"):
        join(given)


def test_parts_of_a_batch_make_up_the_whole():
    parts = [Team(process, 2, 4).part_of(np.arange(10)).tolist() for process in range(2)]
    assert parts == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, -1, -1]]
    assert ALONE.part_of(np.arange(3)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("batch_size", "fitting"), [(15, 12), (3, 4)])
def test_a_batch_that_cannot_be_shared_is_refused_with_one_that_can(batch_size, fitting):
    with pytest.raises(ValueError, match=f"to 4 devices: .* batch_size={fitting}"):
        Team(0, 1, 4).check_batch_size(batch_size)
