# SPDX-License-Identifier: GPL-2.0-or-later
"""Raster maps out of row bands: collected in a file each, and made maps when all are whole."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import grass.script as gs
import numpy as np

from ..classes import ClassScheme
from .messages import command_line
from .region import Region
from .session import run_module
from .temporary import remove_debris, remove_maps

TEMPORARY_PREFIX = "i_dl_predict_tmp"

PROBABILITY_COLORS = "0 68:1:84\n0.25 59:82:139\n0.5 33:145:140\n0.75 94:201:98\n1 253:231:37\n"
"""Viridis, which reads the same in print and to colour-blind readers."""


@dataclass
class RasterSpool:
    """Rows of a raster map to be, in a scratch file.

    Attributes:
        name: Name of the map in the current mapset.
        dtype: int32 or float32.
        support: Title, description and sources as `r.support` takes them.
        colors: Rules as `r.colors` takes them.
        labels: Category labels by value.
    """

    NULL: ClassVar[int] = -(2**31)

    name: str
    dtype: str
    support: dict[str, str]
    colors: str
    labels: dict[int, str] = field(default_factory=dict)

    def open(self, folder: Path) -> None:
        """Open the scratch file."""
        self._path = folder / f"{self.name}.bin"
        self._file = self._path.open("wb")

    def write(self, values: np.ndarray, null: np.ndarray) -> None:
        """Append rows (rows, cols); cells where `null` become NULL."""
        missing = self.NULL if self.dtype == "int32" else np.nan
        rows = np.where(null, missing, values).astype(np.dtype(self.dtype).newbyteorder("<"))
        self._file.write(rows.data)

    def close(self) -> None:
        """Close the scratch file, with all rows on disk."""
        self._file.close()

    @property
    def temporary_name(self) -> str:
        """Name of the map until all maps are whole."""
        return f"{TEMPORARY_PREFIX}_{os.getpid()}_{self.name}"

    def make_map(self, region: Region) -> None:
        """Import the rows under the temporary name, with title, history, colours, categories."""
        run_module(
            "r.in.bin",
            flags="s" if self.dtype == "int32" else "f",
            input=str(self._path),
            output=self.temporary_name,
            bytes=4,
            order="little",
            north=repr(region.north),
            south=repr(region.south),
            east=repr(region.east),
            west=repr(region.west),
            rows=region.rows,
            cols=region.cols,
            anull=self.NULL,
        )
        self._path.unlink()
        self._describe(self.temporary_name)

    def _describe(self, name: str) -> None:
        if self.labels:
            rules = "".join(f"{value}\t{label}\n" for value, label in self.labels.items())
            run_module("r.category", stdin=rules, map=name, rules="-", separator="tab")
        run_module("r.colors", stdin=self.colors, map=name, rules="-")
        history = Path(gs.tempfile())
        # r.support takes the lines as they are, and cuts long ones.
        lines = textwrap.wrap(command_line(), 70, break_on_hyphens=False)
        history.write_text("\n".join(lines) + "\n", encoding="utf-8")
        run_module("r.support", map=name, loadhistory=str(history))
        history.unlink()
        run_module("r.support", map=name, **self.support)


class ClassificationMaps:
    """The maps of one classification: classes, by cell or segment, and how sure they are.

    Args:
        output: Name of the class map, or "".
        classes: The classes.
        confidence: Name of the map of the highest probability, or "".
        uncertainty: Name of the map of the normalised entropy of the probabilities, or "".
        probabilities: Prefix of the maps of every class's probability, or "".
        support: Description and sources of all maps as `r.support` takes them; source1 names the
            model.
        by_segment: Name of the map of classes by segment, or "".

    Raises:
        ValueError: One of the names cannot be written.
    """

    def __init__(
        self,
        output: str,
        classes: ClassScheme,
        confidence: str,
        uncertainty: str,
        probabilities: str,
        support: dict[str, str],
        by_segment: str = "",
    ):
        self.with_uncertainty = bool(uncertainty)
        self.with_probabilities = bool(probabilities)
        self._values = classes.values
        model = support["source1"]

        def class_map(name: str, title: str) -> list[RasterSpool]:
            described = {"title": f"{title} by {model}", **support}
            colors = "".join(f"{one.value} {one.color}\n" for one in classes)
            labels = {one.value: one.label for one in classes}
            return [RasterSpool(name, "int32", described, colors, labels)] if name else []

        def shares(name: str, title: str) -> RasterSpool:
            return RasterSpool(
                name, "float32", {"title": f"{title} by {model}", **support}, PROBABILITY_COLORS
            )

        self._confidence = [shares(confidence, "Highest class probability")] if confidence else []
        self._uncertainty = (
            [shares(uncertainty, "Normalised entropy of the class probabilities")]
            if uncertainty
            else []
        )
        self._probabilities = [
            shares(f"{probabilities}_{one.value}", f"Probability of {one.label}")
            for one in classes
            if probabilities
        ]
        self._by_segment = class_map(by_segment, "Classification of segments")
        self._classes = class_map(output, "Classification")
        # The class map comes last: where it is, all are.
        self._all = [
            *self._probabilities,
            *self._confidence,
            *self._uncertainty,
            *self._by_segment,
            *self._classes,
        ]
        check_output_rasters(self.names)

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], classes: ClassScheme, support: dict[str, str]
    ) -> ClassificationMaps:
        """The maps that output, confidence, uncertainty, probabilities and segment_output name.

        Without group and input, probabilities are not written but read.

        Args:
            options: Of the module.
            classes: The classes.
            support: Sources, see `ClassificationMaps`.
        """
        computed = options["group"] or options["input"]
        return cls(
            options["output"],
            classes,
            options["confidence"],
            options["uncertainty"],
            options["probabilities"] if computed else "",
            {"description": "generated by i.dl.predict", **support},
            options["segment_output"],
        )

    @property
    def names(self) -> list[str]:
        """Names of all maps."""
        return [spool.name for spool in self._all]

    def check_inputs(self, inputs: Iterable[str]) -> None:
        """Refuse to replace a map that is read.

        Args:
            inputs: Fully qualified names of the maps that are read.

        Raises:
            ValueError: One of the outputs is one of them.
        """
        mapset = gs.gisenv()["MAPSET"]
        for spool in self._all:
            if f"{spool.name}@{mapset}" in inputs:
                raise ValueError(f"Output <{spool.name}> is also an input: choose another name")

    def open(self, folder: Path) -> None:
        """Begin to collect rows in a scratch folder."""
        for spool in self._all:
            spool.open(folder)

    def write(
        self,
        null: np.ndarray,
        unclassified: np.ndarray,
        index: np.ndarray,
        confidence: np.ndarray,
        uncertainty: np.ndarray | None,
        probabilities: np.ndarray | None,
    ) -> None:
        """Append rows as `grassdl.predict.decision.RowBand` holds them."""
        for spool in self._classes:
            spool.write(self._values[index], unclassified)
        for spool in self._confidence:
            spool.write(confidence, null)
        for spool in self._uncertainty:
            spool.write(uncertainty, null)
        for place, spool in enumerate(self._probabilities):
            spool.write(probabilities[..., place], null)

    def write_by_segment(self, row_bands: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
        """Write the map by segment, if it is wanted.

        Args:
            row_bands: Class index (rows, cols), and cells without class.
        """
        for spool in self._by_segment:
            for index, null in row_bands:
                # Cells without class have no index either.
                spool.write(self._values[np.where(null, 0, index)], null)

    def make_maps(self, region: Region) -> None:
        """Turn what was collected into maps, which get their names when all of them are whole."""
        for spool in self._all:
            spool.close()
        remove_debris(TEMPORARY_PREFIX)
        try:
            for spool in self._all:
                spool.make_map(region)
            pairs = [name for spool in self._all for name in (spool.temporary_name, spool.name)]
            run_module("g.rename", raster=",".join(pairs))
        finally:
            remove_maps([spool.temporary_name for spool in self._all])


def check_output_rasters(names: Sequence[str]) -> None:
    """Refuse illegal names, and existing maps without --overwrite.

    Raises:
        ValueError: One of the names cannot be written.
    """
    mapset = gs.gisenv()["MAPSET"]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Two outputs would have the name <{name}>")
        if not gs.legal_name(name):
            raise ValueError(f"<{name}> is no legal name of a raster map")
        if gs.find_file(name, element="cell", mapset=mapset)["file"] and not gs.overwrite():
            raise ValueError(f"Raster map <{name}> exists: choose another name or use --overwrite")
