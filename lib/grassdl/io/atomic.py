# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import IO

from ..core.text import check_length
from .locks import Hold, abandoned


def check_output_files(paths: Iterable[str], overwrite: bool) -> list[Path]:
    """The absolute paths of files that are to be written, checked before any work is done.

    Args:
        paths: Paths as the user gave them; empty ones are skipped.
        overwrite: Whether files that exist may be replaced.

    Raises:
        ValueError: One exists and may not be overwritten, is no regular file, lies in a folder
            that cannot be written, or is named twice.
    """
    targets = [Path(path).expanduser().resolve() for path in paths if path]
    for target in targets:
        check_length(target.name)
        if targets.count(target) > 1:
            raise ValueError(f"Output <{target}> is named twice: choose different files")
        # A device or pipe must not be replaced by a file.
        if target.exists() and not target.is_file():
            raise ValueError(f"Output <{target}> is not a file: choose another one")
        if target.exists() and not overwrite:
            raise ValueError(f"Output <{target}> exists: choose another one or use --overwrite")
        if not target.parent.is_dir():
            raise ValueError(f"Folder <{target.parent}> not found: create it or choose another one")
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise ValueError(f"Folder <{target.parent}> is not writable")
    return targets


_PART, _LOCK = "part", "lock"
"""What names end with that lie beside an output: what is being written, and what is locked
meanwhile."""


def _beside(target: Path, kind: str, word: str) -> Path:
    """A path beside an output, of a kind, for the process that has this word: see `locks.Hold`."""
    return target.with_name(f".{target.name}.{word}.{kind}")


def _remove_abandoned(target: Path) -> None:
    """Remove what killed runs were writing for a file."""
    name = re.compile(rf"\.{re.escape(target.name)}\.(\d+)\.({_PART}|{_LOCK})")
    matches = [name.fullmatch(path.name) for path in target.parent.iterdir()]
    words = [match[1] for match in matches if match]
    for word in abandoned(words, partial(_beside, target, _LOCK)):
        part = _beside(target, _PART, word)
        if part.is_file():
            part.unlink(missing_ok=True)


class StagedFiles:
    """Files that are written under other names, and get their own when all are whole.

    Use as a context manager: what has not got its name is removed at its end, as is at its begin
    what killed runs left of the same files.

    Args:
        targets: The files.
    """

    def __init__(self, targets: Iterable[Path]):
        self._targets = list(targets)
        self._holds: list[Hold] = []
        self._scratches: dict[Path, Path] = {}

    def __enter__(self) -> StagedFiles:
        for target in self._targets:
            _remove_abandoned(target)
            hold = Hold(partial(_beside, target, _LOCK))
            self._holds.append(hold)
            self._scratches[target] = _beside(target, _PART, hold.word)
        return self

    def __exit__(self, *_: object) -> None:
        for scratch in self._scratches.values():
            scratch.unlink(missing_ok=True)
        for hold in self._holds:
            hold.release()

    def write(self, writers: Mapping[Path, Callable[[Path], object]]) -> None:
        """Write files: for each a function that writes the content to the path it is given."""
        for target, write in writers.items():
            write(self._scratches[target])

    def name(self) -> None:
        """Give the files their names."""
        for target, scratch in self._scratches.items():
            scratch.replace(target)


def write_files(writers: Mapping[Path, Callable[[Path], object]]) -> None:
    """Write all files, or none; see `StagedFiles`."""
    with StagedFiles(writers) as files:
        files.write(writers)
        files.name()


def open_cut(path: Path, size: int) -> IO[bytes]:
    """Open a file to append to its first `size` bytes; what it holds beyond is cut off.

    Raises:
        ValueError: It does not hold as many.
    """
    file = path.open("ab")
    if file.tell() < size:
        file.close()
        raise ValueError(f"<{path}> is too short: leave out -r to begin anew")
    file.truncate(size)
    return file


def sync(file: IO) -> None:
    """Wait until all that was written to a file is on disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
