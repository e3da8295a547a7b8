# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of a training that goes on, or was cut short: what it takes to resume it.

It lies beside the model's final place, as `.NAME.run`, so that nothing half ever bears the
model's name, and is removed once the model is written. The process that trains holds a lock on it,
which ends with the process however that ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from ..files import check_output_folder
from ..model import CARD_NAME, ModelCard
from ..records import checked, read_json, write_json

DESCRIPTION_NAME = "run.json"
CHECKPOINT_NAME = "checkpoint.npz"
LOGS_NAME = "logs"

FORMAT_NAME = "i.dl training run"
FORMAT_VERSION = 1


class SettingsRecord(TypedDict):
    """What is read of the settings; all of them are compared."""

    nprocs: int


class Description(TypedDict):
    """What is noted about a run: see `identity.identity`."""

    datasets: list[str]
    bands: list[str]
    settings: SettingsRecord
    network_file: str | None
    model: str | None
    processes: int
    versions: dict[str, str]


def run_path(target: Path) -> Path:
    """Where the state of a training lies that is to write the model `target`."""
    return target.with_name(f".{target.name}.run")


def check_target(path: str | os.PathLike, overwrite: bool, resume: bool) -> Path:
    """The absolute path of the model folder that is to be written, checked before any work.

    Args:
        path: The folder.
        overwrite: Whether it may exist.
        resume: Whether an unfinished training is to go on. The model that it left when it was
            stopped by Ctrl-C is then replaced without being asked.

    Raises:
        ValueError: It exists and may not be overwritten, it cannot be written, or there is nothing
            to resume.
    """
    target = Path(path).expanduser().absolute()
    if resume and not (run_path(target) / CHECKPOINT_NAME).is_file():
        if (target / CARD_NAME).is_file():
            raise ValueError(
                f"The training of <{target}> has ended: start another one from it with model=, "
                "or leave out -r"
            )
        raise ValueError(
            f"There is no unfinished training of <{target}> to resume, or not one epoch of it: "
            "leave out -r"
        )
    return check_output_folder(
        target, overwrite or (resume and _was_interrupted(target)), recognise=CARD_NAME
    )


def _was_interrupted(target: Path) -> bool:
    if not (target / CARD_NAME).is_file():
        return False
    return bool(ModelCard.load(target).training.get("interrupted"))


class RunFolder:
    """The folder of a run whose lock this process holds: see `running`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.discarded = False

    @property
    def checkpoint(self) -> Path:
        """The file of the state after the last finished epoch."""
        return self.folder / CHECKPOINT_NAME

    @property
    def logs(self) -> Path:
        """The folder of the logs for TensorBoard."""
        return self.folder / LOGS_NAME

    def begin(self, description: dict) -> None:
        """Forget what another run left, and note what this one is about."""
        for left in self.folder.iterdir():
            is_folder = left.is_dir() and not left.is_symlink()
            shutil.rmtree(left) if is_folder else left.unlink()
        about = {"format": FORMAT_NAME, "version": FORMAT_VERSION, **description}
        write_json(self.folder / DESCRIPTION_NAME, about)

    def description(self) -> dict:
        """What was noted about the run.

        Raises:
            ValueError: The file is damaged, or of another format version.
        """
        what = "Unfinished training"
        try:
            about = read_json(self.folder / DESCRIPTION_NAME, what)
        except ValueError as error:
            raise ValueError(f"{error}: leave out -r to begin anew") from None
        if about.get("format") != FORMAT_NAME or about.get("version") != FORMAT_VERSION:
            raise ValueError(
                f"The unfinished training <{self.folder}> is of another version of i.dl: leave "
                "out -r to begin anew"
            )
        try:
            checked(about, Description)
        except ValueError as error:
            raise ValueError(
                f"{what} <{self.folder}> has a damaged {DESCRIPTION_NAME} ({error}): leave out -r "
                "to begin anew"
            ) from None
        return about

    def discard(self) -> None:
        """Let the folder be removed at the end of the run: nobody is to resume it."""
        self.discarded = True


@contextmanager
def running(target: Path, warn: Callable[[str], None]) -> Iterator[RunFolder]:
    """The run folder of a model, locked until the block ends.

    It is removed then if it was discarded, or if there is no checkpoint to resume from.

    Args:
        target: The model folder that is to be written.
        warn: Takes a line for the user.

    Raises:
        ValueError: Another process is training this model, or the folder holds something else.
    """
    run = RunFolder(run_path(target))
    _check_ours(run.folder)
    lock = _lock(run.folder, target)
    try:
        yield run
    except BaseException:
        if run.checkpoint.is_file() and not run.discarded:
            warn("The state after the last finished epoch is kept: -r goes on from there")
        raise
    finally:
        if run.discarded or not run.checkpoint.is_file():
            shutil.rmtree(run.folder, ignore_errors=True)
        os.close(lock)


def _check_ours(folder: Path) -> None:
    """Refuse a folder that holds what no training writes (files being written among it)."""
    ours = {Path(name).stem for name in (DESCRIPTION_NAME, CHECKPOINT_NAME, LOGS_NAME)}
    if folder.is_symlink():
        raise ValueError(f"<{folder}> is a link, not the folder of a training: remove it")
    if folder.is_dir():
        for found in folder.iterdir():
            if found.name.lstrip(".").partition(".")[0] not in ours:
                raise ValueError(
                    f"Folder <{folder}> holds <{found.name}>, which is not of a training: choose "
                    "another output"
                )


def _lock(folder: Path, target: Path) -> int:
    """Make and lock a folder; returns the file descriptor that holds the lock."""
    while True:
        folder.mkdir(exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ValueError(
                f"Another process is training <{target}>: wait for its end, or choose another "
                "output"
            ) from None
        # The former holder may have removed the folder between the two calls.
        if folder.is_dir() and os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
        os.close(descriptor)
