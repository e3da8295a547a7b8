# SPDX-License-Identifier: GPL-2.0-or-later
"""The areas of a class map as a vector map, with class and confidence in its table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import grass.script as gs
import numpy as np

from ...core import sieve
from ...core.classes import ClassScheme
from ...core.outlines import AS_CELLS, Outlines
from ...core.text import within_bytes
from ..raster.info import STRIP_CELLS
from ..raster.rows import SourceRows
from ..session.modules import run_module
from ..session.output_names import LONGEST_TITLE, check_vector_output
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from .outlines import redraw


@dataclass
class ClassAreas:
    """Areas of cells of one class that share edges, as a vector map that is not yet made.

    Attributes:
        name: Name of the map in the current mapset.
        prefix: Prefix of the names of temporary maps.
        classes: The classes.
        minsize: Least number of cells of an area, unless it has no neighbour.
        outlines: How outlines are drawn.
    """

    TITLE: ClassVar[str] = "Areas of the classification"

    name: str
    prefix: str
    classes: ClassScheme
    minsize: int
    outlines: Outlines = AS_CELLS

    def check(self, unfinished: bool = False) -> None:
        """Refuse a name that cannot be written.

        Args:
            unfinished: Whether a map may have it, made by the run that is resumed.

        Raises:
            ValueError: It is illegal, or a map has it and may not be overwritten.
        """
        check_vector_output(self.name, unfinished or gs.overwrite())

    @property
    def temporary_name(self) -> str:
        """Name of the map until all maps are complete."""
        return temporary_name(self.prefix, f"_{self.name}")

    @contextmanager
    def made(
        self, class_map: str, confidence_map: str, title: str, history: list[str]
    ) -> Iterator[None]:
        """Make the map under its temporary name; a map of this name is removed when the block ends.

        Args:
            class_map: Raster map of classes.
            confidence_map: Raster map of highest probabilities on the same grid, not NULL where
                there is a class.
            title: Title of the map.
            history: Lines of the map's history.
        """
        remove_debris(self.prefix, "vector")
        # The region of this process extends beyond the maps that are made.
        environment = {**os.environ, "GRASS_REGION": gs.region_env(raster=class_map)}
        name, redrawn = self.temporary_name, self.outlines != AS_CELLS
        raw = temporary_name(self.prefix, "outlines") if redrawn else name
        try:
            with self._numbered(class_map, confidence_map, environment) as (source, table):
                run_module(
                    "r.to.vect", flags="vt", input=source, output=raw, type="area", env=environment
                )
            if redrawn:
                grid = gs.raster_info(class_map)
                cell = max(grid["nsres"], grid["ewres"])
                redraw(raw, name, self.prefix, self.outlines, table.values, cell)
            self._attach(table)
            self._describe(title, history)
            yield
        finally:
            remove_maps([name, raw], "vector")

    @contextmanager
    def _numbered(
        self, class_map: str, confidence_map: str, environment: dict[str, str]
    ) -> Iterator[tuple[str, AreaTable]]:
        """A raster map of the areas' numbers, until the block ends, and the table of the areas."""
        # Without an underscore before the word these are no temporary names of outputs.
        clumps = temporary_name(self.prefix, "clumps")
        areas = temporary_name(self.prefix, "areas")
        try:
            run_module("r.clump", input=class_map, output=clumps, env=environment)
            table = AreaTable.of(clumps, class_map, confidence_map)
            if self.minsize > 1:
                kept, numbers = np.unique(self._owners(clumps, table), return_inverse=True)
                table = table.joined(kept, numbers)
                rules = "".join(f"{one} = {new}\n" for one, new in enumerate(numbers) if one)
                run_module(
                    "r.reclass", stdin=rules, input=clumps, output=areas, rules="-",
                    env=environment,
                )  # fmt: skip
            yield (areas if self.minsize > 1 else clumps), table
        finally:
            # A reclassified map must be removed before its source.
            remove_maps([areas])
            remove_maps([clumps])

    def rename(self) -> None:
        """Give the map its name."""
        # The name was checked at the start; an existing map of this name may be replaced.
        run_module("g.rename", vector=f"{self.temporary_name},{self.name}", overwrite=True)

    def _owners(self, clumps: str, table: AreaTable) -> np.ndarray:
        """The area that every area is merged into."""
        small = table.cells < self.minsize
        pairs = [sieve.touching(strip, small) for strip, *_ in _strips([clumps], overlap=1)]
        neighbours = np.unique(np.concatenate(pairs), axis=0)
        return sieve.merged(table.cells, table.values, neighbours, self.minsize)

    def _columns(self, table: AreaTable) -> dict[str, tuple[str, list[str]]]:
        """The columns of the attribute table: type and the values of all areas, in SQL."""
        label = {one.value: one.label.replace("'", "''") for one in self.classes}
        width = max(1, *(len(one.label.encode()) for one in self.classes))
        values = table.values[1:].tolist()
        return {
            "value": ("INTEGER", [str(one) for one in values]),
            "label": (f"VARCHAR({width})", [f"'{label[one]}'" for one in values]),
            "confidence": (
                "DOUBLE PRECISION",
                [f"{one:.7g}" for one in table.confidence[1:].tolist()],
            ),
        }

    def _attach(self, table: AreaTable) -> None:
        """Make the attribute table, in one transaction if the database supports it."""
        name, columns = self.temporary_name, self._columns(table)
        run_module("db.connect", flags="c")
        driver = gs.db_connection()["driver"]
        key = "INTEGER" if driver == "dbf" else "INTEGER PRIMARY KEY"
        types = "".join(f", {one} {kind}" for one, (kind, _) in columns.items())
        rows = zip(*(values for _, values in columns.values()), strict=True)
        lines = [f"CREATE TABLE {name} (cat {key}{types})"]
        lines += [
            f"INSERT INTO {name} VALUES ({area}, {', '.join(row)})"
            for area, row in enumerate(rows, start=1)
        ]
        if driver in ("sqlite", "pg"):
            lines = ["BEGIN TRANSACTION", *lines, "COMMIT"]
        statements = Path(gs.tempfile())
        try:
            statements.write_text(";\n".join(lines) + ";\n", encoding="utf-8")
            run_module("db.execute", input=str(statements))
        finally:
            statements.unlink()
        run_module("v.db.connect", map=name, table=name, key="cat", layer=1)

    def _describe(self, title: str, history: list[str]) -> None:
        colors = "".join(f"{one.value} {one.color}\n" for one in self.classes)
        run_module(
            "v.colors", stdin=colors, map=self.temporary_name, use="attr", column="value",
            rules="-",
        )  # fmt: skip
        run_module(
            "v.support",
            flags="h",
            map=self.temporary_name,
            map_name=within_bytes(title, LONGEST_TITLE),
            cmdhist="\n".join(history),
        )


