# SPDX-License-Identifier: GPL-2.0-or-later
"""Raster maps from row bands: each is collected in a file, and made a map when all are complete."""

from __future__ import annotations

import math
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...core.text import within_bytes
from ...io.atomic import open_cut, sync
from ...io.folders import check_disk
from ..raster.region import Region
from ..session.mapset import current_mapset, mapset_folder
from ..session.messages import command_line
from ..session.modules import run_module, side_by_side
from ..session.output_names import LONGEST_TITLE, check_not_read, check_output_rasters
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name

TEMPORARY_PREFIX = "i_dl_predict_tmp"

CHECKPOINTS_FOLDER = ".i_dl_predict"

SEGMENT_BYTES = 5
"""Bytes per cell of class and segment on disk, besides the rows of the maps."""

OBJECT_BYTES = 10
"""Bytes per cell on disk for finding objects."""

NOVELTY_COLORS = (
    "0 68:1:84\n0.25 59:82:139\n0.5 33:145:140\n1 253:231:37\n2 255:0:0\n1000000000 255:0:0\n"
)
"""Viridis up to 1; novel cells are red."""

PIECE_CELLS = 1_000_000
"""Cells that are converted to the file's type at once."""


@dataclass
class RasterSpool:
    """Rows of a raster map that is not yet made, in a file.

    Attributes:
        name: Name of the map in the current mapset.
        dtype: uint8, int32 or float32.
        title: Title, without the model.
        colors: Rules as `r.colors` takes them; "" for colours at random.
        labels: Category labels by value.
        units: Of the values.
        kept: Whether the map is kept when all maps are complete.
    """

    NULL: ClassVar[dict[str, float]] = {"uint8": 255, "int32": -(2**31), "float32": math.nan}
    """Value of NULL in the file."""

    name: str
    dtype: str
    title: str
    colors: str
    labels: dict[int, str] = field(default_factory=dict)
    kept: bool = True
    units: str = ""

    def open(self, folder: Path, rows: int, cols: int) -> None:
        """Open the file to append after the rows of an earlier run.

        Args:
            folder: Folder of the file.
            rows: Rows that were finished; further ones are truncated.
            cols: Columns.

        Raises:
            ValueError: The file holds fewer rows.
        """
        self._path = folder / f"{self.name}.bin"
        self._file = open_cut(self._path, rows * cols * np.dtype(self.dtype).itemsize)

    def write(self, values: np.ndarray, null: np.ndarray) -> None:
        """Append rows (rows, cols); cells where `null` become NULL."""
        missing = np.array(self.NULL[self.dtype], self.dtype)
        stored = np.dtype(self.dtype).newbyteorder("<")
        step = max(1, PIECE_CELLS // null.shape[1])
        for row in range(0, len(null), step):
            piece = np.s_[row : row + step]
            written = np.where(null[piece], missing, values[piece])
            self._file.write(written.astype(stored, copy=False).data)

    def sync(self) -> None:
        """Wait until all rows are on disk."""
        sync(self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def temporary_name(self) -> str:
        """Name of the map until all maps are complete."""
        return temporary_name(TEMPORARY_PREFIX, f"_{self.name}")

    def make_map(self, region: Region, support: dict[str, str], history: list[str]) -> None:
        """Import the rows under the temporary name, with title, history, colours, categories.

        Args:
            region: Extent and grid.
            support: Description and sources as `r.support` takes them; source1 names the model.
            history: Lines of the map's history.
        """
        run_module(
            "r.in.bin",
            flags={"uint8": "", "int32": "s", "float32": "f"}[self.dtype],
            input=str(self._path),
            output=self.temporary_name,
            bytes=np.dtype(self.dtype).itemsize,
            order="little",
            north=repr(region.north),
            south=repr(region.south),
            east=repr(region.east),
            west=repr(region.west),
            rows=region.rows,
            cols=region.cols,
            anull=self.NULL[self.dtype],
        )
        self._describe(self.temporary_name, support, history)

    def _describe(self, name: str, support: dict[str, str], lines: list[str]) -> None:
        if self.labels:
            rules = "".join(f"{value}\t{label}\n" for value, label in self.labels.items())
            run_module("r.category", stdin=rules, map=name, rules="-", separator="tab")
        if self.colors:
            run_module("r.colors", stdin=self.colors, map=name, rules="-")
        else:
            run_module("r.colors", map=name, color="random")
        history = self._path.with_suffix(".history")
        history.write_text("\n".join(lines) + "\n", encoding="utf-8")
        title = within_bytes(f"{self.title} by {support['source1']}", LONGEST_TITLE)
        units = {"units": self.units} if self.units else {}
        run_module("r.support", map=name, loadhistory=str(history), title=title, **units, **support)


def novelty_spool(name: str) -> RasterSpool:
    """The map of novelty, whatever the model's target."""
    return RasterSpool(name, "float32", "Distance from the training", NOVELTY_COLORS)


class OutputMaps(ABC):
    """The maps of one prediction.

    Args:
        by_segment: Maps computed from segments.
        by_cell: The others; if the last one exists, all do.
        unfinished: Whether an earlier run may have begun to name these maps: then they may exist.
        objects: Maps of objects.

    Attributes:
        notes: Lines of the maps' history besides the call; may be added to.
        figures: The wanted figures of cells, as the decision about cells takes them.

    Raises:
        ValueError: One of the names cannot be written.
    """

    figures: dict[str, bool]

    def __init__(
        self,
        by_segment: Sequence[RasterSpool],
        by_cell: Sequence[RasterSpool],
        unfinished: bool,
        objects: Sequence[RasterSpool] = (),
    ):
        self.notes: list[str] = []
        self._by_segment = list(by_segment)
        self._objects = list(objects)
        self._by_cell = list(by_cell)
        self._at_once = [*self._by_segment, *self._objects]
        self._all = [*self._at_once, *self._by_cell]
        check_output_rasters([spool.name for spool in self._all if spool.kept], unfinished)

    @abstractmethod
    def layers(self, band: Any) -> Iterator[tuple[RasterSpool, np.ndarray, np.ndarray]]:
        """Values and NULL cells of a row band for each map by cell."""

    @abstractmethod
    def _of_segments(self, rows: np.ndarray) -> np.ndarray:
        """Values of the map by segment, from those of the segments (rows, cols)."""

    @contextmanager
    def _further_made(self, model: str, objects: Any) -> Iterator[Callable[[], None]]:
        """Make under temporary names what else is made from the raster maps; yields what names it.

        Args:
            model: Name of the model.
            objects: See `make_maps`.
        """
        yield lambda: None

    def write(self, band: Any) -> None:
        """Append a row band, and wait until it is on disk."""
        for spool, values, null in self.layers(band):
            spool.write(values, null)
        for spool in self._by_cell:
            spool.sync()

    @property
    def names(self) -> list[str]:
        """Names of all final maps."""
        return [spool.name for spool in self._all if spool.kept]

    def check_inputs(self, inputs: Iterable[str]) -> None:
        """Refuse to replace a map that is read.

        Args:
            inputs: Fully qualified names of the maps that are read.

        Raises:
            ValueError: One of the outputs is one of them.
        """
        check_not_read([spool.name for spool in self._all], inputs)

    def open(self, folder: Path, rows: int, region: Region) -> None:
        """Start to collect rows in a folder, after those that an earlier run finished there.

        Args:
            folder: The folder.
            rows: Rows that were finished.
            region: The region of all rows.

        Raises:
            ValueError: The folder does not hold these rows, or the disk has no space for the
                others.
        """
        cell_bytes = sum(np.dtype(spool.dtype).itemsize for spool in self._all)
        cell_bytes += SEGMENT_BYTES if self._by_segment else 0
        cell_bytes += OBJECT_BYTES if self._objects else 0
        left = (region.rows - rows) * region.cols
        check_disk(folder, left * cell_bytes, f"the output of {region.size}")
        for spool in self._by_cell:
            spool.open(folder, rows, region.cols)
        # They are written at once, when all rows are finished.
        for spool in self._at_once:
            spool.open(folder, 0, region.cols)

    def close(self) -> None:
        """Close the files."""
        for spool in self._all:
            # Errors of writing have been reported.
            with suppress(OSError):
                spool.close()

    def make_maps(
        self,
        region: Region,
        support: dict[str, str],
        by_segment: Iterable[tuple[np.ndarray, np.ndarray]],
        objects: Any,
        beside: Sequence[Callable[[], None]],
        before_naming: Sequence[Callable[[], None]],
    ) -> None:
        """Make maps from what was collected, which get their names when all of them are complete.

        Args:
            region: Extent and grid.
            support: Description and sources of all maps, as `RasterSpool.make_map` takes them.
            by_segment: The content of the map by segment, from north to south: class index or
                value (rows, cols), and cells without.
            objects: A `grassdl.predict.objects.finder.FoundObjects`, if objects are wanted.
            beside: Called in other threads while maps are made.
            before_naming: Called when all are complete, before the first gets its name.
        """
        remove_debris(TEMPORARY_PREFIX)
        # r.support cuts long lines, and r.info joins them with all their blanks.
        wrapped = textwrap.TextWrapper(70, break_on_hyphens=False, drop_whitespace=False)
        history = [line for one in self._history() for line in wrapped.wrap(f"{one} ")]
        left = self._all
        rows_of: dict[str, Iterable[tuple[np.ndarray, np.ndarray]]] = {
            **{
                spool.name: ((self._of_segments(rows), null) for rows, null in by_segment)
                for spool in self._by_segment
            },
            **{
                spool.name: ((numbers, numbers == 0) for numbers in objects.rows)
                for spool in self._objects
            },
        }
        try:
            make = partial(self._make_map, rows_of, region, support, history)
            side_by_side([*(partial(make, spool) for spool in self._all), *beside])
            with self._further_made(support["source1"], objects) as rename_further:
                for call in before_naming:
                    call()
                rename_further()
                kept = [spool for spool in self._all if spool.kept]
                pairs = [name for spool in kept for name in (spool.temporary_name, spool.name)]
                # Names were checked at the start; existing maps of these names may be replaced.
                run_module("g.rename", raster=",".join(pairs), overwrite=True)
                left = [spool for spool in self._all if not spool.kept]
        finally:
            remove_maps([spool.temporary_name for spool in left])

    def _make_map(
        self,
        rows_of: Mapping[str, Iterable[tuple[np.ndarray, np.ndarray]]],
        region: Region,
        support: dict[str, str],
        history: list[str],
        spool: RasterSpool,
    ) -> None:
        if spool.name in rows_of:
            for values, null in rows_of[spool.name]:
                spool.write(values, null)
            spool.sync()
        spool.make_map(region, support, history)

    def _history(self) -> list[str]:
        return [command_line(), *self.notes]


def checkpoint_folder(options: Mapping[str, str]) -> Path:
    """The folder of a run's finished rows, named after its first output.

    In the mapset, so that runs in other mapsets are separate, and hidden: GRASS clears only .tmp.
    """
    keys = ("output", "segment_output", "segment_vector", "segments")
    name = next(options[key] for key in keys if options[key])
    return mapset_folder(current_mapset()) / CHECKPOINTS_FOLDER / name
