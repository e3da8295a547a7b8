# SPDX-License-Identifier: GPL-2.0-or-later
"""Output folders: they are written completely or not at all, and replace only what the toolset
wrote.

While a run writes the folder `NAME`, its files are beside it in `.NAME.part`: the lock that shows
other runs that the name is in use, the new folder, and temporarily the one that it replaces. The
kernel releases the lock however the run ends, so that the remains of a killed run are known to be
stale.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..core.text import LONGEST_LABEL, check_output_name, one_line, printable_json
from .atomic import check_writable
from .format_versions import check_version
from .json_records import read_json
from .locks import LOCK_NAME, lock, locked_folder

NEW_PREFIX, OLD_NAME = "new-", "old"


@dataclass(frozen=True)
class FolderKind:
    """A kind of folder that the toolset writes.

    Attributes:
        mark: Name of the JSON file that identifies a folder of this kind.
        format_name: The value of "format" in that file.
        contents: Regular expressions of the relative paths of all that the toolset writes
            there, including folders.
    """

    mark: str
    format_name: str
    contents: tuple[str, ...]

    def description(self, folder: Path, title: str, newest: int) -> dict[str, Any]:
        """The content of the JSON file that identifies the folder; its texts are printable.

        Args:
            folder: The folder.
            title: Begins the messages, such as "Dataset".
            newest: The newest format version that is known.

        Raises:
            ValueError: The folder or the file is missing, or the file is damaged, describes
                something else, or has a newer format version.
        """
        if not folder.is_dir():
            raise ValueError(f"{title} folder <{folder}> not found")
        mark = folder / self.mark
        content = printable_json(read_json(mark, title))
        if content.get("format") != self.format_name:
            what = self.format_name.removeprefix("i.dl ")
            raise ValueError(f"<{mark}> does not describe a {what} of i.dl")
        check_version(content, f"{title} <{folder}>", newest)
        return content

    def check_replaceable(self, folder: Path) -> None:
        """Refuse to replace a folder that holds anything but what the toolset wrote.

        Raises:
            ValueError: It does; the message names what.
        """
        if not any(folder.iterdir()):
            return
        if not self._wrote(folder / self.mark):
            raise ValueError(
                f"Folder <{folder}> holds no {self.mark} that i.dl wrote: it is not overwritten, "
                "choose another output"
            )
        strange = next(self._strange(folder), None)
        if strange is not None:
            raise ValueError(
                f"Folder <{folder}> holds <{strange.relative_to(folder)}>, which i.dl did not "
                "write: it is not overwritten, move that file away or choose another output"
            )

    def remove(self, folder: Path) -> None:
        """Remove what the toolset wrote; a folder that holds anything else is kept with it."""
        strange = set(self._strange(folder))
        for parent, folders, files in os.walk(folder, topdown=False):
            for path in (Path(parent, name) for name in (*folders, *files)):
                if path not in strange:
                    _remove_one(path)
        _remove_one(folder)

    def _wrote(self, mark: Path) -> bool:
        if not mark.is_file() or mark.is_symlink():
            return False
        try:
            return json.loads(mark.read_text(encoding="utf-8"))["format"] == self.format_name
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return False

    def _strange(self, folder: Path) -> Iterator[Path]:
        """Files, links and folders that the toolset did not write."""
        known = re.compile("|".join(f"(?:{one})" for one in self.contents))
        for parent, folders, files in os.walk(folder):
            for path in sorted(Path(parent, name) for name in (*folders, *files)):
                if not known.fullmatch(path.relative_to(folder).as_posix()):
                    yield path


def _remove_one(path: Path) -> None:
    """Remove a file, a link or an empty folder."""
    with suppress(OSError):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def check_output_folder(path: str | os.PathLike[str], overwrite: bool, kind: FolderKind) -> Path:
    """The absolute path of a folder that is to be written, checked before any work is done.

    An empty folder, as a file dialog makes it, may be written in any case.

    Args:
        path: The folder.
        overwrite: Whether it may exist.
        kind: What it is going to be.

    Raises:
        ValueError: It exists and may not be overwritten, another run is writing it, its name is too
            long, or its parent cannot be written.
    """
    target = Path(path).expanduser().absolute()
    if target == target.parent:
        raise ValueError(f"Output <{target}> is the root of all folders: name one inside it")
    check_output_name(target.name)
    if _work_folder(target).is_dir():
        # Refused if another run writes it; otherwise the remains of a killed run are cleaned up.
        with reserved(target, kind):
            pass
    if target.is_symlink() or target.exists():
        _check_existing(target, overwrite, kind)
    if not target.parent.is_dir():
        raise ValueError(f"Folder <{target.parent}> not found: the output cannot be written there")
    check_writable(target.parent)
    return target


def _check_existing(target: Path, overwrite: bool, kind: FolderKind) -> None:
    is_folder = target.is_dir() and not target.is_symlink()
    if is_folder and not any(target.iterdir()):
        return
    if not overwrite:
        raise ValueError(f"Output <{target}> exists: choose another one or use --overwrite")
    if not is_folder:
        raise ValueError(f"Output <{target}> is not a folder: choose another one")
    kind.check_replaceable(target)


class Reservation:
    """The name of an output, reserved for this run: see `reserved`.

    Args:
        target: The output folder.
        kind: What it is going to be.

    Raises:
        ValueError: There is a folder that may not be replaced.
    """

    def __init__(self, target: Path, kind: FolderKind):
        self.target = target
        self.kind = kind
        if target.is_dir():
            kind.check_replaceable(target)
        self._found = _identity(target)

    @contextmanager
    def new_folder(self) -> Iterator[Path]:
        """A folder beside the output that gets its name when the block ends without error.

        Until then nothing lies under the final name but what lay there before.

        Raises:
            ValueError: Meanwhile another program made or changed a folder of this name. That is not
                changed, and the new folder gets another name, which is in the message.
        """
        work = _work_folder(self.target)
        # Processes of a killed run may still be writing into their folders.
        new, old = work / f"{NEW_PREFIX}{secrets.token_hex(4)}", work / OLD_NAME
        new.mkdir()
        try:
            yield new
            self._put(new, old)
        finally:
            # Ctrl-C may come between the two renames.
            if old.is_dir() and not self.target.exists():
                old.rename(self.target)
            self.kind.remove(old)
            shutil.rmtree(new, ignore_errors=True)

    def _put(self, new: Path, old: Path) -> None:
        """Rename the new folder to its final name, and set the one that it replaces aside."""
        try:
            if self._found is not None:
                self._set_aside(old)
            # This fails where anything but an empty folder has the name.
            new.rename(self.target)
        except (OSError, ValueError):
            free = _free_name(self.target)
            new.rename(free)
            raise ValueError(
                f"<{self.target}> was made or changed by somebody else meanwhile and is left "
                f"alone: the result is <{free}>"
            ) from None

    def _set_aside(self, old: Path) -> None:
        if _identity(self.target) != self._found:
            raise ValueError("another folder")
        self.target.rename(old)
        try:
            self.kind.check_replaceable(old)
        except ValueError:
            old.rename(self.target)
            raise


class NamesError(ValueError):
    """A pattern or a file of names names no folders."""


def folders_named(names: str) -> list[str]:
    """The folders that an option names: one, or several separated by commas.

    Each may also be a pattern, such as `sheets/*`, which stands for the folders that match it, in
    the order of their names, or a text file with a name on each line (lines that begin with `#`
    and empty ones do not count).

    Raises:
        NamesError: No folder matches a pattern, or a file names something else.
    """
    if _is_folder(names):
        return [names]
    return [folder for name in names.split(",") for folder in _folders_of(name)]


def _folders_of(name: str) -> list[str]:
    if _is_folder(name):
        return [name]
    path = Path(name).expanduser()
    if path.is_file():
        return _listed_in(path)
    if glob.has_magic(name):
        # Path.glob takes no absolute pattern.
        found = sorted(glob.glob(str(path)))  # noqa: PTH207
        matching = [one for one in found if _is_folder(one)]
        if not matching:
            raise NamesError(f"Folder <{name}> not found: no folder matches this pattern")
        return matching
    return [name]


def _listed_in(file: Path) -> list[str]:
    lines = map(str.strip, file.read_text(encoding="utf-8", errors="replace").splitlines())
    found = [line for line in lines if line and not line.startswith("#")]
    wrong = [line for line in found if not _is_folder(line)]
    if wrong or not found:
        has = f"<{one_line(wrong[0])[:LONGEST_LABEL]}> is none" if wrong else "it is empty"
        raise NamesError(f"File <{file}> must name a folder on each line, but {has}")
    return found


def _is_folder(name: str) -> bool:
    try:
        return Path(name).expanduser().is_dir()
    # A list of many names may exceed the longest name of a file.
    except (OSError, ValueError):
        return False


@contextmanager
def reserved(target: Path, kind: FolderKind) -> Iterator[Reservation]:
    """Reserve an output's name against other runs until the block ends.

    The remains of a killed run are cleaned up first: a folder that it had set aside gets its name
    back, all else is removed.

    Args:
        target: The output, as `check_output_folder` gives it.
        kind: What it is going to be.

    Raises:
        ValueError: Another run has it, or there is a folder that may not be replaced.
    """
    work = _work_folder(target)
    busy = f"Another run is writing <{target}>: wait for its end, or choose another output"
    with locked_folder(work, busy):
        try:
            if (work / OLD_NAME).is_dir() and not target.exists():
                (work / OLD_NAME).rename(target)
            for left in work.glob(f"{NEW_PREFIX}*"):
                shutil.rmtree(left, ignore_errors=True)
            kind.remove(work / OLD_NAME)
            yield Reservation(target, kind)
        finally:
            (work / LOCK_NAME).unlink(missing_ok=True)
            with suppress(OSError):
                work.rmdir()


@contextmanager
def reserved_output(
    path: str | os.PathLike[str], overwrite: bool, kind: FolderKind
) -> Iterator[Reservation]:
    """Check an output with `check_output_folder`, and reserve its name as `reserved` does."""
    with reserved(check_output_folder(path, overwrite, kind), kind) as reservation:
        yield reservation


@contextmanager
def new_folder(target: Path, kind: FolderKind) -> Iterator[Path]:
    """Reserve an output's name and write its folder; see `Reservation.new_folder`."""
    with reserved(target, kind) as reservation, reservation.new_folder() as folder:
        yield folder


