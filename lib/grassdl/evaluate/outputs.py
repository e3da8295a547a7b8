# SPDX-License-Identifier: GPL-2.0-or-later
"""Result files: checked before the work starts, written together and whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path


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


def write_files(writers: Mapping[Path, Callable[[Path], object]]) -> None:
    """Write all files, or none: they take their names when the last one is written.

    Args:
        writers: For each final path a function that writes the content to the path it is given.
    """
    scratches = {
        target: target.with_name(f".{target.name}.{os.getpid()}.part") for target in writers
    }
    try:
        for target, write in writers.items():
            write(scratches[target])
        for target, scratch in scratches.items():
            scratch.replace(target)
    finally:
        for scratch in scratches.values():
            scratch.unlink(missing_ok=True)
