# SPDX-License-Identifier: GPL-2.0-or-later
"""Locks on what a process is writing; the kernel releases them however the process ends.

What is not locked is stale. Process numbers are not used: in containers they are reused, and
processes outside are not visible.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

WORD_DIGITS = 12

LOCK_NAME = "lock"
"""The file in a folder whose lock is that of the whole folder."""


def lock(path: Path) -> IO[bytes] | None:
    """Lock a file, which is made if it is not there, until it is closed or the process ends.

    Returns:
        The open file; None if another process holds the lock.
    """
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        # The previous holder of the lock may have removed the file since it was opened.
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


@contextmanager
def locked_folder(folder: Path, busy: str, create: bool = True) -> Iterator[None]:
    """Hold the lock of a folder until the block ends.

    Args:
        folder: The folder; the holder of the lock may remove it.
        busy: Message if another process holds the lock.
        create: Whether to make a missing folder.

    Raises:
        ValueError: Another process holds the lock.
        FileNotFoundError: The folder does not exist, and `create` is False.
    """
    held = None
    while held is None:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            held = lock(folder / LOCK_NAME)
        except FileNotFoundError:
            # The previous holder may have removed the folder between the two calls.
            if create:
                continue
            raise
        if held is None:
            raise ValueError(busy)
    with held:
        yield


class Hold:
    """A unique word for the temporary names of what this process writes.

    Args:
        lock_of: Gives the path of the lock file of a word.

    Attributes:
        word: Some digits.
    """

    def __init__(self, lock_of: Callable[[str], Path]):
        held = None
        while held is None:
            self.word = f"{secrets.randbelow(10**WORD_DIGITS):0{WORD_DIGITS}}"
            self._path = lock_of(self.word)
            held = lock(self._path)
        self._lock = held

    def release(self) -> None:
        """Release the word; what is left under it is stale."""
        self._path.unlink(missing_ok=True)
        self._lock.close()


def abandoned(words: Iterable[str], lock_of: Callable[[str], Path]) -> Iterator[str]:
    """The stale words among some, whose processes have ended; each is locked while it is yielded.

    Args:
        words: Words found in temporary names.
        lock_of: As `Hold` takes it.
    """
    for word in sorted(set(words)):
        path = lock_of(word)
        held = lock(path)
        if held is not None:
            with held:
                yield word
                path.unlink(missing_ok=True)
