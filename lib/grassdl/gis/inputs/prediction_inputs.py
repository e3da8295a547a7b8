# SPDX-License-Identifier: GPL-2.0-or-later
"""The inputs of i.dl.predict: the bands of a model, or class probabilities of an earlier run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager

import numpy as np

from ...core.bands import Band, number_of_dates
from ...core.dates import days_of, of_date
from ..raster.fingerprints import input_stamps
from ..raster.info import probability_maps
from ..raster.probabilities import ProbabilityRows
from ..raster.region import Region
from .bands import (
    BandStack,
    bands_for_model,
    described,
    dtype_of,
    frame_of,
    open_bands,
    sources_of,
)
from .series import maps_by_date

Cells = tuple[int, int, int, int]


class ModelBands:
    """The bands that a model expects, from the maps that the options name.

    Args:
        options: Of the module.
        expected: The model's bands.
        region: The region.

    Attributes:
        region: The region.
        sources: Fully qualified names of the maps.
        names: Names of the bands.
        dtype: The type of their values.
        frame: The extent that the maps share, as `bands.frame_of` gives it.

    Raises:
        ValueError: The maps do not fit the model, or have no cell in common.
    """

    def __init__(self, options: Mapping[str, str], expected: Sequence[Band], region: Region):
        self._options = options
        self._bands = bands_for_model(maps_by_date(options), expected, region)
        self.region = region
        self.sources = sources_of(self._bands)
        self.names = [one.label for one in self._bands]
        self.dtype: np.dtype = dtype_of(self._bands)
        self.frame = frame_of(self._bands, region)

    @property
    def imagery(self) -> list[list[str]]:
        """Names of the maps of plain bands, of a series by date; of all maps if the model has
        derived bands only."""
        plain = [one for one in self._bands if one.derivation is None]
        if days_of(self._bands):
            return [
                sources_of(of_date(plain, date)) for date in range(number_of_dates(self._bands))
            ]
        return [sources_of(plain or self._bands)]

    def fingerprint(self) -> dict[str, str]:
        """A text for each map, for the mask and the region, that changes with their cells."""
        stamps = input_stamps(self._options, self.sources, self.region)
        return {**stamps, "the bands": described(self._bands)}

    def open(self, cells: Cells | None) -> AbstractContextManager[BandStack]:
        """The bands in a window of the region, which this process uses from now on.

        Args:
            cells: First row, rows, first column and columns of the window, counted from the
                region's upper left cell; None for the region.
        """
        window = self.region.window(*cells) if cells else self.region
        window.use()
        return open_bands(self._bands, window)


class StoredProbabilities:
    """The maps PREFIX_VALUE that an earlier run wrote.

    Args:
        options: Of the module.
        values: Class values in the order of the classes.
        region: The region.

    Attributes:
        region: The region.
        sources: Fully qualified names of the maps.

    Raises:
        ValueError: One of the maps is missing.
    """

    def __init__(self, options: Mapping[str, str], values: Iterable[int], region: Region):
        self._options = options
        self._values = list(values)
        self.region = region
        self.sources = probability_maps(options["probabilities"], self._values)

    def fingerprint(self) -> dict[str, str]:
        """See `ModelBands.fingerprint`."""
        return input_stamps(self._options, self.sources, self.region)

    @contextmanager
    def open(self, cells: Cells | None) -> Iterator[ProbabilityRows]:
        """The probabilities in a window; see `ModelBands.open`."""
        window = self.region.window(*cells) if cells else self.region
        window.use()
        with closing(ProbabilityRows(self._options["probabilities"], self._values)) as rows:
            yield rows
