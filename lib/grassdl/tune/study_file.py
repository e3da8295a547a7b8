# SPDX-License-Identifier: GPL-2.0-or-later
"""The file of a study, which is Optuna's, and the locks beside it.

It is a journal, which may lie on a file system that several machines share, or by its suffix an
SQLite database.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from ..core.text import check_output_name
from ..io.json_records import parsed
from ..io.locks import lock

STUDY_NAME = "i.dl.tune"

SQLITE_ENDINGS = (".db", ".sqlite", ".sqlite3")
"""Suffixes of SQLite databases; all other files are journals."""

BUSY_SECONDS = 60
"""How long a process waits for the lock of an SQLite database."""

ANOTHER_FILE = "name another file with study="


def check_study_file(path: str) -> Path:
    """The absolute path of the file of a study, checked before any work.

    Args:
        path: The file, which need not exist.

    Raises:
        ValueError: It cannot be written, or is no file of a study of i.dl.tune.
    """
    file = Path(path).expanduser().absolute()
    check_output_name(file.name)
    if not file.parent.is_dir():
        raise ValueError(f"Folder <{file.parent}> not found: the study cannot be written there")
    if not file.exists():
        return file
    if not file.is_file():
        raise ValueError(f"Study <{file}> is not a file: {ANOTHER_FILE}")
    # Another process may be creating the study.
    with alone(file):
        if file.stat().st_size:
            names = _names_in_database(file) if _is_database(file) else _names_in_journal(file)
            if STUDY_NAME not in names:
                raise ValueError(f"<{file}> holds no study of i.dl.tune: {ANOTHER_FILE}")
    return file


def _is_database(file: Path) -> bool:
    return file.name.endswith(SQLITE_ENDINGS)


def _names_in_journal(file: Path) -> list[str]:
    """Names of the studies that a journal creates."""
    try:
        lines = file.read_bytes().splitlines(keepends=True)
        # The last line may be incomplete.
        whole = [line for line in lines if line.endswith(b"\n")] or lines
        entries = [parsed(line) for line in whole]
        return [one["study_name"] for one in entries if one.get("study_name")]
    except (ValueError, AttributeError):
        raise ValueError(f"<{file}> is no journal of a study, or damaged: {ANOTHER_FILE}") from None


def _names_in_database(file: Path) -> list[str]:
    """Names of the studies in a database, which is only read."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            return [name for (name,) in database.execute("SELECT study_name FROM studies")]
    except sqlite3.Error as error:
        raise ValueError(f"<{file}> is no database of studies ({error}): {ANOTHER_FILE}") from None


def storage_of(file: Path) -> BaseStorage:
    """Optuna's storage of a study."""
    if _is_database(file):
        return RDBStorage(
            f"sqlite:///{file}", engine_kwargs={"connect_args": {"timeout": BUSY_SECONDS}}
        )
    # A lock by exclusive creation of a file, which every file system supports.
    opened = JournalFileOpenLock(str(file))
    return JournalStorage(JournalFileBackend(str(file), opened))


def lock_of(file: Path, word: str) -> Path:
    """The file beside a study that is locked for a word."""
    return file.with_name(f".{file.name}.{word}.lock")


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Lock a study until the block ends: no other process opens it or takes trials."""
    path = lock_of(file, "study")
    while (held := lock(path)) is None:
        time.sleep(0.02)
    with held_until_end(held, path):
        yield


@contextmanager
def held_until_end(held: IO[bytes], path: Path) -> Iterator[None]:
    """Keep a lock until the block ends, and remove its file."""
    with held:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