@dataclass(frozen=True)
class AreaTable:
    """Properties of areas, by their number from 1; the first element is for no area.

    Attributes:
        cells: Number of cells, int64.
        values: Class value.
        total: Sum of the highest probabilities of the cells.
    """

    cells: np.ndarray
    values: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, areas: str, class_map: str, confidence_map: str) -> AreaTable:
        """Read raster maps of areas, classes and highest probabilities once."""
        # A map that is NULL throughout has none.
        number = int(gs.raster_info(areas)["max"] or 0)
        table = cls(*(np.zeros(number + 1, dtype) for dtype in (np.int64, np.int64, np.float64)))
        for numbers, values, confidence in _strips([areas, class_map, confidence_map]):
            known = numbers > 0
            found = numbers[known]
            table.cells[:] += np.bincount(found, minlength=number + 1)
            table.total[:] += np.bincount(found, confidence[known], minlength=number + 1)
            table.values[found] = values[known].astype(np.int64)
        return table

    @property
    def confidence(self) -> np.ndarray:
        """Mean of the highest probabilities of the cells."""
        return self.total / np.maximum(self.cells, 1)

    def joined(self, kept: np.ndarray, numbers: np.ndarray) -> AreaTable:
        """The table of areas after merging others into them.

        Args:
            kept: The remaining areas in the order of their new numbers, the first for none.
            numbers: New number of every area.
        """
        cells = np.bincount(numbers, self.cells).astype(np.int64)
        return AreaTable(cells, self.values[kept], np.bincount(numbers, self.total))


def _strips(rasters: list[str], overlap: int = 0) -> Iterator[list[np.ndarray]]:
    """Strips of rows of maps of one grid, the first map as areas: int64, 0 where NULL.

    Args:
        rasters: Their names.
        overlap: Rows of a strip that are repeated in the next one.
    """
    opened = [SourceRows(name) for name in rasters]
    step = max(1, STRIP_CELLS // opened[0].cols)
    for row in range(0, opened[0].rows, step):
        rows = min(step + overlap, opened[0].rows - row)
        first, *others = (one.read(row, rows) for one in opened)
        yield [np.nan_to_num(first).astype(np.int64), *others]
