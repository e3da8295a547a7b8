# SPDX-License-Identifier: GPL-2.0-or-later
"""The state of a training between two epochs, in one file, from which it is resumed bit by bit.

Order and augmentation of the patches depend on seed and epoch alone, so they have no state. Dropout
and the like draw from seed generators, which are variables of the network. The learning rate
depends on the optimiser's count of steps, or is a variable of it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict, cast, get_args

import keras
import numpy as np

from ...core.schema import checked, shortened
from ...io.atomic import replacing
from ...io.json_records import parsed
from ...io.npy_files import read_npy
from ...io.resume import START_ANEW
from ...runtime.workers import Terminated
from ..callbacks.early_stopping import Best, BestState
from ..callbacks.history import EpochRow, History

PlateauFigure = Literal["best", "cooldown_counter", "wait"]
"""The attributes of Keras' `ReduceLROnPlateau` that change between epochs."""

PLATEAU_STATE: tuple[PlateauFigure, ...] = get_args(PlateauFigure)


@dataclass
class State:
    """What is restored between two epochs.

    Attributes:
        rows: The rows of `History`.
        best: The state of `Best` without the weights.
        plateau: The state of the plateau's callback; empty without one.
        network: Values of all variables of the network, seed generators among them.
        optimizer: Values of all variables of the optimiser.
        best_weights: The network's averaged weights after the best epoch.
    """

    rows: list[EpochRow]
    best: BestState
    plateau: dict[PlateauFigure, float | int] = field(default_factory=dict)
    network: list[np.ndarray] = field(default_factory=list)
    optimizer: list[np.ndarray] = field(default_factory=list)
    best_weights: list[np.ndarray] = field(default_factory=list)

    ARRAYS = ("network", "optimizer", "best_weights")
    PLAIN = ("rows", "best", "plateau")

    @property
    def epochs(self) -> int:
        """Finished epochs."""
        return len(self.rows)

    def save(self, path: Path) -> None:
        """Write the state; an older file is replaced once the new one is complete and on disk."""
        arrays = {
            f"{name}.{place}": one
            for name in self.ARRAYS
            for place, one in enumerate(getattr(self, name))
        }
        plain = json.dumps({name: getattr(self, name) for name in self.PLAIN})
        with replacing(path, durable=True) as file:
            np.savez(file, plain=np.frombuffer(plain.encode(), np.uint8), **arrays)

    @classmethod
    def load(cls, path: Path) -> State:
        """The reverse of `save`.

        Raises:
            ValueError: The file is damaged.
        """
        try:
            with zipfile.ZipFile(path) as file:
                text = _array(file, "plain").tobytes()
                # The best score is infinite before the first epoch.
                plain = checked(parsed(text, finite=False), _Plain)
                arrays = {kind: _arrays(file, kind) for kind in cls.ARRAYS}
        # RuntimeError: an entry is encrypted, or packed by a method that Python lacks.
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"The checkpoint of the unfinished training cannot be read ({shortened(error)}): "
                f"{START_ANEW}"
            ) from None
        return cls(**plain, **arrays)


class _Plain(TypedDict):
    """The state besides arrays."""

    rows: list[EpochRow]
    best: BestState
    plateau: dict[PlateauFigure, float | int]


def _arrays(file: zipfile.ZipFile, kind: str) -> list[np.ndarray]:
    """The arrays of a kind in their order."""
    count = sum(name.startswith(f"{kind}.") for name in file.namelist())
    return [_array(file, f"{kind}.{place}") for place in range(count)]


def _array(file: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array of the file; refused if compressed, since its size is then not yet known."""
    entry = file.getinfo(f"{name}.npy")
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise ValueError(f"{name} is packed")
    # The annotation of `open` lacks `readinto`.
    with cast(zipfile.ZipExtFile, file.open(entry)) as array:
        return read_npy(array, entry.file_size)


def check_shapes(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Check that values can be given to variables.

    Raises:
        ValueError: They are not as many, or of other shapes.
    """
    if [tuple(one.shape) for one in variables] != [one.shape for one in values]:
        raise ValueError(
            f"The unfinished training is of another network or optimiser: {START_ANEW}"
        )


def assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Give variables their values.

    Raises:
        ValueError: They are not as many, or of other shapes.
    """
    check_shapes(variables, values)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


class Checkpoint(keras.callbacks.Callback):
    """Writes the state after every epoch; comes after all other callbacks, whose state it takes.

    Args:
        network: The network that is trained.
        history: Has the rows.
        best: Has the best weights.
        plateau: Lowers the learning rate, or None.
        path: File to write; None for none.
        resumed: The state to resume from, within the epochs of one `fit`, or None. The
            network has its values already.
    """

    def __init__(
        self,
        network: keras.Model,
        history: History,
        best: Best,
        plateau: keras.callbacks.ReduceLROnPlateau | None,
        path: Path | None,
        resumed: State | None,
    ):
        super().__init__()
        self.network = network
        self.history = history
        self.best = best
        self.plateau = plateau
        self.path = path
        self.resumed = resumed

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the state of the plateau's callback, which it has just reset."""
        if self.resumed and self.plateau:
            vars(self.plateau).update(**self.resumed.plateau)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the state.

        Raises:
            Terminated: The process has received SIGTERM meanwhile.
        """
        if self.path:
            self._state().save(self.path)
        if Terminated.asked:
            raise Terminated

    def _state(self) -> State:
        plateau = {name: getattr(self.plateau, name) for name in PLATEAU_STATE if self.plateau}
        return State(
            self.history.rows,
            self.best.state(),
            plateau,
            _values(self.network.variables),
            _values(self.model.optimizer.variables),
            self.best.weights,
        )


def _values(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(one) for one in variables]
