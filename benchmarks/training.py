# SPDX-License-Identifier: GPL-2.0-or-later
"""The training of i.dl.train against the bare `train_on_batch` loop, and its memory.

The loop has its batches in memory already; the training reads them from disk, augmented as by
default. Both train the same network in the same process, in turn, with the same batch size and
precision: what counts is the ratio of their patches per second. On cores that other work shares,
the ratio of their processor time tells what the training adds to the bare loop. Memory is the
largest anonymous one (RssAnon) of a process that trains for an epoch: what is mapped from files is
not in it.

The second table shows what it brings that the process keeps the memory it frees (`prepare(training=
True)`): epochs with and without in processes of their own, in turn.

    python benchmarks/training.py [--networks unet,nicknet] [--rounds 7] [--memory 1000,4000,16000]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "lib"))

from grassdl.bands import Band  # noqa: E402
from grassdl.classes import ClassScheme, MapClass  # noqa: E402
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
        print("| network | train_on_batch | i.dl.train | ratio | of processor time |")
        print("| --- | --- | --- | --- | --- |")
        for network in options.networks.split(","):
            print(apart(compare, folder / "speed", network, options), flush=True)
        print("\n| freed memory | epoch | user | system | anonymous memory |")
        print("| --- | --- | --- | --- | --- |")
        for kept in options.kept_rounds * [False, True]:
            print(apart(epoch, folder / "speed", kept, options), flush=True)
        print("\n| patches | on disk | anonymous memory |\n| --- | --- | --- |")
        for count in filter(None, options.memory.split(",")):
            write_dataset(folder / count, int(count))
            print(apart(memory, folder / count, int(count), options), flush=True)


def apart(measure: Callable, *words) -> str:
    """What a function returns in a fresh process, forked before Keras is imported."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, measure(*words).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        line = answer.read()
    os.waitpid(child, 0)
    return line


def write_dataset(folder: Path, count: int) -> None:
    """Training patches of noise in squares of 8 cells, 16 bits in five bands."""
    folder.mkdir()
    bands = [
        Band(f"b{place}", True, {"map": f"b{place}"}, None, 0.25, "nearest", "", "uint16")
        for place in range(BANDS)
    ]
    classes = ClassScheme([MapClass(value, f"class {value}", "1:2:3") for value in range(CLASSES)])
    region = {"north": 1.0, "south": 0.0, "east": 1.0, "west": 0.0, "nsres": 0.25, "ewres": 0.25}
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
    from grassdl import backend

    backend.prepare(training=kept)
    from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
    from grassdl.train import fit
    from grassdl.train.augmentation import by_names
    from grassdl.train.band_values import BandValues
    from grassdl.train.batches import TrainingBatches
    from grassdl.train.normalization import deviations, means
    from grassdl.train.precision import computing_in, resolve
    from grassdl.train.settings import Settings

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
        built = fit.build_network(data, settings)
        steps = settings.epochs * len(training)
        return fit._learner(built, data, settings, settings.learning_rate, steps), training


def compare(folder: Path, network: str, options: argparse.Namespace) -> str:
    """A line of the table of speeds."""
    learner, training = prepared(folder, network, options)
    in_memory = [training[number] for number in range(len(training))]

    def bare() -> None:
        for images, labels in EPOCHS * in_memory:
            learner.train_on_batch(images, labels)

    def whole() -> None:
        from grassdl import backend

        learner.fit(backend.feed(training), epochs=EPOCHS, shuffle=False, verbose=0)

    runs = [bare, whole]
    for run in runs:
        # Compiles.
        run()
    taken = np.array([[seconds(run) for run in runs] for _ in range(options.rounds)])
    speeds = EPOCHS * len(training) * training.batch_size / np.median(taken[..., 0], axis=0)
    ratios = [ratio_of(taken[..., clock]) for clock in range(2)]
    return (
        f"| {network} | {speeds[0]:.0f} patches/s | {speeds[1]:.0f} patches/s "
        f"| {ratios[0]} | {ratios[1]} |"
    )


def seconds(run: Callable[[], None]) -> tuple[float, float]:
    """Wall-clock and processor time of a run."""
    begin = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - begin[0], time.process_time() - begin[1]


def ratio_of(taken: np.ndarray) -> str:
    """Time of the loop over that of the training, (rounds, 2): median and range."""
    ratios = taken[:, 0] / taken[:, 1]
    return f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"


def epoch(folder: Path, kept: bool, options: argparse.Namespace) -> str:
    """A line of the table of kept memory: the second epoch of the first network."""
    learner, training = prepared(folder, options.networks.split(",")[0], options, kept)
    from grassdl import backend

    taken = []
    for _ in range(2):
        begin = time.perf_counter(), os.times()
        learner.fit(backend.feed(training), epochs=1, shuffle=False, verbose=0)
        end = time.perf_counter(), os.times()
        taken = [end[0] - begin[0], end[1].user - begin[1].user, end[1].system - begin[1].system]
    seconds_text = " | ".join(f"{one:.1f} s" for one in taken)
    return (
        f"| {'kept' if kept else 'returned'} | {seconds_text} | {anonymous_memory() / 1e6:.0f} MB |"
    )


def memory(folder: Path, count: int, options: argparse.Namespace) -> str:
    """A line of the table of memory."""
    small = {"network_options": {"filters": 2, "depth": 1}}
    learner, training = prepared(folder, "unet", options, **small)
    import keras

    from grassdl import backend

    most = 0

    def watch(batch: int, logs: dict | None = None) -> None:
        nonlocal most
        most = max(most, anonymous_memory())

    watching = keras.callbacks.LambdaCallback(on_train_batch_end=watch)
    learner.fit(backend.feed(training), epochs=1, shuffle=False, verbose=0, callbacks=[watching])
    on_disk = sum(file.stat().st_size for file in folder.rglob("*.npy"))
    return f"| {count} | {on_disk / 1e6:.0f} MB | {most / 1e6:.0f} MB |"


def anonymous_memory() -> int:
    """Anonymous memory of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("this system does not tell RssAnon")


if __name__ == "__main__":
    main()