def _work_folder(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


@contextmanager
def scratch_folder(place: Path) -> Iterator[Path]:
    """A folder for temporary files, which is removed when the block ends.

    Folders of killed runs in the same place, whose locks are free, are removed first.

    Args:
        place: The parent folder; it is made if missing, and removed with the last folder in it.
    """
    for left in place.iterdir() if place.is_dir() else ():
        _remove_abandoned(left)
    folder, held = _own_scratch(place)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        held.close()
        with suppress(OSError):
            place.rmdir()


def _remove_abandoned(folder: Path) -> None:
    with suppress(OSError):
        held = lock(folder / LOCK_NAME)
        if held is not None:
            with held:
                shutil.rmtree(folder, ignore_errors=True)


def _own_scratch(place: Path) -> tuple[Path, IO[bytes]]:
    """A new folder and its lock; other runs remove folders without a lock as stale."""
    while True:
        place.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            folder = Path(tempfile.mkdtemp(dir=place))
            held = lock(folder / LOCK_NAME)
            if held is not None:
                return folder, held


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of a folder, by which it is identified; None if it does not exist."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _free_name(target: Path) -> Path:
    """A free name beside a path, with a number appended."""
    number = 2
    while os.path.lexists(target.with_name(f"{target.name}_{number}")):
        number += 1
    return target.with_name(f"{target.name}_{number}")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_disk(folder: Path, needed: int, what: str) -> None:
    """Refuse to start what needs more disk space than is free.

    Args:
        folder: Where the files will be.
        needed: Bytes that it needs.
        what: What needs them, for the message.

    Raises:
        ValueError: Fewer bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ValueError(
            f"Disk full: {what} needs {needed / 1e6:.1f} MB in <{folder}>, "
            f"{free / 1e6:.1f} MB are free. Free some space, or take a smaller region or larger "
            "cells"
        )
