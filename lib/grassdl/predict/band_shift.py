# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds bands whose values in the region differ from those of the training, before the start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.band_statistics import BandStatistics
from ..core.bands import OBSERVED, Band, number_of_dates
from ..core.dates import present_cells, shared_statistics
from ..core.readers import RowReader
from ..core.stability_index import population_stability
from ..model.card import ModelCard
from .tiling.axis import Axis

BOUND = 0.25
"""Population stability index above which a band is reported, the bound of a significant shift in
credit scoring (Siddiqi 2006). In a normal band it is a shift of the mean by half a deviation."""

SAMPLED_ROWS = 100
"""Rows that are sampled."""

SAMPLED_CELLS = 200_000
"""Cells of these rows that are sampled."""

FEWEST_CELLS = 1000
"""Fewest cells with data: a smaller region has few fields or roofs, whose mixture differs from the
training's by chance."""

MOST_TOLD = 8
"""Most bands that are listed."""


def shifted_bands(
    reader: RowReader,
    names: Sequence[str],
    card: ModelCard,
    rows: Axis,
    cols: Axis,
    adjusted: bool = False,
) -> list[str]:
    """Sentences about bands that differ from those of the training, if there are any.

    Args:
        reader: The bands of the cells `rows.input` by `cols.input`, as the network takes them.
        names: Their names.
        card: Card of the model; without histograms there are no sentences.
        rows, cols: The tiling, as `tiling.axis` plans it.
        adjusted: Whether the bands already have the training's mean and deviation.
    """
    references = card.band_histograms
    if not references or not all(one.counts.any() for one in references):
        return []
    values = _sample(reader, rows, cols)
    if len(values) < FEWEST_CELLS:
        return []
    by_band = _by_band(values, card)
    index = [
        population_stability(*pair) if _is_compared(band, pair[1]) else 0.0
        for band, pair in zip(card.bands, zip(references, by_band, strict=True), strict=True)
    ]
    shifted = [place for place, one in enumerate(index) if one > BOUND]
    both = ", all dates together" if number_of_dates(card.bands) > 1 else ""
    lines = [
        f"Band {names[place]} is unlike the training: population stability index "
        f"{index[place]:.2f}, above {BOUND:g}; mean {by_band[place].mean():.4g} and deviation "
        f"{by_band[place].std():.4g} in the region, {card.mean[place]:.4g} and "
        f"{card.deviation[place]:.4g} in the training{both}"
        for place in sorted(shifted, key=index.__getitem__, reverse=True)[:MOST_TOLD]
    ]
    if len(shifted) > MOST_TOLD:
        lines.append(f"So are {len(shifted) - MOST_TOLD} further bands")
    like_it = set() if adjusted else _helped(by_band, card, shifted)
    helped = [names[place] for place in shifted if place in like_it]
    if helped:
        lines.append(
            "normalization=maps gives the training's mean and deviation to the bands, with which "
            f"{len(helped)} of these {len(shifted)} would be like the training: "
            f"{', '.join(helped[:MOST_TOLD])}"
        )
    return lines


def _sample(reader: RowReader, rows: Axis, cols: Axis) -> np.ndarray:
    """Values (n, bands) of cells with data in rows of the output, evenly spaced."""
    inside = rows.wanted.relative_to(rows.input.start)
    number = min(SAMPLED_ROWS, inside.stop - inside.start)
    chosen = np.linspace(inside.start, inside.stop - 1, number).round().astype(int).tolist()
    across = cols.wanted.relative_to(cols.input.start)
    step = max(1, number * (across.stop - across.start) // SAMPLED_CELLS)
    across = slice(across.start, across.stop, step)
    parts = []
    for row in chosen:
        values, null = reader.read(row, 1)
        parts.append(values[:, across][~null[:, across]])
    return np.concatenate(parts)


def _by_band(values: np.ndarray, card: ModelCard) -> list[np.ndarray]:
    """Values (cells,) of each band, from those of cells with data (n, bands); of a series where
    its date is not missing."""
    runs = present_cells(card.bands, values, np.ones(len(values), bool))
    wide = values.astype(np.float64)
    return [band for run, there in runs for band in wide[there][:, run].T]


def _is_compared(band: Band, values: np.ndarray) -> bool:
    """Whether a band has enough cells to be compared."""
    return band.derivation != OBSERVED and len(values) >= FEWEST_CELLS


def _helped(by_band: Sequence[np.ndarray], card: ModelCard, shifted: Sequence[int]) -> set[int]:
    """Those indices of shifted bands (n,) that are like the training once matched to its mean and
    deviation, all dates of a band together."""
    if not shifted:
        return set()
    own = shared_statistics(card.bands, [BandStatistics.of(band) for band in by_band])
    return {
        place
        for place in shifted
        if population_stability(
            card.band_histograms[place], _adjusted(by_band[place], own[place], card, place)
        )
        <= BOUND
    }


def _adjusted(band: np.ndarray, own: BandStatistics, card: ModelCard, place: int) -> np.ndarray:
    """Values of a band matched to the training's mean and deviation."""
    scale = card.deviation[place] / (own.deviation or 1.0)
    return (band - own.mean) * scale + card.mean[place]
