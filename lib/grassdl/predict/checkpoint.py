# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run has finished, kept on disk so that a later run can go on after any end."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ..core.schema import AtLeastOne, Count, checked
from ..core.text import listed
from ..io.json_records import read_json, write_json
from ..io.locks import lock
from .decision import RowBand, RowBands
from .tiling.tile_shape import TileShape

RECORD_NAME = "record.json"
LOCK_NAME = "lock"

BEGIN_ANEW = "leave out -r to begin anew"
"""What to do about a spool that cannot be gone on with."""

NOTHING_LEFT = "There is no run that ended early to go on with: leave out -r"
"""What is told of a spool that is not there."""


class Record(TypedDict):
    """What is known of a run.

    Attributes:
        made_of: What the result depends on: a value for each thing by its name.
        rows: Finished rows.
        of: Rows that are wanted.
        tile: Rows and columns of the tiles; None before their shape is chosen.
        found: Whether a finished cell has data.
        naming: Whether maps may have got their names.
    """

    made_of: dict[str, str]
    rows: Count
    of: AtLeastOne
    tile: tuple[AtLeastOne, AtLeastOne] | None
    found: bool
    naming: bool


@dataclass
class Spool:
    """The folder of a run's finished rows, and the record of how many they are.

    Rows are appended to files in the folder by whoever makes them, and are finished when they are
    recorded: a record is written only when all that it tells of is on disk. What files hold beyond
    it was being written when a run ended, and is cut off by the next.

    Attributes:
        folder: Where the files lie.
        content: The record.
    """

    folder: Path
    content: Record

    @property
    def rows(self) -> int:
        """Finished rows."""
        return self.content["rows"]

    @property
    def shape(self) -> TileShape | None:
        """The shape of the tiles that the finished rows were computed by."""
        return TileShape(*self.content["tile"]) if self.content["tile"] else None

    @property
    def found(self) -> bool:
        """Whether a finished cell has data."""
        return self.content["found"]

    def begin(self, shape: TileShape) -> None:
        """Record the tiles' shape."""
        self._record(tile=[shape.rows, shape.cols])

    def finish(self, rows: int, found: bool) -> None:
        """Record further rows, which are on disk, and whether they have data."""
        self._record(rows=self.rows + rows, found=self.found or found)

    def keep(
        self,
        bands: RowBands,
        keepers: Sequence[Callable[[RowBand], None]],
        progress: Callable[[int], None],
    ) -> None:
        """Keep row bands as they are made.

        Args:
            bands: The rows that are not finished; closed at the end, however it comes.
            keepers: Are given each band, and bring to disk what they keep of it.
            progress: Called with the number of finished rows.

        Raises:
            ValueError: No cell has data.
        """
        with closing(bands):
            for band in bands:
                for keeper in keepers:
                    keeper(band)
                self.finish(len(band.null), found=not band.null.all())
                progress(self.rows)
                # The next one is made before it takes its place.
                del band
        if not self.found:
            self.clear()
            raise ValueError("No cell of the region has data in all bands: nothing to classify")

    def name_maps(self) -> None:
        """Record that from now on maps may get their names."""
        self._record(naming=True)

    def clear(self) -> None:
        """Forget the finished rows."""
        self._record(rows=0)

    def _record(self, **changes: object) -> None:
        self.content.update(changes)
        write_json(self.folder / RECORD_NAME, self.content, durable=True)


def check_spool(folder: Path, resumed: bool) -> bool:
    """Refuse early what `open_spool` would refuse, before a network is loaded in vain.

    Args:
        folder: Where the spool lies.
        resumed: Whether to go on with an earlier run.

    Returns:
        Whether the run that is gone on with ended while its maps got their names.

    Raises:
        ValueError: A live run has the spool, something else lies in its place, or there is none to
            go on with.
    """
    _check_ours(folder)
    if not resumed and not (folder / LOCK_NAME).is_file():
        return False
    with _locked(folder, create=False):
        return resumed and _resumable(folder)["naming"]


