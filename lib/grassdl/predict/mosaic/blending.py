# SPDX-License-Identifier: GPL-2.0-or-later
"""Blended tiling: tiles overlap by half, and their probabilities fade into each other.

Each tile is weighted by a Hann window (Blackman and Tukey 1958): most in its middle, least at its
edges, where it has least context. Probabilities and features are averaged, never labels.
"""

from __future__ import annotations

import numpy as np

from ...core.readers import zero_layers
from ..cell_decision import CellBand, CellDecision, RowBands
from ..tiling.axis import Axis, Span
from .windows import Tile, Windows


def blended_bands(windows: Windows, decision: CellDecision, first: int, end: int) -> RowBands:
    """Compute the rows of the output within the frame.

    Memory holds the results of one row of tiles, however many there are. Half of its rows
    are from the step before, which is computed, too, where `first` is not 0.

    Args:
        windows: A tiling by `axis.plan_blended_axis`.
        decision: Turns results into row bands.
        first, end: Number of the first step whose rows are wanted, and of the one after the last.

    Yields:
        Row bands of half a tile's height.
    """
    rows, cols = windows.rows, windows.cols
    skipped = rows.cores[first - 1] if first else None
    height = len(rows.cores[0].core)
    blended = zero_layers((height, len(cols.wanted), decision.layers), np.float32)
    down, across = (dict(zip(axis.cores, _weights(axis), strict=True)) for axis in (rows, cols))
    finished = dict(zip(rows.cores, blended_rows(rows), strict=True))
    for tile, result in windows.computed(max(first - 1, 0), end, lambda step: step.window):
        if result is not None:
            _add(blended, windows, tile, result, down[tile.step], across[tile.across])
        if not tile.is_last:
            continue
        ready = finished[tile.step]
        if len(ready) and tile.step != skipped:
            shares = blended[ready.relative_to(tile.step.core.start)]
            null = tile.null[ready.relative_to(tile.step.window.start)]
            yield _decided(windows, decision, shares, null)
        # The lower half is completed by the next row of tiles.
        for layer in np.moveaxis(blended, -1, 0):
            layer[: height // 2] = layer[height // 2 :]
            layer[height // 2 :] = 0


def _add(
    blended: np.ndarray,
    windows: Windows,
    tile: Tile,
    result: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
) -> None:
    """Add the weighted result of a tile to those of its row of tiles."""
    covered = tile.step.window.clipped(windows.rows.wanted)
    cols = tile.across.window.clipped(windows.cols.wanted)
    in_window = covered.relative_to(tile.step.window.start)
    in_tile = cols.relative_to(tile.across.window.start)
    part = result[in_window, in_tile]
    part *= down[in_window, None, None]
    part *= across[in_tile, None]
    place = (
        covered.relative_to(tile.step.core.start),
        cols.relative_to(windows.cols.wanted.start),
    )
    blended[place] += part


def hann_window(cells: int) -> np.ndarray:
    """Weights sin^2(pi (i + 1/2) / cells) of the cells of a tile, all above 0.

    Those of tiles that overlap by half add up to 1.
    """
    return np.sin(np.pi * (np.arange(cells) + 0.5) / cells) ** 2


def _weights(axis: Axis) -> list[np.ndarray]:
    """The weights (cells,) float32 of each window, such that those of a wanted cell add up to 1.

    The Hann windows alone do so except at the frame's edges, where there are no further tiles.
    """
    plain = [
        hann_window(len(one.core))[one.window.relative_to(one.core.start)] for one in axis.cores
    ]
    origin = axis.cores[0].window.start
    places = [one.window.relative_to(origin) for one in axis.cores]
    total = np.zeros(places[-1].stop)
    for place, weights in zip(places, plain, strict=True):
        total[place] += weights
    return [
        (weights / total[place]).astype(np.float32)
        for place, weights in zip(places, plain, strict=True)
    ]


def blended_rows(axis: Axis) -> list[Span]:
    """For each step the wanted cells that no later step changes, and that no earlier one has."""
    stops = [*(later.core.start for later in axis.cores[1:]), axis.wanted.stop]
    return [
        Span(step.core.start, stop).clipped(axis.wanted)
        for step, stop in zip(axis.cores, stops, strict=True)
    ]


def _decided(
    windows: Windows, decision: CellDecision, shares: np.ndarray, null: np.ndarray
) -> CellBand:
    """The row band of finished rows; decided in pieces, which takes less memory at once."""
    cols = windows.cols
    decision.blended(shares)
    band = decision.empty(len(null), len(cols.output))
    for across in blended_rows(cols):
        decision.decide(
            band,
            (slice(None), across.relative_to(cols.output.start)),
            shares[:, across.relative_to(cols.wanted.start)],
            null[:, across.relative_to(cols.input.start)],
        )
    return band
