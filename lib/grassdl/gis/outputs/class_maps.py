# SPDX-License-Identifier: GPL-2.0-or-later
"""Raster maps out of row bands: collected in a file each, and made maps when all are whole."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...core.classes import ClassScheme
from ...core.outlines import AS_CELLS, Outlines
from ...core.text import within_bytes
from ...io.atomic import open_cut, sync
from ...io.folders import check_disk
from ..raster.region import Region
from ..session.mapset import current_mapset, mapset_folder
from ..session.messages import command_line
from ..session.modules import run_module, side_by_side
from ..session.output_names import LONGEST_TITLE, check_not_read, check_output_rasters
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from ..vector.class_areas import ClassAreas
from ..vector.object_areas import ObjectAreas

TEMPORARY_PREFIX = "i_dl_predict_tmp"

UNASKED_CONFIDENCE = ".confidence"
"""What the name of the temporary map ends with that the areas' confidence is taken from; with its
dot it is nobody's output."""

CHECKPOINTS_FOLDER = ".i_dl_predict"

SEGMENT_BYTES = 5
"""Bytes in which class and segment of a cell wait beside the rows of the maps."""

OBJECT_BYTES = 10
"""The same for what objects are found by."""

PIECE_CELLS = 1_000_000
"""Cells that are brought into the file's type at once."""

PROBABILITY_COLORS = "0 68:1:84\n0.25 59:82:139\n0.5 33:145:140\n0.75 94:201:98\n1 253:231:37\n"
"""Viridis, which reads the same in print and to colour-blind readers."""


NOVELTY_COLORS = (
    "0 68:1:84\n0.25 59:82:139\n0.5 33:145:140\n1 253:231:37\n2 255:0:0\n1000000000 255:0:0\n"
)
"""The same up to 1; what is unlike the training is red."""


