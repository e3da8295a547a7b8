# SPDX-License-Identifier: GPL-2.0-or-later
"""Files and folders that are written completely or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from ..core.text import check_output_name
from .locks import Hold, abandoned
from .resume import START_ANEW


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
        check_output_name(target.name)
        if targets.count(target) > 1:
            raise ValueError(f"Output <{target}> is named twice: choose different files")
        # A device or pipe must not be replaced by a file.
        if target.exists() and not target.is_file():
            raise ValueError(f"Output <{target}> is not a file: choose another one")
        if target.exists() and not overwrite:
            raise ValueError(f"Output <{target}> exists: choose another one or use --overwrite")
        if not target.parent.is_dir():
            raise ValueError(f"Folder <{target.parent}> not found: create it or choose another one")
        check_writable(target.parent)
    return targets


def check_writable(folder: Path) -> None:
    """Refuse a folder in which no file can be made.

    Raises:
        ValueError: Its permissions, attributes or file system forbid it.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"Folder <{folder}> is not writable")


_PART, _LOCK = "part", "lock"
"""Suffixes of the names beside an output: of the unfinished file, and of its lock."""


def _beside(target: Path, kind: str, word: str) -> Path:
    """A path beside an output, of a kind, for the process that has this word: see `locks.Hold`."""
    return target.with_name(f".{target.name}.{word}.{kind}")


def remove_abandoned(folder: Path, names: str) -> None:
    """Remove what killed runs left unfinished in a folder, with `StagedFiles`.

    Args:
        folder: Where the outputs lie.
        names: Regular expression of the outputs' names.
    """
    pattern = re.compile(rf"\.(?P<name>{names})\.(?P<word>\d+)\.({_PART}|{_LOCK})")
    words = defaultdict(set)
    for path in folder.iterdir():
        if match := pattern.fullmatch(path.name):
            words[match["name"]].add(match["word"])
    for name, found in words.items():
        target = folder / name
        for word in abandoned(found, partial(_beside, target, _LOCK)):
            _remove(_beside(target, _PART, word))


def _remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


class StagedFiles:
    """Files or folders that are written under temporary names and renamed when all are complete.

    Use as a context manager: what has not been renamed is removed at the end, and what killed runs
    left of the same files at the beginning.

    Args:
        targets: Their final names. A folder does not replace another one.
    """

    def __init__(self, targets: Iterable[Path]):
        self._targets = list(targets)
        self._holds: list[Hold] = []
        self._scratches: dict[Path, Path] = {}

    def __enter__(self) -> StagedFiles:
        for target in self._targets:
            remove_abandoned(target.parent, re.escape(target.name))
            hold = Hold(partial(_beside, target, _LOCK))
            self._holds.append(hold)
            self._scratches[target] = _beside(target, _PART, hold.word)
        return self

    def __exit__(self, *_: object) -> None:
        for scratch in self._scratches.values():
            _remove(scratch)
        for hold in self._holds:
            hold.release()

    def write(self, writers: Mapping[Path, Callable[[Path], object]]) -> None:
        """Write the files, each by a function of the path to write to."""
        for target, write in writers.items():
            write(self._scratches[target])

    def name(self) -> None:
        """Give the files their final names."""
        for target, scratch in self._scratches.items():
            scratch.replace(target)


def write_files(writers: Mapping[Path, Callable[[Path], object]]) -> None:
    """Write all files, or none; see `StagedFiles`."""
    with StagedFiles(writers) as files:
        files.write(writers)
        files.name()


@contextmanager
def replacing(path: Path, durable: bool = False) -> Iterator[IO[bytes]]:
    """A file to write that replaces `path` when the block ends without error, and not before.

    For files that one process writes at a time; `StagedFiles` allows any number of processes.

    Args:
        path: The file.
        durable: Whether to wait until it is on disk, so that a power failure cannot undo it.
    """
    part = path.with_name(f".{path.name}.{_PART}")
    try:
        with part.open("wb") as file:
            yield file
            if durable:
                sync(file)
        part.replace(path)
        if durable:
            sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def open_cut(path: Path, size: int) -> IO[bytes]:
    """Open a file to append after its first `size` bytes; the rest is truncated.

    Raises:
        ValueError: The file is shorter.
    """
    file = path.open("ab")
    if file.tell() < size:
        file.close()
        raise ValueError(f"<{path}> is too short: {START_ANEW}")
    file.truncate(size)
    return file


def sync(file: IO[Any]) -> None:
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
