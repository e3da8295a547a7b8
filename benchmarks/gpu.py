# SPDX-License-Identifier: GPL-2.0-or-later
"""Training and prediction on a GPU in float32, TF32 and bfloat16, without GRASS and TensorFlow.

The library runs on `KERAS_BACKEND=jax` or `torch`, over a dataset that is written first and a map
that lies in memory. For each network and precision, in a process of its own:

- patches per second of the bare `train_on_batch` loop, and of `fit` over batches from disk;
- millions of cells per second of the engine on as many windows as it computes at once, and of the
  windows of i.dl.predict;
- the share of these times in which the GPU computed, as nvidia-smi samples it;
- the share of cells that get another class than in float32, by the same weights.

    KERAS_BACKEND=jax python benchmarks/gpu.py [--limit 330]
    KERAS_BACKEND=jax python benchmarks/gpu.py --tiny      # any processor: only that it runs

What does not fit into the limit (seconds) is left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from records import record
from training import BANDS, CLASSES, apart, patches, prepared, write_dataset

NETWORKS = (("unet", {"filters": 16}), ("unet", {"filters": 32}), ("nicknet", {}))
PRECISIONS = ("float32", "tf32", "bfloat16")
"""The first comes first: its weights are those of the others, and its classes are compared with."""

SAMPLING_MS = 100


@dataclass(frozen=True)
class Size:
    """How much is computed.

    Attributes:
        patches: Of an epoch.
        batch: Patches of a batch.
        edge: Cells of the map, along an edge.
        tile: Cells of the core of a tile, along an edge.
        seconds: Least time of a measurement.
    """

    patches: int = 1024
    batch: int = 64
    edge: int = 8192
    tile: int = 1984
    seconds: float = 3


TINY = Size(patches=16, batch=8, edge=256, tile=96, seconds=0)


class Noise:
    """A reader of a map of any number of rows, which is one strip of it over and over."""

    dtype = np.dtype(np.float32)
    strip = 256

    def __init__(self, edge: int):
        self.rows = self.cols = edge
        squares, _ = patches(edge // 64 * (self.strip // 64), seed=1)
        blocks = squares.reshape(self.strip // 64, edge // 64, 64, 64, BANDS)
        self._values = blocks.swapaxes(1, 2).reshape(self.strip, edge, BANDS).astype(np.float32)

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Values and NULL of some rows."""
        numbers = np.arange(row, row + rows) % self.strip
        return self._values[numbers], np.zeros((rows, self.cols), bool)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--limit", type=float, default=330, help="seconds for all")
    given.add_argument("--tiny", action="store_true", help="only try whether it runs; no record")
    options = given.parse_args()
    size = TINY if options.tiny else Size()
    if not options.tiny and not shutil.which("nvidia-smi"):
        print("There is no GPU of NVIDIA here: --tiny tries the benchmark on a processor")
        return
    os.environ.setdefault("KERAS_BACKEND", "jax")
    begin, longest = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_dataset(folder / "patches", size.patches)
        for network, network_options in NETWORKS:
            for precision in PRECISIONS:
                before = time.monotonic()
                if before - begin + longest > options.limit:
                    print(f"Left out: {network} {network_options} in {precision}")
                    continue
                figures = apart(measure, folder, network, network_options, precision, size)
                longest = max(longest, time.monotonic() - before)
                what = {"network": network, **network_options, "precision": precision}
                if options.tiny:
                    print(what, figures, flush=True)
                else:
                    record("gpu", what | backend_and_device(), **figures)


def backend_and_device() -> dict:
    """What computed."""
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    names = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    return {"backend": os.environ["KERAS_BACKEND"], "device": names.splitlines()[0]}