@dataclass
class RasterSpool:
    """Rows of a raster map to be, in a file.

    Attributes:
        name: Name of the map in the current mapset.
        dtype: uint8, int32 or float32.
        title: Title, without the model.
        colors: Rules as `r.colors` takes them; "" for colours at random.
        labels: Category labels by value.
        kept: Whether the map stays when all maps are whole.
    """

    NULL: ClassVar[dict[str, float]] = {"uint8": 255, "int32": -(2**31), "float32": math.nan}
    """What stands for NULL in the file."""

    name: str
    dtype: str
    title: str
    colors: str
    labels: dict[int, str] = field(default_factory=dict)
    kept: bool = True

    def open(self, folder: Path, rows: int, cols: int) -> None:
        """Open the file to append to what an earlier run left in it.

        Args:
            folder: Where it lies.
            rows: Rows that were finished; what is beyond them is cut off.
            cols: Columns.

        Raises:
            ValueError: The file does not hold that many rows.
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
        """Name of the map until all maps are whole."""
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
        run_module("r.support", map=name, loadhistory=str(history), title=title, **support)


class ClassificationMaps:
    """The maps of one classification: classes, by cell or segment, and how sure they are.

    Args:
        output: Name of the class map, or "".
        classes: The classes.
        confidence: Name of the map of the highest probability, or "".
        uncertainty: Name of the map of the normalised entropy of the probabilities, or "".
        probabilities: Prefix of the maps of every class's probability, or "".
        by_segment: Name of the map of classes by segment, or "".
        vector: Name of the vector map of areas of the class map, or "".
        minsize: Cells that these have at least.
        unfinished: Whether an earlier run may have begun to name these maps: then they may exist.
        disagreement: Name of the map of the members' disagreement, or "".
        novelty: Name of the map of how unlike the training cells are, or "".
        objects: Name of the map of objects, or "". The areas of the vector map are these then.
        outlines: How the areas of the vector map are drawn.

    Attributes:
        notes: What the history of the maps tells beside the call; may be added to.
        figures: Which figures of cells are wanted, as `grassdl.predict.decision.Decision` takes it.

    Raises:
        ValueError: One of the names cannot be written.
    """

    def __init__(
        self,
        output: str,
        classes: ClassScheme,
        confidence: str = "",
        uncertainty: str = "",
        probabilities: str = "",
        by_segment: str = "",
        vector: str = "",
        minsize: int = 1,
        unfinished: bool = False,
        disagreement: str = "",
        novelty: str = "",
        objects: str = "",
        outlines: Outlines = AS_CELLS,
    ):
        self.notes: list[str] = []
        self.with_probabilities = bool(probabilities)
        # Codes of cells without class may be among the indices.
        fits_byte = max(classes.values) < RasterSpool.NULL["uint8"]
        self._values = np.zeros(256, "uint8" if fits_byte else "int32")
        self._values[: len(classes)] = classes.values

        def class_map(name: str, title: str) -> list[RasterSpool]:
            colors = "".join(f"{one.value} {one.color}\n" for one in classes)
            labels = {one.value: one.label for one in classes}
            dtype = self._values.dtype.name
            return [RasterSpool(name, dtype, title, colors, labels)] if name else []

        def shares(name: str, title: str, colors: str = PROBABILITY_COLORS) -> list[RasterSpool]:
            return [RasterSpool(name, "float32", title, colors)] if name else []

        self._confidence = shares(confidence, "Highest class probability")
        if vector and not confidence:
            self._confidence = shares(UNASKED_CONFIDENCE, "")
            self._confidence[0].kept = False
        self._uncertainty = shares(uncertainty, "Normalised entropy of the class probabilities")
        self._disagreement = shares(disagreement, "Mutual information between the members")
        self._novelty = shares(novelty, "Distance from the training", NOVELTY_COLORS)
        self._probabilities = [
            spool
            for one in classes
            for spool in shares(f"{probabilities}_{one.value}", f"Probability of {one.label}")
            if probabilities
        ]
        self.figures = {
            "with_confidence": bool(self._confidence),
            "with_uncertainty": bool(uncertainty),
            "with_disagreement": bool(disagreement),
            "with_novelty": bool(novelty),
        }
        self._by_segment = class_map(by_segment, "Classification of segments")
        self._objects = [RasterSpool(objects, "int32", "Objects", "")] if objects else []
        self._classes = class_map(output, "Classification")
        # The class map comes last: where it is, all are.
        sure = [*self._confidence, *self._uncertainty, *self._disagreement, *self._novelty]
        self._by_cell = [*self._probabilities, *sure, *self._classes]
        self._at_once = [*self._by_segment, *self._objects]
        self._all = [*self._at_once, *self._by_cell]
        check_output_rasters([spool.name for spool in self._all if spool.kept], unfinished)
        kind = ObjectAreas if objects else ClassAreas
        drawn = TEMPORARY_PREFIX, classes, minsize, outlines
        self._areas = kind(vector, *drawn) if vector else None
        if self._areas:
            self._areas.check(unfinished)

    @classmethod
    def from_options(
        cls,
        options: Mapping[str, str],
        classes: ClassScheme,
        minsize: int,
        unfinished: bool,
        outlines: Outlines,
    ) -> ClassificationMaps:
        """The maps that the options of i.dl.predict name.

        Without group and input, probabilities are not written but read.

        Args:
            options: Of the module.
            classes: The classes.
            minsize: See `ClassificationMaps`.
            unfinished: See `ClassificationMaps`.
            outlines: See `ClassificationMaps`.
        """
        computed = options["group"] or options["input"]
        return cls(
            options["output"],
            classes,
            confidence=options["confidence"],
            uncertainty=options["uncertainty"],
            probabilities=options["probabilities"] if computed else "",
            by_segment=options["segment_output"],
            vector=options["vector"],
            minsize=minsize,
            unfinished=unfinished,
            disagreement=options["disagreement"],
            novelty=options["novelty"],
            objects=options["objects"],
            outlines=outlines,
        )

    @property
    def names(self) -> list[str]:
        """Names of all maps that stay."""
        rasters = [spool.name for spool in self._all if spool.kept]
        return [*rasters, *([self._areas.name] if self._areas else [])]

    def check_inputs(self, inputs: Iterable[str]) -> None:
        """Refuse to replace a map that is read.

        Args:
            inputs: Fully qualified names of the maps that are read.

        Raises:
            ValueError: One of the outputs is one of them.
        """
        check_not_read([spool.name for spool in self._all], inputs)

    def open(self, folder: Path, rows: int, region: Region) -> None:
        """Begin to collect rows in a folder, after those that an earlier run finished there.

        Args:
            folder: The folder.
            rows: Rows that were finished.
            region: The region, whose other rows will follow.

        Raises:
            ValueError: The folder does not hold these rows, or the disk cannot hold the others.
        """
        cell_bytes = sum(np.dtype(spool.dtype).itemsize for spool in self._all)
        cell_bytes += SEGMENT_BYTES if self._by_segment else 0
        cell_bytes += OBJECT_BYTES if self._objects else 0
        left = (region.rows - rows) * region.cols
        check_disk(folder, left * cell_bytes, f"the output of {region.size}")
        for spool in self._by_cell:
            spool.open(folder, rows, region.cols)
        # They are written at one go, when all rows are finished.
        for spool in self._at_once:
            spool.open(folder, 0, region.cols)

    def write(self, band: Any) -> None:
        """Append a `grassdl.predict.decision.RowBand`; then it is on disk."""
        for spool in self._classes:
            spool.write(self._values[band.index], band.unclassified)
        for spool in self._confidence:
            spool.write(band.confidence, band.null)
        for spool in self._uncertainty:
            spool.write(band.uncertainty, band.null)
        for spool in self._disagreement:
            spool.write(band.disagreement, band.null)
        for spool in self._novelty:
            spool.write(band.novelty, band.null)
        for place, spool in enumerate(self._probabilities):
            spool.write(band.probabilities[..., place], band.null)
        for spool in self._by_cell:
            spool.sync()

    def close(self) -> None:
        """Close the files."""
        for spool in self._all:
            # What could not be written has been told.
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
        """Turn what was collected into maps, which get their names when all of them are whole.

        Args:
            region: Extent and grid.
            support: Description and sources of all maps, as `RasterSpool.make_map` takes them.
            by_segment: What the map by segment is made of from north to south: class index (rows,
                cols), and cells without class.
            objects: A `grassdl.predict.objects.finder.FoundObjects`, if objects are wanted.
            beside: Are called in other threads while maps are made.
            before_naming: Are called when all are whole, before the first gets its name.
        """
        remove_debris(TEMPORARY_PREFIX)
        # r.support cuts long lines, and r.info joins them to what they were with all their blanks.
        wrapped = textwrap.TextWrapper(70, break_on_hyphens=False, drop_whitespace=False)
        history = [line for one in self._history() for line in wrapped.wrap(f"{one} ")]
        left = self._all
        rows_of: dict[str, Iterable[tuple[np.ndarray, np.ndarray]]] = {
            **{
                spool.name: ((self._values[index], null) for index, null in by_segment)
                for spool in self._by_segment
            },
            **{
                spool.name: ((numbers, numbers == 0) for numbers in objects.rows)
                for spool in self._objects
            },
        }
        values = self._values[objects.classes] if objects else np.zeros(1, np.int64)
        try:
            make = partial(self._make_map, rows_of, region, support, history)
            side_by_side([*(partial(make, spool) for spool in self._all), *beside])
            with self._areas_made(support["source1"], values):
                for call in before_naming:
                    call()
                if self._areas:
                    self._areas.rename()
                kept = [spool for spool in self._all if spool.kept]
                pairs = [name for spool in kept for name in (spool.temporary_name, spool.name)]
                # Names were checked at the start; one that exists now may be replaced.
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

    @contextmanager
    def _areas_made(self, model: str, of_objects: np.ndarray) -> Iterator[None]:
        """Make the vector map, if it is asked for, of the raster maps under temporary names.

        Args:
            model: Name of the model.
            of_objects: Class value of each object.
        """
        if self._areas is None:
            yield
            return
        if isinstance(self._areas, ObjectAreas):
            self._areas.objects = self._objects[0].temporary_name
            self._areas.values = of_objects
        maps = self._classes[0].temporary_name, self._confidence[0].temporary_name
        with self._areas.made(*maps, f"{self._areas.TITLE} by {model}", self._history()):
            yield


def checkpoint_folder(options: Mapping[str, str]) -> Path:
    """Where a run writes its finished rows, named after the first output that it has.

    In the mapset, so that other mapsets' runs are apart, and hidden: GRASS clears only .tmp.
    """
    keys = ("output", "segment_output", "segment_vector", "segments")
    name = next(options[key] for key in keys if options[key])
    return mapset_folder(current_mapset()) / CHECKPOINTS_FOLDER / name
