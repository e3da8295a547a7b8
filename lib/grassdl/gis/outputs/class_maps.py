# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps of a classification."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...core.bands import names_imagery
from ...core.classes import ClassScheme
from ...core.outlines import AS_CELLS, Outlines
from ..vector.class_areas import ClassAreas
from ..vector.object_areas import ObjectAreas
from .output_maps import TEMPORARY_PREFIX, OutputMaps, RasterSpool, novelty_spool

UNASKED_CONFIDENCE = ".confidence"
"""Suffix of the name of the temporary confidence map of the areas; because of the dot, no output
can have this name."""

PROBABILITY_COLORS = "0 68:1:84\n0.25 59:82:139\n0.5 33:145:140\n0.75 94:201:98\n1 253:231:37\n"
"""Viridis, whose order is preserved in greyscale print and for colour-blind readers."""


def _values_by_index(classes: ClassScheme) -> np.ndarray:
    """The value of each class by its index, in the smallest type that has a NULL beside them."""
    fits_byte = max(classes.values) < RasterSpool.NULL["uint8"]
    # Codes of cells without class may be among the indices.
    values = np.zeros(256, "uint8" if fits_byte else "int32")
    values[: len(classes)] = classes.values
    return values


class ClassificationMaps(OutputMaps):
    """The maps of one classification: classes, by cell or segment, and their certainty.

    Args:
        output: Name of the class map, or "".
        classes: The classes.
        confidence: Name of the map of the highest probability, or "".
        uncertainty: Name of the map of the normalised entropy of the probabilities, or "".
        probabilities: Prefix of the maps of every class's probability, or "".
        by_segment: Name of the map of classes by segment, or "".
        vector: Name of the vector map of areas of the class map, or "".
        minsize: Least number of cells of these areas.
        unfinished: Whether an earlier run may have begun to name these maps: then they may exist.
        disagreement: Name of the map of the members' disagreement, or "".
        novelty: Name of the map of the novelty of cells, or "".
        objects: Name of the map of objects, or "". The areas of the vector map are these then.
        outlines: How the areas of the vector map are drawn.

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
        self.with_probabilities = bool(probabilities)
        self._values = _values_by_index(classes)

        def class_map(name: str, title: str) -> list[RasterSpool]:
            colors = "".join(f"{one.value} {one.color}\n" for one in classes)
            labels = {one.value: one.label for one in classes}
            dtype = self._values.dtype.name
            return [RasterSpool(name, dtype, title, colors, labels)] if name else []

        def shares(name: str, title: str) -> list[RasterSpool]:
            return [RasterSpool(name, "float32", title, PROBABILITY_COLORS)] if name else []

        self._confidence = shares(confidence, "Highest class probability")
        if vector and not confidence:
            self._confidence = shares(UNASKED_CONFIDENCE, "")
            self._confidence[0].kept = False
        self._uncertainty = shares(uncertainty, "Normalised entropy of the class probabilities")
        self._disagreement = shares(disagreement, "Mutual information between the members")
        self._novelty = [novelty_spool(novelty)] if novelty else []
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
        self._classes = class_map(output, "Classification")
        # The class map comes last: if it exists, all do.
        sure = [*self._confidence, *self._uncertainty, *self._disagreement, *self._novelty]
        by_cell = [*self._probabilities, *sure, *self._classes]
        by_segments = class_map(by_segment, "Classification of segments")
        numbered = [RasterSpool(objects, "int32", "Objects", "")] if objects else []
        super().__init__(by_segments, by_cell, unfinished, numbered)
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

        Without imagery, probabilities are not written but read.

        Args:
            options: Of the module.
            classes: The classes.
            minsize: See `ClassificationMaps`.
            unfinished: See `ClassificationMaps`.
            outlines: See `ClassificationMaps`.
        """
        computed = names_imagery(options)
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

    def layers(self, band: Any) -> Iterator[tuple[RasterSpool, np.ndarray, np.ndarray]]:
        """See `OutputMaps.layers`; a band is a `grassdl.predict.decision.RowBand`."""
        for spool in self._classes:
            yield spool, self._values[band.index], band.unclassified
        for spool in self._confidence:
            yield spool, band.confidence, band.null
        for spool in self._uncertainty:
            yield spool, band.uncertainty, band.null
        for spool in self._disagreement:
            yield spool, band.disagreement, band.null
        for spool in self._novelty:
            yield spool, band.novelty, band.null
        for place, spool in enumerate(self._probabilities):
            yield spool, band.probabilities[..., place], band.null

    def _of_segments(self, rows: np.ndarray) -> np.ndarray:
        return self._values[rows]

    @property
    def names(self) -> list[str]:
        """Names of all final maps."""
        return [*super().names, *([self._areas.name] if self._areas else [])]

    @contextmanager
    def _further_made(self, model: str, objects: Any) -> Iterator[Callable[[], None]]:
        """Make the vector map, if it is wanted."""
        if self._areas is None:
            yield lambda: None
            return
        if isinstance(self._areas, ObjectAreas):
            self._areas.objects = self._objects[0].temporary_name
            self._areas.values = self._values[objects.classes]
        maps = self._classes[0].temporary_name, self._confidence[0].temporary_name
        with self._areas.made(*maps, f"{self._areas.TITLE} by {model}", self._history()):
            yield self._areas.rename
