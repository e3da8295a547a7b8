# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of a running or unfinished ensemble: its members, finished or not.

It lies beside the ensemble's folder, as `.NAME.ensemble`. Each member is trained in it as any
model is, with its own run folder beside it, and stays there until all are finished.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...io.folders import check_output_folder
from ...model.folder import CARD_NAME, MEMBER, MODEL_FOLDER, load_card
from .run_folder import CHECKPOINT_NAME, DESCRIPTION_NAME, RunFolder, run_path

OURS = re.compile(rf"\.?({re.escape(DESCRIPTION_NAME)}|{MEMBER})(\.(part|run))?")
"""Names of what is written there."""


def ensemble_path(target: Path) -> Path:
    """Where the members of an ensemble `target` are trained."""
    return target.with_name(f".{target.name}.ensemble")


def check_ensemble_target(path: str | os.PathLike[str], overwrite: bool, resume: bool) -> Path:
    """The absolute path of the ensemble that is to be written, checked before any work.

    Args:
        path: The folder.
        overwrite: Whether it may exist.
        resume: Whether an unfinished ensemble is to be resumed.

    Raises:
        ValueError: It exists and may not be overwritten, it cannot be written, or there is nothing
            to resume.
    """
    target = Path(path).expanduser().absolute()
    if resume and not (ensemble_path(target) / DESCRIPTION_NAME).is_file():
        if (target / CARD_NAME).is_file():
            raise ValueError(f"The training of <{target}> has ended: leave out -r")
        raise ValueError(f"There is no unfinished ensemble <{target}> to resume: leave out -r")
    return check_output_folder(target, overwrite, MODEL_FOLDER)


class EnsembleFolder(RunFolder):
    """The folder of the members of an ensemble that this process trains.

    Args:
        target: The ensemble that is to be written, whose name is reserved.

    Raises:
        ValueError: The folder holds something else.
    """

    def __init__(self, target: Path):
        super().__init__(ensemble_path(target))
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            raise ValueError(f"<{self.folder}> is not the folder of an ensemble: remove it")
        for found in self.folder.iterdir() if self.folder.is_dir() else ():
            if not OURS.fullmatch(found.name):
                raise ValueError(
                    f"Folder <{self.folder}> holds <{found.name}>, which is not of an ensemble: "
                    "choose another output"
                )
        self.folder.mkdir(exist_ok=True)

    @property
    def is_begun(self) -> bool:
        """Whether an earlier run has recorded what it depends on."""
        return (self.folder / DESCRIPTION_NAME).is_file()

    def is_finished(self, name: str) -> bool:
        """Whether a member is trained to its end."""
        folder = self.folder / name
        return (folder / CARD_NAME).is_file() and not load_card(folder).training.get("interrupted")

    def finished(self) -> list[Path]:
        """The folders of the members that are trained to their end."""
        names = [one.name for one in self.folder.iterdir() if re.fullmatch(MEMBER, one.name)]
        ordered = sorted(names, key=lambda name: int(name.rpartition("_")[2]))
        return [self.folder / name for name in ordered if self.is_finished(name)]

    def is_resumable(self, name: str) -> bool:
        """Whether a member is trained in part."""
        return (run_path(self.folder / name) / CHECKPOINT_NAME).is_file()

    def is_worth_resuming(self) -> bool:
        """Whether an epoch of any member is finished."""
        checkpoints = self.folder.glob(f".*/{CHECKPOINT_NAME}")
        return any(checkpoints) or any(self.folder.glob(f"*/{CARD_NAME}"))

    def remove(self) -> None:
        """Remove the folder; the record first, without which nothing is resumed."""
        (self.folder / DESCRIPTION_NAME).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def opened(target: Path, warn: Callable[[str], None]) -> Iterator[EnsembleFolder]:
    """The folder of an ensemble, which is removed at the end of the block if nothing in it is worth
    resuming; else an error gets a note on how to resume.

    Args:
        target: The ensemble that is to be written, whose name is reserved.
        warn: Takes a line for the user.

    Raises:
        ValueError: The folder holds something else.
    """
    run = EnsembleFolder(target)
    try:
        yield run
    except BaseException as error:
        if run.is_worth_resuming():
            error.add_note("the same call with -r resumes the ensemble")
            warn("The ensemble is unfinished: -r resumes it after the last finished epoch")
            finished = ",".join(map(str, run.finished()))
            if finished:
                warn(f"Until then the finished ones can be used: model={finished}")
        else:
            run.remove()
        raise
