# SPDX-License-Identifier: GPL-2.0-or-later
"""The finished rows of a run on disk, from which a later run resumes."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..core.schema import AtLeastOne, Count, checked
from ..io.json_records import read_json, write_json
from ..io.locks import LOCK_NAME, locked_folder
from ..io.resume import START_ANEW, check_unchanged
from .cell_decision import CellBand, RowBands
from .strip_files import has_strips
from .tiling.tile_shape import TileShape

RECORD_NAME = "record.json"

NOTHING_TO_RESUME = "There is no unfinished run to resume: leave out -r"

BUSY = "Another run is making the same output: wait for its end, or choose another output"


@dataclass(frozen=True)
class Record:
    """The record of a run.

    Attributes:
        fingerprint: What the result depends on, as `io.resume` describes it.
        rows: Finished rows.
        of: Rows of the output.
        tile: Rows and columns of the tiles; None before their shape is chosen.
        has_data: Whether a finished cell has data.
        naming: Whether maps may have been renamed to their final names.
    """

    fingerprint: dict[str, str]
    rows: Count
    of: AtLeastOne
    tile: tuple[AtLeastOne, AtLeastOne] | None
    has_data: bool
    naming: bool


@dataclass
class Checkpoint:
    """The folder of a run's finished rows, and the record of their number.

    Rows are appended to files in the folder by their writers, and are finished when they are
    recorded: a record is written only when all rows that it counts are on disk. What files hold
    beyond it is incomplete, and cut off by the next run.

    Attributes:
        folder: The folder of the files.
        record: How far the run is.
    """

    folder: Path
    record: Record

    @property
    def rows(self) -> int:
        """Finished rows."""
        return self.record.rows

    @property
    def shape(self) -> TileShape | None:
        """The shape of the tiles that the finished rows were computed by."""
        return TileShape(*self.record.tile) if self.record.tile else None

    @property
    def has_data(self) -> bool:
        """Whether a finished cell has data."""
        return self.record.has_data

    def record_shape(self, shape: TileShape) -> None:
        """Record the tiles' shape."""
        self._update(tile=(shape.rows, shape.cols))

    def record_rows(self, rows: int, has_data: bool) -> None:
        """Record further rows, which are on disk, and whether they have data."""
        self._update(rows=self.rows + rows, has_data=self.has_data or has_data)

    def write(
        self,
        bands: RowBands,
        writers: Sequence[Callable[[CellBand], None]],
        progress: Callable[[int], None],
    ) -> None:
        """Write row bands as they are computed.

        Args:
            bands: The rows that are not finished; closed at the end, also after an error.
            writers: Are called with each band, and bring their part of it to disk.
            progress: Called with the number of finished rows.

        Raises:
            ValueError: No cell has data.
        """
        with closing(bands):
            for band in bands:
                for write in writers:
                    write(band)
                self.record_rows(len(band.null), has_data=not band.null.all())
                progress(self.rows)
                # Frees its memory before the next one is computed.
                del band
        if not self.has_data:
            self.clear()
            raise ValueError("No cell of the region has data in all bands: nothing to classify")

    def record_naming(self) -> None:
        """Record that maps may be renamed to their final names."""
        self._update(naming=True)

    def clear(self) -> None:
        """Discard the finished rows."""
        self._update(rows=0)

    def _update(self, **changes: Any) -> None:
        self.record = replace(self.record, **changes)
        write_json(self.folder / RECORD_NAME, asdict(self.record), durable=True)


def check_checkpoint(folder: Path, resume: bool) -> bool:
    """Refuse what `open_checkpoint` would refuse, before a network is loaded.

    Args:
        folder: Where the checkpoint lies.
        resume: Whether to resume an unfinished run.

    Returns:
        Whether the run that is resumed ended while its maps were renamed.

    Raises:
        ValueError: A live run has the checkpoint, something else lies in its place, or there is
            none to resume.
    """
    _check_ours(folder)
    if not resume and not (folder / LOCK_NAME).is_file():
        return False
    with _locked(folder, create=False):
        return resume and _resumable(folder).naming


