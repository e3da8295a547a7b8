# SPDX-License-Identifier: GPL-2.0-or-later
"""Trains on a dataset in several processes, which are forked: what each imports takes 7 s.

    python train_in_a_team.py

Each line that it reads is a task in JSON. Of a task `{"words": [DATASET, MODEL, WORD],
"environment": {...}, "log": FILE}` a process trains, as one of those that the environment tells;
its number is printed, and it writes FILE.out and FILE.err. WORD is `-r`, `die`, with which the
first process kills itself (by SIGKILL) before the state after the second epoch is kept, or absent.
Of a task `{"wait": NUMBER}` the exit status of a process is printed once it has ended.
"""

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))

from grassdl.runtime import keras_backend, multi_gpu

keras_backend.prepare(1)

# For the curves of the training.
import matplotlib.figure  # noqa: E402, F401

# Keras itself imports it for its random numbers and its normalisation, whatever the backend.
import tensorflow  # noqa: E402, F401

from grassdl.dataset.patchset import JoinedPatchSets, PatchSet  # noqa: E402
from grassdl.train.config.settings import Settings  # noqa: E402
from grassdl.train.trainer import train  # noqa: E402
from paths import PROGRAMS  # noqa: E402
from warm_python import redirect  # noqa: E402

SECONDS = 240
"""After which a process that waits for the other is given up."""


def train_in_team(dataset: str, model: str, word: str = "") -> None:
    """Train in this process, as one of several."""
    team = multi_gpu.join()
    print(f"process {team.process} of {team.processes}, {team.devices} devices", flush=True)

    def report(line: str) -> None:
        print(line, flush=True)
        if word == "die" and line.startswith("Epoch 2/2"):
            os.kill(os.getpid(), signal.SIGKILL)

    # Augmentation is drawn by each process for its part, so that only without it the batches are
    # the same. SGD leaves rounding as small as it is.
    settings = Settings(
        network_file=str(PROGRAMS / "one_norm.py"),
        epochs=2,
        batch_size=8,
        optimizer="sgd",
        learning_rate=0.05,
        augmentation=(),
    )
    train(
        JoinedPatchSets([PatchSet.open(dataset)]),
        Path(model),
        settings,
        command="",
        versions={},
        report=report,
        warn=report,
        resume=word == "-r",
        team=team,
    )


def next_task() -> dict:
    """Serve; returns in the forked processes, with their task."""
    for line in sys.stdin:
        task = json.loads(line)
        if "wait" in task:
            _, status = os.waitpid(task["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        process = os.fork()
        if not process:
            return task
        print(process, flush=True)
    os._exit(0)


def become(environment: dict[str, str], log: str) -> None:
    """Take over an environment, and write to files."""
    signal.alarm(SECONDS)
    os.environ.update(environment)
    redirect([os.devnull, f"{log}.out", f"{log}.err"])


if __name__ == "__main__":
    task = next_task()
    become(task["environment"], task["log"])
    train_in_team(*task["words"])
