# SPDX-License-Identifier: GPL-2.0-or-later
"""The training of i.dl.train against the bare `train_on_batch` loop, and its memory.

The loop has its batches in memory already; the training reads them from disk, augmented as by
default. Both train the same network in the same process, in turn, with the same batch size and
precision: what counts is the ratio of their patches per second. On cores that other work shares,
the ratio of their processor time shows what the training adds to the bare loop. Memory is the
largest anonymous one (RssAnon) of a process that trains for an epoch: what is mapped from files is
not in it.

The gain when the process keeps the memory it frees (`prepare(training=True)`) is measured on
epochs with and without, in processes of their own, in turn.

    python benchmarks/training.py [--networks unet,nicknet] [--rounds 7] [--memory 1000,4000,16000]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "lib"))

from records import record  # noqa: E402

from grassdl.core.bands import Band  # noqa: E402
from grassdl.core.classes import ClassScheme, MapClass  # noqa: E402
from grassdl.dataset.manifest import SPLITS, Export  # noqa: E402
from grassdl.dataset.writer import PatchSetWriter  # noqa: E402

SIZE = 64
BANDS = 5
CLASSES = 7
EPOCHS = 2
"""Epochs of one call of `fit`: what happens between them is measured, too. Few, so that both are
measured in turn while the machine is as fast as it is."""
PIECE = 1000
"""Patches that are written at a time."""


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--networks", default="unet,nicknet")
    given.add_argument("--patches", type=int, default=256, help="patches of an epoch")
    given.add_argument("--batch-size", type=int, default=16)
    given.add_argument("--precision", default="auto")
    given.add_argument("--rounds", type=int, default=7, help="runs of each, of which the median")
    given.add_argument("--kept-rounds", type=int, default=3, help="epochs with and without")
    given.add_argument("--memory", default="1000,4000,16000", help="patches of the datasets")
    options = given.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_dataset(folder / "speed", options.patches)
        networks = options.networks.split(",")
        batches = {"batch_size": options.batch_size, "precision": options.precision}
        batches["epoch_patches"] = options.patches
        for network in networks:
            figures = apart(compare, folder / "speed", network, options)
            record("training", {"network": network, **batches}, **figures)
        if options.kept_rounds:
            turns = [
                [apart(epoch, folder / "speed", kept, options) for kept in (False, True)]
                for _ in range(options.kept_rounds)
            ]
            record("kept_memory", {"network": networks[0], **batches}, **compared(turns))
        for count in filter(None, options.memory.split(",")):
            write_dataset(folder / count, int(count))
            figures = apart(memory, folder / count, options)
            record("training_memory", {"patches": int(count)}, **figures)


def apart(measure: Callable[..., dict], *words: object) -> dict:
    """What a function returns in a fresh process, forked before Keras is imported."""
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        return pool.submit(measure, *words).result()


def write_dataset(folder: Path, count: int) -> None:
    """Training patches of noise in squares of 8 cells, 16 bits in five bands."""
    folder.mkdir()
    bands = [
        Band(f"b{place}", True, {"map": f"b{place}"}, None, 0.25, "nearest", "", "uint16")
        for place in range(BANDS)
    ]
    classes = ClassScheme([MapClass(value, f"class {value}", "1:2:3") for value in range(CLASSES)])
    region = {"north": 16.0, "south": 0.0, "east": 16.0, "west": 0.0}
    region |= {"nsres": 0.25, "ewres": 0.25, "rows": SIZE, "cols": SIZE}
    export = Export(
        SIZE, SIZE, "grid", "blocks", (100, 0, 0), SIZE, 0.0, 1, region, "", "", "benchmark"
    )
    counts = dict.fromkeys(SPLITS, 0) | {"train": count}
    writer = PatchSetWriter(
        folder, bands, classes, counts, np.dtype(np.uint16), None, "npy", export
    )
    writer.create()
    parts = []
    for first in range(0, count, PIECE):
        images, labels = patches(min(PIECE, count - first), first)
        parts.append(writer.write("train", first, np.zeros((len(labels), 2), int), images, labels))
    writer.finish(parts)


def patches(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (count, size, size, bands) uint16 and class indices."""
    rng = np.random.default_rng(seed)
    squares = rng.integers(0, CLASSES, (count, SIZE // 8, SIZE // 8), np.uint8)
    labels = squares.repeat(8, axis=1).repeat(8, axis=2)
    noise = rng.integers(0, 500, (*labels.shape, BANDS), np.uint16)
    return noise + 600 * labels[..., None].astype(np.uint16), labels


def prepared(
    folder: Path, network: str, options: argparse.Namespace, kept: bool = True, **changes
) -> tuple:
    """A learner and its training batches, as i.dl.train makes them."""
    from grassdl.runtime import keras_backend

    keras_backend.prepare(training=kept)
    from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
    from grassdl.train import trainer
    from grassdl.train.config.settings import Settings
    from grassdl.train.data.augmentation import by_names
    from grassdl.train.data.band_values import BandValues, deviations, means
    from grassdl.train.data.batches import TrainingBatches
    from grassdl.train.optimization.precision import computing_in, resolve

    data = JoinedPatchSets([PatchSet.open(folder)])
    settings = Settings(
        network=network,
        batch_size=options.batch_size,
        precision=options.precision,
        **changes,
    ).for_patches(data.count("train"), data.size)
    values = BandValues.of(data.bands, means(data), deviations(data))
    augmentations = by_names(settings.augmentation, values)
    training = TrainingBatches(
        data.arrays("train"), settings.batch_size, values.mean, augmentations, settings.seed
    )
    with computing_in(resolve(settings.precision)):
        built = trainer.build_network(data, settings)
        steps = settings.epochs * len(training)
        return trainer._learner(built, data, settings, settings.highest_rate, steps), training


def compare(folder: Path, network: str, options: argparse.Namespace) -> dict:
    """Speeds of the bare loop and of the training, and their ratios."""
    learner, training = prepared(folder, network, options)
    in_memory = [training[number] for number in range(len(training))]

    def bare() -> None:
        for images, labels in EPOCHS * in_memory:
            learner.train_on_batch(images, labels)

    def whole() -> None:
        from grassdl.runtime import keras_backend

        learner.fit(keras_backend.feed(training), epochs=EPOCHS, shuffle=False, verbose=0)

    runs = [bare, whole]
    for run in runs:
        # Compiles.
        run()
    taken = np.array([[seconds(run) for run in runs] for _ in range(options.rounds)])
    speeds = EPOCHS * len(training) * training.batch_size / np.median(taken[..., 0], axis=0)
    ratios = [ratio_of(taken[..., clock]) for clock in range(2)]
    return {
        "bare_patches_s": speeds[0],
        "patches_s": speeds[1],
        "ratio": ratios[0],
        "processor_ratio": ratios[1],
    }


def seconds(run: Callable[[], None]) -> tuple[float, float]:
    """Wall-clock and processor time of a run."""
    begin = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - begin[0], time.process_time() - begin[1]


def ratio_of(taken: np.ndarray) -> dict:
    """Time of the loop over that of the training, (rounds, 2): median and range."""
    ratios = taken[:, 0] / taken[:, 1]
    return {"median": np.median(ratios), "least": ratios.min(), "most": ratios.max()}


def epoch(folder: Path, kept: bool, options: argparse.Namespace) -> dict:
    """Time and memory of the second epoch of the first network."""
    learner, training = prepared(folder, options.networks.split(",")[0], options, kept)
    from grassdl.runtime import keras_backend

    taken = []
    for _ in range(2):
        begin = time.perf_counter(), os.times()
        learner.fit(keras_backend.feed(training), epochs=1, shuffle=False, verbose=0)
        end = time.perf_counter(), os.times()
        taken = [end[0] - begin[0], end[1].user - begin[1].user, end[1].system - begin[1].system]
    figures = dict(zip(("seconds", "user_s", "system_s"), taken, strict=True))
    return {**figures, "anonymous_mb": anonymous_memory() / 1e6}


def compared(turns: list[list[dict]]) -> dict:
    """Medians of epochs whose freed memory was returned and kept, and the ratio of their times."""
    returned, kept = (
        {key: np.median([one[key] for one in runs]) for key in runs[0]}
        for runs in zip(*turns, strict=True)
    )
    ratios = [one["seconds"] / other["seconds"] for other, one in turns]
    return {"returned": returned, "kept": kept, "ratio": np.median(ratios)}


def memory(folder: Path, options: argparse.Namespace) -> dict:
    """Size of a dataset, and the most anonymous memory of an epoch on it."""
    small = {"network_options": {"filters": 2, "depth": 1}}
    learner, training = prepared(folder, "unet", options, **small)
    import keras

    from grassdl.runtime import keras_backend

    most = 0

    def watch(batch: int, logs: dict | None = None) -> None:
        nonlocal most
        most = max(most, anonymous_memory())

    watching = keras.callbacks.LambdaCallback(on_train_batch_end=watch)
    learner.fit(
        keras_backend.feed(training), epochs=1, shuffle=False, verbose=0, callbacks=[watching]
    )
    on_disk = sum(file.stat().st_size for file in folder.rglob("*.npy"))
    return {"on_disk_mb": on_disk / 1e6, "anonymous_mb": most / 1e6}


def anonymous_memory() -> int:
    """Anonymous memory of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("this system does not report RssAnon")


if __name__ == "__main__":
    main()