@contextmanager
def open_checkpoint(
    folder: Path,
    fingerprint: Mapping[str, str],
    rows: int,
    resume: bool,
    report: Callable[[str], None],
) -> Iterator[Checkpoint]:
    """The checkpoint of a run, locked against other runs.

    It is removed when the block ends without error or finished rows; otherwise it stays for a run
    that resumes, and the exception gets a note that says so.

    Args:
        folder: Where it lies.
        fingerprint: What the result depends on, as `io.resume` describes it.
        rows: Rows of the output.
        resume: Whether to resume an unfinished run.
        report: Takes a line on an unfinished run, if there is one.

    Yields:
        The checkpoint.

    Raises:
        ValueError: A live run has the checkpoint, something else lies in its place, or there is
            none to resume, or its run had another fingerprint.
    """
    _check_ours(folder)
    with _locked(folder, create=not resume):
        if resume:
            checkpoint = Checkpoint(folder, _resumable(folder))
            _check_unchanged(checkpoint.record, fingerprint, rows)
            report(f"Resuming after {checkpoint.rows} of {rows} rows")
        else:
            _report_replaced(folder, report)
            _remove_files(folder)
            record = Record(
                fingerprint=dict(fingerprint),
                rows=0,
                of=rows,
                tile=None,
                has_data=False,
                naming=False,
            )
            checkpoint = Checkpoint(folder, record)
            checkpoint.clear()
        try:
            yield checkpoint
        except BaseException as error:
            if checkpoint.rows or has_strips(folder):
                error.add_note(f"{checkpoint.rows} of {rows} rows are finished: -r resumes the run")
            else:
                _remove(folder)
            raise
        _remove(folder)


def _report_replaced(folder: Path, report: Callable[[str], None]) -> None:
    """Report how many rows of an unfinished run are replaced."""
    try:
        earlier = _read(folder)
    except ValueError as error:
        report(f"{error}: the rows that an earlier run finished are replaced")
        return
    if earlier:
        report(
            f"An earlier run ended after {earlier.rows} of {earlier.of} rows, from which -r "
            "would have resumed: they are replaced"
        )


def _check_unchanged(earlier: Record, fingerprint: Mapping[str, str], rows: int) -> None:
    """Refuse to resume a run of another fingerprint or number of rows."""
    check_unchanged(earlier.fingerprint, fingerprint)
    check_unchanged({"the number of rows": str(earlier.of)}, {"the number of rows": str(rows)})


@contextmanager
def _locked(folder: Path, create: bool) -> Iterator[None]:
    """Hold the folder's lock; without `create` there must be a checkpoint."""
    with ExitStack() as held:
        try:
            held.enter_context(locked_folder(folder, BUSY, create))
        except FileNotFoundError:
            raise ValueError(NOTHING_TO_RESUME) from None
        yield


def _check_ours(folder: Path) -> None:
    """Refuse files that no run has written in a checkpoint's place, so that none is removed."""
    for path in (folder.parent, folder):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise ValueError(
                f"<{path}> is no folder: remove it, runs write their finished rows there"
            )
    # A live run may remove files and folder meanwhile.
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if not stat.S_ISREG(path.lstat().st_mode):
                    raise ValueError(f"<{path}> was not made by a run: move it away, or remove it")


def _resumable(folder: Path) -> Record:
    """The record of a run that is to be resumed."""
    try:
        record = _read(folder)
    except ValueError as error:
        raise ValueError(f"{error}: {START_ANEW}") from None
    if record is None:
        raise ValueError(NOTHING_TO_RESUME)
    return record


def _read(folder: Path) -> Record | None:
    """The record; None if a run ended before it wrote one.

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
        if record.rows > record.of:
            raise ValueError(f"{record.rows} of {record.of} rows")
    except ValueError as error:
        raise ValueError(f"{what} <{path}> is damaged ({error})") from None
    return record


def _remove_files(folder: Path) -> None:
    """Remove all but the lock; the record first, since it describes the other files."""
    (folder / RECORD_NAME).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.name != LOCK_NAME:
            # A worker that is cut off from its scheduler may be finishing a strip.
            path.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    _remove_files(folder)
    shutil.rmtree(folder, ignore_errors=True)
    # Other outputs may have their checkpoints beside it.
    with suppress(OSError):
        folder.parent.rmdir()