def measure(folder: Path, name: str, options: dict, precision: str, size: Size) -> dict:
    """All figures of a network in a precision."""
    os.environ["NVIDIA_TF32_OVERRIDE"] = "1" if precision == "tf32" else "0"
    policy = "bfloat16" if precision == "bfloat16" else "float32"
    asked = argparse.Namespace(batch_size=size.batch, precision=policy)
    learner, training = prepared(folder / "patches", name, asked, network_options=options)
    import keras

    from grassdl.networks.precision import in_precision
    from grassdl.runtime import keras_backend

    batches = [training[number] for number in range(len(training))]
    count = len(training) * training.batch_size

    # `fit` would end by reading averages of the weights, which Keras on JAX has deleted then;
    # i.dl.train reads them by a callback.
    learner.optimizer.use_ema = False

    def bare() -> None:
        for images, labels in batches:
            learner.train_on_batch(images, labels)

    def fit() -> None:
        learner.fit(keras_backend.feed(training), shuffle=False, verbose=0)

    figures = {}
    for what, run in (("training", fit), ("bare_training", bare)):
        seconds, share = taken(run, size.seconds)
        figures |= {f"{what}_patches_s": count / seconds, f"{what}_gpu_share": share}
    weights = folder / f"{name}{options.get('filters', '')}.weights.h5"
    if precision == "float32":
        learner.save_weights(weights)
    learner.load_weights(weights)
    # Without loss and optimizer.
    network = in_precision(keras.Model(learner.inputs, learner.outputs), "float32")
    return figures | prediction(network, policy, weights, size)


def prediction(network: object, policy: str, weights: Path, size: Size) -> dict:
    """Speed of a network on one window and by the windows of i.dl.predict, and its classes."""
    from grassdl.core.readers import by_layers
    from grassdl.networks.analysis.receptive_field import reach
    from grassdl.predict.decision import Decision
    from grassdl.predict.engines.keras_engine import KerasEngine
    from grassdl.predict.mosaic.mosaic import row_bands
    from grassdl.predict.mosaic.windows import Windows
    from grassdl.predict.tiling.axis import Span, plan_axis

    engine = KerasEngine(network, precision=policy, on_gpu=True)
    extent, reader = reach(network), Noise(size.edge)
    place = size.edge, Span(0, size.edge), size.tile, extent.stride, extent.halo or 0
    axis = plan_axis(*place)
    edge = len(axis.cores[0].window)
    window = by_layers(np.ascontiguousarray(reader.read(0, edge)[0][:, :edge]))
    number = engine.at_once(window.shape)
    windows = Windows(reader, engine, np.zeros(BANDS, np.float32), axis, axis)

    def mapped() -> None:
        for _ in row_bands(windows, Decision(CLASSES), "exact"):
            pass

    def bare() -> None:
        engine.several([window] * number, number)

    figures = {}
    runs = ("bare_prediction", number * edge**2, bare), ("prediction", size.edge**2, mapped)
    for name, cells, run in runs:
        seconds, share = taken(run, size.seconds)
        figures |= {f"{name}_mpixel_s": cells / seconds / 1e6, f"{name}_gpu_share": share}
    classes = engine(window).argmax(axis=-1).astype(np.uint8)
    kept = weights.with_suffix(".npy")
    if not kept.exists():
        np.save(kept, classes)
    return figures | {"other_class": float((classes != np.load(kept)).mean())}


def taken(run: Callable[[], None], least: float) -> tuple[float, float | None]:
    """Median seconds of a run, and the share of the time in which the GPU computed."""
    # Compiles.
    run()
    seconds: list[float] = []
    with gpu_share() as shares:
        while not seconds or (sum(seconds) < least and len(seconds) < 1000):
            before = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - before)
    return float(np.median(seconds)), float(np.mean(shares)) if shares else None


@contextmanager
def gpu_share() -> Iterator[list[float]]:
    """Fills a list with samples of the share of time in which the GPU computed, 0 to 1."""
    shares: list[float] = []
    if not shutil.which("nvidia-smi"):
        yield shares
        return
    words = "--query-gpu=utilization.gpu --format=csv,noheader,nounits".split()
    call = ["nvidia-smi", *words, f"--loop-ms={SAMPLING_MS}"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:

        def listen() -> None:
            shares.extend(float(line) / 100 for line in process.stdout)

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield shares
        finally:
            process.terminate()
            listener.join()


if __name__ == "__main__":
    main()
