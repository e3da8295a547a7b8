# SPDX-License-Identifier: GPL-2.0-or-later
"""Trains a tiny network, and kills its own process where it is told to (by SIGKILL).

    python train_and_die.py DATASET MODEL PLACE [-r]

PLACE is one of `step N`, in the midst of the N-th step of this process; `checkpoint N`, while its
N-th state lies on the disk under its temporary name only; `model`, while the model is written;
or `nowhere`.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))
from grassdl.io import atomic  # noqa: E402
from grassdl.runtime import keras_backend  # noqa: E402

keras_backend.prepare(2)
from grassdl.train import trainer  # noqa: E402
from grassdl.train.config.settings import Settings  # noqa: E402
from grassdl.train.resume.run_folder import check_target  # noqa: E402
from paths import PROGRAMS  # noqa: E402
from tiny_dataset import joined  # noqa: E402

SETTINGS = Settings(
    network_file=str(PROGRAMS / "one_block.py"),
    epochs=5,
    batch_size=8,
    learning_rate=0.01,
    augmentation=("flip", "rotate", "noise"),
    nprocs=2,
)


def killing(owner: object, name: str, call: int) -> None:
    """Let the process die at the n-th call of a function."""
    function, calls = getattr(owner, name), []

    def wrapped(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)

    setattr(owner, name, wrapped)


def main(dataset: str, model: str, place: str, *flags: str) -> None:
    place, _, number = place.partition(" ")
    where = {
        "step": (trainer.TrainingBatches, "__getitem__"),
        "checkpoint": (atomic, "sync"),
        "model": (trainer, "write_history"),
    }
    if place in where:
        killing(*where[place], int(number or 1))
    resume = "-r" in flags
    trainer.train(
        joined(Path(dataset)),
        check_target(model, overwrite=False, resume=resume),
        SETTINGS,
        command="the call",
        versions={},
        report=lambda line: print(line, flush=True),
        warn=lambda line: print("WARNING:", line, flush=True),
        resume=resume,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