@contextmanager
def open_spool(
    folder: Path,
    made_of: Mapping[str, str],
    rows: int,
    resumed: bool,
    tell: Callable[[str], None],
) -> Iterator[Spool]:
    """The spool of a run, which no other run touches meanwhile.

    It is removed when the block ends well, or with no row finished; otherwise it stays for a run
    that goes on, and the exception gets a note that says so.

    Args:
        folder: Where it lies.
        made_of: What the result depends on: a value for each thing by its name.
        rows: Rows that are wanted.
        resumed: Whether to go on with an earlier run.
        tell: Takes what is to be told of an earlier run, if there is one.

    Yields:
        The spool.

    Raises:
        ValueError: A live run has the spool, something else lies in its place, or there is none to
            go on with, or its run was made of something else.
    """
    _check_ours(folder)
    with _locked(folder, create=not resumed):
        if resumed:
            earlier = _resumable(folder)
            _check_same(earlier, made_of, rows)
            spool = Spool(folder, earlier)
            tell(f"Going on after {spool.rows} of {rows} rows")
        else:
            _tell_of_earlier(folder, tell)
            _remove_files(folder)
            spool = Spool(folder, {"made_of": dict(made_of), "of": rows})
            spool._record(rows=0, tile=None, found=False, naming=False)
        try:
            yield spool
        except BaseException as error:
            if spool.rows:
                error.add_note(f"{spool.rows} of {rows} rows are kept: -r goes on with them")
            else:
                _remove(folder)
            raise
        _remove(folder)


def _tell_of_earlier(folder: Path, tell: Callable[[str], None]) -> None:
    """Tell what is lost of an earlier run that is not gone on with."""
    try:
        earlier = _read(folder)
    except ValueError as error:
        tell(f"{error}: the rows that an earlier run finished are replaced")
        return
    if earlier:
        tell(
            f"An earlier run ended after {earlier['rows']} of {earlier['of']} rows, which -r would "
            "have kept: they are replaced"
        )


def _check_same(earlier: Record, made_of: Mapping[str, str], rows: int) -> None:
    before = earlier["made_of"]
    names = [*made_of, *(name for name in before if name not in made_of)]
    changed = [name for name in names if made_of.get(name) != before.get(name)]
    if earlier["of"] != rows and not changed:
        changed = ["the number of rows"]
    if changed:
        raise ValueError(
            f"The earlier run cannot be gone on with, since this has changed: {listed(changed)}."
            f" Put it back as it was, or {BEGIN_ANEW}"
        )


@contextmanager
def _locked(folder: Path, create: bool) -> Iterator[None]:
    """Hold the folder's lock, which the kernel releases whenever a process ends."""
    held = None
    while held is None:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            held = lock(folder / LOCK_NAME)
        except FileNotFoundError:
            # A run that has just ended may have removed the folder again.
            if create:
                continue
            raise ValueError(NOTHING_LEFT) from None
        if held is None:
            raise ValueError(
                "Another run is making the same output: wait for its end, or choose another output"
            )
    with held:
        yield


def _check_ours(folder: Path) -> None:
    """Refuse what no run has made in the place of a spool, so that nothing of it is removed."""
    for path in (folder.parent, folder):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise ValueError(
                f"<{path}> is no folder: remove it, runs keep there what they have finished"
            )
    # A live run may remove files and folder meanwhile.
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if not stat.S_ISREG(path.lstat().st_mode):
                    raise ValueError(f"<{path}> was not made by a run: move it away, or remove it")


def _resumable(folder: Path) -> Record:
    """The record of a run that is to be gone on with."""
    try:
        record = _read(folder)
    except ValueError as error:
        raise ValueError(f"{error}: {BEGIN_ANEW}") from None
    if record is None:
        raise ValueError(NOTHING_LEFT)
    return record


def _read(folder: Path) -> Record | None:
    """The record; None where a run ended before it wrote one.

    Raises:
        ValueError: It is damaged.
    """
    path = folder / RECORD_NAME
    if not path.is_file():
        return None
    what = "Record of an earlier run"
    content = read_json(path, what)
    try:
        record = checked(content, Record)
        if record["rows"] > record["of"]:
            raise ValueError(f"{record['rows']} of {record['of']} rows")
    except ValueError as error:
        raise ValueError(f"{what} <{path}> is damaged ({error})") from None
    return record


def _remove_files(folder: Path) -> None:
    """Remove all but the lock; the record first, since it tells what the others hold."""
    (folder / RECORD_NAME).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.name != LOCK_NAME:
            path.unlink()


def _remove(folder: Path) -> None:
    _remove_files(folder)
    shutil.rmtree(folder, ignore_errors=True)
    # Other outputs may have their spools beside it.
    with suppress(OSError):
        folder.parent.rmdir()
