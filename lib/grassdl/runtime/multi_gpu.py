# SPDX-License-Identifier: GPL-2.0-or-later
"""Data-parallel training of one network on several GPUs, of one machine or of many, with JAX.

Every device computes its part of every batch with the same weights. The processes are parts of
one program over the whole batch, so that losses, metrics and batch normalisation are those of the
whole batch, as on one device. Keras supports this with JAX only; with another backend there is one
process, which uses the devices that the backend uses by default.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

ADDRESS, PROCESSES, PROCESS = "I_DL_ADDRESS", "I_DL_PROCESSES", "I_DL_PROCESS"
"""Environment variables: host:port of the first process, number of processes, and index of this
one, from 0."""

BACKEND = "jax"

SLURM_TASKS = "SLURM_STEP_NUM_TASKS"
"""Number of tasks that srun started; absent in a batch script itself, which is one process."""


@dataclass(frozen=True)
class Team:
    """The processes and devices that train together.

    Attributes:
        process: Which process this is, counted from 0.
        processes: How many there are.
        devices: Devices of all processes together.
    """

    process: int = 0
    processes: int = 1
    devices: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the first, which alone writes and reports."""
        return self.process == 0

    def part_of(self, places: np.ndarray) -> np.ndarray:
        """The part of a batch that this process reads.

        Args:
            places: Indices of all patches of the batch.

        Returns:
            An even part of them, padded with -1, no patch, to a multiple of the devices.
        """
        missing = -len(places) % self.devices
        whole = np.concatenate([places, np.full(missing, -1, places.dtype)])
        return np.split(whole, self.processes)[self.process]

    def check_batch_size(self, batch_size: int) -> None:
        """Refuse batches that cannot be divided evenly.

        Raises:
            ValueError: Their size is not a multiple of the devices.
        """
        if batch_size % self.devices:
            fitting = max(batch_size // self.devices, 1) * self.devices
            raise ValueError(
                f"Batches of {batch_size} patches cannot be shared out to {self.devices} devices: "
                f"use a multiple, for example batch_size={fitting}"
            )


ALONE = Team()
"""One process that computes on one device."""


def join(environment: Mapping[str, str] = os.environ) -> Team:
    """Join the processes that the environment names, before anything is computed.

    The toolset's own variables take precedence over those of SLURM, in a step of several tasks.

    Raises:
        ValueError: The variables are incomplete or impossible, or the backend is not JAX.
    """
    given = own_variables(environment)
    slurm = int(environment.get(SLURM_TASKS, 1)) > 1
    import keras

    if keras.backend.backend() != BACKEND:
        if given or slurm:
            raise ValueError(
                f"Several processes train together with KERAS_BACKEND={BACKEND} only, found "
                f"{keras.backend.backend()}"
            )
        return ALONE
    with _stdout_as_stderr():
        if given:
            keras.distribution.initialize(*given)
        elif slurm:
            # JAX reads the variables of SLURM itself.
            keras.distribution.initialize()
        return _distribute()


@contextmanager
def _stdout_as_stderr() -> Iterator[None]:
    """Keep from stdout, which is for results, what JAX's C++ part prints when it connects."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def own_variables(environment: Mapping[str, str]) -> tuple[str, int, int] | None:
    """Address of the first process, number of processes, and index of this one, from 0.

    Raises:
        ValueError: Some are missing or invalid.
    """
    names = ADDRESS, PROCESSES, PROCESS
    if not any(name in environment for name in names):
        return None
    found = [environment.get(name, "") for name in names]
    missing = [name for name, one in zip(names, found, strict=True) if not one]
    if missing:
        raise ValueError(f"{' and '.join(missing)} must be set as well: {', '.join(names)}")
    address, *numbers = found
    if not all(one.isdecimal() for one in numbers) or int(numbers[1]) >= int(numbers[0]):
        raise ValueError(
            f"{PROCESS} must be a number from 0 to {PROCESSES} - 1, found {numbers[1]} of "
            f"{numbers[0]}"
        )
    return address, int(numbers[0]), int(numbers[1])


def _distribute() -> Team:
    """Distribute all further computation over all devices, if there are several."""
    import jax
    import keras

    devices = keras.distribution.get_device_count()
    if devices > 1:
        # Each process reads its part of every batch itself.
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
    return Team(jax.process_index(), jax.process_count(), devices)


def part(team: Team) -> None:
    """End the distribution: from now on each process computes for itself.

    All processes must call it at the same point. Models made before must be copied, since their
    weights are on devices of all processes.
    """
    if team.devices == 1:
        return
    import jax
    import keras

    keras.distribution.set_distribution(None)
    jax.distributed.shutdown()
