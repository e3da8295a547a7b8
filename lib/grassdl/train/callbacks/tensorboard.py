# SPDX-License-Identifier: GPL-2.0-or-later
"""The history of a training for TensorBoard, written without TensorFlow, so with any backend."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from .history import History

SPLITS = ("training", "validation")
"""Curves of the same name share a picture."""


def command(folder: Path) -> str:
    """The call that shows the logs of a folder in a browser."""
    program = Path(sys.executable).parent / "tensorboard"
    return f"{program if program.is_file() else 'tensorboard'} --logdir '{folder}'"


class Logs(keras.callbacks.Callback):
    """Writes the last row of the history after each epoch; comes after `history`.

    Args:
        folder: Where to write; what is there is replaced by `history`'s earlier rows.
        history: Keeps the rows.
    """

    def __init__(self, folder: Path, history: History):
        super().__init__()
        self.folder = folder
        self.history = history
        self.writers: dict[str, EventFileWriter] = {}

    def open(self) -> None:
        """Write the epochs of the history so far."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.writers = {split: EventFileWriter(str(self.folder / split)) for split in SPLITS}
        self._write(self.history.rows)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the epoch."""
        self._write(self.history.rows[-1:])

    def close(self) -> None:
        """Flush and close the files."""
        for writer in self.writers.values():
            writer.close()

    def _write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for split, writer in self.writers.items():
            for row in rows:
                writer.add_event(_event(row, split, [*self.history.scores.titles]))
            writer.flush()


def _event(row: Mapping[str, Any], split: str, scores: Sequence[str]) -> Event:
    """The figures of a row and split as one TensorBoard event."""
    prefix, alone = {"training": ("", ["learning_rate"]), "validation": ("val_", [])}[split]
    values = [
        Summary.Value(tag=name, simple_value=row[prefix + name])
        for name in ["loss", *scores, *alone]
        if row[prefix + name] is not None
    ]
    return Event(wall_time=time.time(), step=row["epoch"], summary=Summary(value=values))
