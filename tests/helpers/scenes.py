# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenes in memory, small networks, and their prediction as a whole and in tiles."""

from __future__ import annotations

from functools import lru_cache, partial

import keras
import numpy as np

from grassdl.core.readers import by_layers
from grassdl.networks import registry
from grassdl.networks.analysis.receptive_field import reach
from grassdl.predict.decision import Decision
from grassdl.predict.engines.keras_engine import KerasEngine
from grassdl.predict.mosaic.blending import hann_window
from grassdl.predict.mosaic.mosaic import row_bands
from grassdl.predict.mosaic.windows import Windows
from grassdl.predict.tiling.axis import Span, plan_axis, plan_blended_axis

MEAN = [100.0, 300.5]
FILL = np.array(MEAN, np.float32)
CLASSES = 3


class ArrayReader:
    """A `BandReader` over arrays in memory; remembers the most rows it was asked for."""

    dtype = np.dtype(np.float32)

    def __init__(self, values, null):
        self.values, self.null = values, null
        self.rows, self.cols = null.shape
        self.most_rows = 0

    def read(self, row, rows):
        assert row >= 0 and row + rows <= self.rows
        self.most_rows = max(self.most_rows, rows)
        return self.values[row : row + rows].copy(), self.null[row : row + rows]


class CountingEngine:
    """Counts the windows that an engine computes, and tells whether all had each band in one piece
    of memory."""

    prepares_each_size = False

    def __init__(self, engine):
        self.engine, self.calls, self.prepared = engine, 0, []
        self.by_layers = True

    def prepare(self, shape):
        self.prepared.append(shape)
        self.engine.prepare(shape)

    def __call__(self, values):
        self.calls += 1
        self.by_layers &= np.shares_memory(values, by_layers(values))
        return self.engine(values)


DEVIATION = [20.0, 50.0]


@lru_cache(maxsize=2)
def keras_engine(network):
    """The engine of a network, which is compiled once for all tests of it that come together."""
    return KerasEngine(network)


def small_network(name, **options):
    """A network of the registry for scenes, as `made_lively` leaves it."""
    return made_lively(partial(registry.build, name, 64), **options)


def made_lively(build, **options):
    """A network for scenes, with weights and batch statistics that let distant cells matter."""
    keras.utils.set_random_seed(7)
    model = build(2, CLASSES, mean=MEAN, deviation=DEVIATION, **options)
    rng = np.random.default_rng(7)
    model.set_weights([w + rng.normal(0, 0.05, w.shape).astype(w.dtype) for w in model.weights])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(rng.uniform(0.2, 1.5, layer.moving_variance.shape))
    return model


def scene(rows, cols, null_share=0.08):
    """Values and NULL mask of two bands."""
    rng = np.random.default_rng(rows * 1000 + cols)
    values = rng.normal([100, 300], [20, 50], (rows, cols, 2)).astype(np.float32)
    null = rng.random((rows, cols)) < null_share
    values[null] = 0
    return values, null


def filled_frame(values, null, stride):
    """The frame up to a multiple of the stride, NULL and filling as the bands' means."""
    rows, cols = null.shape
    filled = np.empty((-(-rows // stride) * stride, -(-cols // stride) * stride, 2), np.float32)
    filled[:] = FILL
    filled[:rows, :cols] = np.where(null[..., None], FILL, values)
    return filled


def whole(network, values, null):
    """The definition of exact tiling: the network once over the frame."""
    filled = filled_frame(values, null, reach(network).stride)
    return np.asarray(network(filled[None]))[0, : null.shape[0], : null.shape[1]]


def axis_of(network, length, output, tile_size, tiling="exact"):
    """The tiling of an output along an axis of a frame."""
    extent = reach(network)
    if tiling == "exact":
        return plan_axis(length, output, tile_size, extent.stride, extent.halo)
    return plan_blended_axis(length, output, tile_size, extent.stride)


def tiled(
    network,
    values,
    null,
    rows,
    cols,
    tile_size,
    tiling="exact",
    wrap=lambda one: one,
    inner=None,
    done=0,
):
    """Bands joined over an output `rows` x `cols` given as spans of the frame, the reader, and the
    engine.

    `tile_size` is one number, or rows and columns; `wrap` makes another engine of the network's,
    which Keras computes or `inner`; `done` rows are left out.
    """
    sizes = tile_size if isinstance(tile_size, tuple) else (tile_size, tile_size)
    along = [
        axis_of(network, length, output, size, tiling)
        for length, output, size in zip(null.shape, (rows, cols), sizes, strict=True)
    ]
    window = tuple(axis.input.relative_to(0) for axis in along)
    reader = ArrayReader(values[window], null[window])
    engine = CountingEngine(inner or keras_engine(network))
    windows = Windows(reader, wrap(engine), FILL, *along)
    features = network.output_shape[-1] - CLASSES
    decision = Decision(CLASSES, None, True, True, features)
    bands = list(row_bands(windows, decision, tiling, done))
    joined = {
        name: np.concatenate([getattr(band, name) for band in bands])
        for name, part in vars(bands[0]).items()
        if part is not None
    }
    return joined, reader, engine


def everything(shape):
    """The spans of a whole frame."""
    return tuple(Span(0, length) for length in shape)


def blended(network, values, null, tile_size):
    """Sum of weights times results over sum of weights, in arrays of the whole frame."""
    stride = reach(network).stride
    half = -(-tile_size // (2 * stride)) * stride
    filled = filled_frame(values, null, stride)
    rows, cols = filled.shape[:2]
    weights = hann_window(2 * half)
    engine = keras_engine(network)
    total, weight_total = (
        np.zeros((rows, cols, network.output_shape[-1])),
        np.zeros((rows, cols, 1)),
    )
    for top in range(0, max(rows - half, 1), half):
        for left in range(0, max(cols - half, 1), half):
            here = np.s_[top : top + 2 * half, left : left + 2 * half]
            result = engine(filled[here]).astype(np.float64)
            mask = np.outer(weights[: result.shape[0]], weights[: result.shape[1]])[..., None]
            total[here] += mask * result
            weight_total[here] += mask
    assert weight_total.min() > 0
    return (total / weight_total)[: null.shape[0], : null.shape[1]]


def turned_mean(engine, values):
    """The mean over the eight symmetries of the square, each spelled out."""
    back_and_forth = [
        (lambda a: a, lambda a: a),
        (lambda a: a[::-1], lambda a: a[::-1]),
        (lambda a: a[:, ::-1], lambda a: a[:, ::-1]),
        (lambda a: a[::-1, ::-1], lambda a: a[::-1, ::-1]),
        (lambda a: a.swapaxes(0, 1), lambda a: a.swapaxes(0, 1)),
        (lambda a: a.swapaxes(0, 1)[::-1], lambda a: a[::-1].swapaxes(0, 1)),
        (lambda a: a.swapaxes(0, 1)[:, ::-1], lambda a: a[:, ::-1].swapaxes(0, 1)),
        (lambda a: a.swapaxes(0, 1)[::-1, ::-1], lambda a: a[::-1, ::-1].swapaxes(0, 1)),
    ]
    return np.mean([back(engine(there(values))) for there, back in back_and_forth], axis=0)
