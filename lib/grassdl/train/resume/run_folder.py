# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of a running or unfinished training, with what is needed to resume it.

It lies beside the model folder, as `.NAME.run`, and is removed once the model is written: nothing
unfinished ever has the model's name. The process that trains has reserved that name, so that no
other process touches the folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from ...core.schema import checked
from ...io.folders import Reservation, check_output_folder, reserved
from ...io.format_versions import check_version
from ...io.json_records import read_json, write_json
from ...io.resume import START_ANEW
from ...model.folder import CARD_NAME, MODEL_FOLDER, load_card

DESCRIPTION_NAME = "run.json"
CHECKPOINT_NAME = "checkpoint.npz"
LOGS_NAME = "logs"

FORMAT_NAME = "i.dl training run"
FORMAT_VERSION = 2


class Description(TypedDict):
    """What is recorded of a run when it starts.

    Attributes:
        fingerprint: What determines the weights, see `fingerprint.run_fingerprint`.
        environment: What changes them by rounding only, see `fingerprint.environment`.
    """

    fingerprint: dict[str, str]
    environment: dict[str, str]


def run_path(target: Path) -> Path:
    """The run folder of a training that writes the model `target`."""
    return target.with_name(f".{target.name}.run")


def check_target(path: str | os.PathLike[str], overwrite: bool, resume: bool) -> Path:
    """The absolute path of the model folder that is to be written, checked before any work.

    Args:
        path: The folder.
        overwrite: Whether it may exist.
        resume: Whether an unfinished training is to be resumed. The model that it wrote when it
            was stopped by Ctrl-C is then replaced without being asked.

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
        target, overwrite or (resume and _was_interrupted(target)), MODEL_FOLDER
    )


def _was_interrupted(target: Path) -> bool:
    if not (target / CARD_NAME).is_file():
        return False
    return bool(load_card(target).training.get("interrupted"))


class RunFolder:
    """The folder of a run of this process: see `running`.

    Args:
        folder: The folder.
        output: The name of the model, reserved; None in processes that write none.
    """

    def __init__(self, folder: Path, output: Reservation | None = None):
        self.folder = folder
        self.output = output
        self.discarded = False

    @property
    def checkpoint(self) -> Path:
        """The file of the state after the last finished epoch."""
        return self.folder / CHECKPOINT_NAME

    @property
    def logs(self) -> Path:
        """The folder of the logs for TensorBoard."""
        return self.folder / LOGS_NAME

    def start(self, description: Description) -> None:
        """Remove what another run left, and record what this one depends on."""
        for left in self.folder.iterdir():
            is_folder = left.is_dir() and not left.is_symlink()
            shutil.rmtree(left) if is_folder else left.unlink()
        about = {"format": FORMAT_NAME, "version": FORMAT_VERSION, **description}
        write_json(self.folder / DESCRIPTION_NAME, about)

    def description(self) -> Description:
        """What was recorded of the run.

        Raises:
            ValueError: The file is damaged, or of another format version.
        """
        what = "Unfinished training"
        try:
            about = read_json(self.folder / DESCRIPTION_NAME, what)
        except ValueError as error:
            raise ValueError(f"{error}: {START_ANEW}") from None
        if about.get("format") != FORMAT_NAME:
            raise ValueError(
                f"<{self.folder / DESCRIPTION_NAME}> does not describe a training of i.dl: "
                f"{START_ANEW}"
            )
        which = f"{what} <{self.folder}>"
        check_version(about, which, FORMAT_VERSION, f", or {START_ANEW}")
        if about["version"] < FORMAT_VERSION:
            raise ValueError(f"{which} is of an earlier version of i.dl: {START_ANEW}")
        try:
            return checked(about, Description)
        except ValueError as error:
            raise ValueError(
                f"{what} <{self.folder}> has a damaged {DESCRIPTION_NAME} ({error}): {START_ANEW}"
            ) from None

    def discard(self) -> None:
        """Have the folder removed at the end of the run: there is nothing to resume."""
        self.discarded = True


@contextmanager
def running(target: Path, warn: Callable[[str], None]) -> Iterator[RunFolder]:
    """The run folder of a model, which no other process uses until the block ends.

    It is removed then if it was discarded, or if there is no checkpoint to resume from.

    Args:
        target: The model folder that is to be written.
        warn: Takes a line for the user.

    Raises:
        ValueError: Another process is training this model, or the folder holds something else.
    """
    with reserved(target, MODEL_FOLDER) as output:
        run = RunFolder(run_path(target), output)
        _check_ours(run.folder)
        run.folder.mkdir(exist_ok=True)
        try:
            yield run
        except BaseException:
            if run.checkpoint.is_file() and not run.discarded:
                warn("The training is unfinished: -r resumes it after its last finished epoch")
            raise
        finally:
            if run.discarded or not run.checkpoint.is_file():
                shutil.rmtree(run.folder, ignore_errors=True)


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
