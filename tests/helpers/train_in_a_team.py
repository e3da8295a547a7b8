# SPDX-License-Identifier: GPL-2.0-or-later
"""Trains on a dataset in one of several processes, of which the environment tells.

    python train_in_a_team.py DATASET MODEL [die | -r]

With `die` the first process kills itself (by SIGKILL) before the state after the second epoch is
kept.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))

from grassdl.runtime import keras_backend, multi_gpu

keras_backend.prepare(1)
team = multi_gpu.join()

from grassdl.dataset.patchset import JoinedPatchSets, PatchSet  # noqa: E402
from grassdl.train.config.settings import Settings  # noqa: E402
from grassdl.train.trainer import train  # noqa: E402
from paths import PROGRAMS  # noqa: E402

print(f"process {team.process} of {team.processes}, {team.devices} devices", flush=True)


def report(line: str) -> None:
    print(line, flush=True)
    if "die" in sys.argv and line.startswith("Epoch 2/2"):
        os.kill(os.getpid(), signal.SIGKILL)


if len(sys.argv) > 2:
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
        JoinedPatchSets([PatchSet.open(sys.argv[1])]),
        Path(sys.argv[2]),
        settings,
        command="",
        versions={},
        report=report,
        warn=report,
        resume="-r" in sys.argv,
        team=team,
    )
