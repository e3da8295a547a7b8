# SPDX-License-Identifier: GPL-2.0-or-later
"""What is checked and reported before a training: packages, training data, memory, and one line on
network and data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..core.bands import OBSERVED
from ..dataset.manifest import SPLITS
from ..dataset.patchset import JoinedPatchSets
from ..dataset.seen import leaks
from ..model.card import ModelCard
from ..networks.analysis.planned import number_of_weights
from ..networks.analysis.receptive_field import reach
from ..runtime.keras_backend import has_gpu, physical_memory
from ..runtime.multi_gpu import Team
from .config.settings import Settings
from .targets.choice import learning_of

COPIES_OF_WEIGHTS = 7
"""The weights, their gradients, their average, two moments of the optimiser, the best so far, and
the copy that is kept while the average is scored."""

PROGRAM_BYTES = 2**30
"""Memory of the program itself: 0.87 to 1.03 GB were measured with TensorFlow."""

LEAST_SHARE = 0.8
"""Share of the estimated memory that is needed at least, see `memory_needed`."""

OUT_OF_MEMORY = ("MemoryError", "_ArrayMemoryError", "ResourceExhaustedError", "OutOfMemoryError")
"""Classes of errors of Python, NumPy, TensorFlow and PyTorch; JAX names it in the message."""

OUT_OF_MEMORY_WORDS = ("RESOURCE_EXHAUSTED", "OOM when allocating")


def check_packages() -> None:
    """Import what is used only after the last epoch, so that a lack shows at the start."""
    import_module("matplotlib")


def check_data(data: JoinedPatchSets, warn: Callable[[str], None]) -> None:
    """Check the training split.

    Args:
        data: The datasets.
        warn: Takes a line for the user.

    Raises:
        ValueError: The training split has no patches, or no labelled pixels.
    """
    if not data.count("train"):
        raise ValueError(
            "There are no training patches in the input: add a dataset that has some, cut by "
            "i.dl.patches with a share for training"
        )
    pixels = data.pixels("train")
    if not pixels.any():
        raise ValueError("No pixel of the training patches is labelled: there is nothing to learn")
    learning_of(data.target).check(data, warn)
    for band, statistics in zip(data.bands, data.statistics, strict=True):
        if band.derivation != OBSERVED and not statistics.deviation:
            warn(f"Band <{band.label}> is constant in the training patches: it has no information")
    for sentence in data.renumbered() + data.contradictions() + data.overlaps() + data.far_dates():
        warn(sentence)


def check_team(settings: Settings, team: Team) -> None:
    """Refuse several processes for networks that are trained in one.

    Raises:
        ValueError: There are several.
    """
    if settings.on_features and team.processes > 1:
        raise ValueError(
            f"network={settings.network} learns in one process, on features that are computed "
            f"once: {team.processes} processes were started"
        )


def source_leaks(data: JoinedPatchSets, card: ModelCard) -> list[dict[str, Any]]:
    """Test patches on ground that a model to learn from has seen, see `seen.leaks`.

    Of a fold, validation patches too, since their scores are reported as those of the model.

    Args:
        data: The datasets.
        card: The card of that model.
    """
    return [
        found
        for one in data.patch_sets
        for split in (("val", "test") if one.fold else ("test",))
        for found in leaks(card.name, card.seen_areas, one, split)
    ]


def memory_needed(network: keras.Model, size: int, batch_size: int) -> int:
    """Bytes that weights and features take in training, about, besides `PROGRAM_BYTES`.

    The outputs of all layers are kept for the gradients. With TensorFlow on a CPU, the peak memory
    of U-Net, NickNet and LinkNet grew by 0.86 to 1.06 of that per patch.

    Args:
        network: Takes images (batch, rows, columns, bands).
        size: Edge of a patch in pixels.
        batch_size: Patches per step.
    """
    weights = sum(int(np.prod(one.shape)) for one in network.weights) * np.dtype("float32").itemsize
    return COPIES_OF_WEIGHTS * weights + feature_bytes(network, size) * batch_size


def feature_bytes(network: keras.Model, size: int) -> int:
    """Bytes of the outputs of all layers for one patch."""
    given: list[keras.KerasTensor] = []

    def trace(operation: keras.Operation) -> Callable[..., Any]:
        def call(*inputs: object, **options: object) -> object:
            if isinstance(operation, keras.Model):
                return _run(operation, trace, inputs[0])
            outputs = operation.compute_output_spec(*inputs, **options)
            given.extend(keras.tree.flatten(outputs))
            return outputs

        return call

    _run(network, trace, keras.KerasTensor((1, size, size, network.input_shape[-1]), "float32"))
    return sum(int(np.prod(one.shape)) * _bytes(one.dtype) for one in given)


def _run(model: keras.Model, trace: Callable[..., Any], inputs: object) -> object:
    """Run the layer graph, with nested models opened and `trace` in place of the layers."""
    function = keras.Function(model.inputs, model.outputs)
    outputs = function._run_through_graph(keras.tree.flatten(inputs), operation_fn=trace)
    return keras.tree.pack_sequence_as(model._outputs_struct, keras.tree.flatten(outputs))


def _bytes(dtype: str) -> int:
    # NumPy has no bfloat16.
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def check_weights_fit(network: keras.Model, name: str) -> None:
    """Refuse a network whose weights alone take more memory in training than this machine has.

    Args:
        network: May be one of `networks.planned`, whose weights take no memory.
        name: Its name.

    Raises:
        ValueError: They do not fit.
    """
    weights, memory = number_of_weights(network), physical_memory()
    # On a GPU most copies are in its own memory.
    copies = 1 if has_gpu() else COPIES_OF_WEIGHTS
    needed = copies * weights * np.dtype("float32").itemsize
    if memory is not None and needed > memory:
        raise ValueError(
            f"Network <{name}> would have {weights / 1e6:.0f} million parameters, whose training "
            f"takes {megabytes(needed)} of memory or more; this machine has {megabytes(memory)}: "
            "use fewer filters or less depth"
        )


def batch_size_that_fits(
    network: keras.Model, size: int, batch_size: int, available: int | None
) -> int:
    """The largest batch size that fits, at most half of one that does not; 0 if none does.

    Args:
        network: Takes images (batch, rows, columns, bands).
        size: Edge of a patch in pixels.
        batch_size: The one that does not fit.
        available: Bytes of available memory, or None if unknown.
    """
    fitting = batch_size // 2
    if available is not None:
        weights = memory_needed(network, size, 0)
        fitting = min(fitting, max(available - weights, 0) // feature_bytes(network, size))
    return fitting


def available_memory() -> int | None:
    """Bytes of memory that are available; None where that is unknown, as on accelerators."""
    if has_gpu():
        return None
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    told = dict(line.split(":", 1) for line in lines)
    if "MemAvailable" not in told:
        return None
    return int(told["MemAvailable"].split()[0]) * 1024


@contextmanager
def enough_memory(
    network: keras.Model, size: int, batch_size: int, warn: Callable[[str], None]
) -> Iterator[None]:
    """Refuse a training that needs more memory than the machine has, warn if it may need more than
    is available, and advise if it runs out in the block.

    (Running out of main memory rarely raises an error: the system kills a process instead.)

    Args:
        network: Takes images (batch, rows, columns, bands).
        size: Edge of a patch in pixels.
        batch_size: Patches per step.
        warn: Takes a line for the user.

    Raises:
        ValueError: The block ran out of memory, or would for certain; the message has a batch
            size that fits.
    """
    available = available_memory()
    needed = memory_needed(network, size, batch_size)
    advice = _advice(batch_size_that_fits(network, size, batch_size, available))
    memory = None if has_gpu() else physical_memory()
    if memory is not None and LEAST_SHARE * needed > memory:
        raise ValueError(
            f"Training with batches of {batch_size} patches takes about {megabytes(needed)} of "
            f"memory, this machine has {megabytes(memory)}: {advice}"
        )
    if available is not None and needed > available:
        warn(
            f"Training takes about {megabytes(needed)} of memory, {megabytes(available)} are "
            f"available: if it fails, {advice}"
        )
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise ValueError(
            f"Out of memory with batches of {batch_size} patches, which take about "
            f"{megabytes(needed)}: {advice}"
        ) from error


def _advice(fitting: int) -> str:
    if fitting:
        return f"use batch_size={fitting}"
    return "cut smaller patches, or use a smaller network"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python or of a backend means that memory ran out."""
    names = [kind.__name__ for kind in type(error).__mro__]
    return bool(set(names) & set(OUT_OF_MEMORY)) or any(
        words in str(error) for words in OUT_OF_MEMORY_WORDS
    )


def megabytes(number: int) -> str:
    """A number of bytes for the user."""
    return f"{round(number / 2**20)} MB"


def plan(network: keras.Model, data: JoinedPatchSets, settings: Settings) -> str:
    """One line on network, datasets and the memory that training takes."""
    patches = ", ".join(f"{data.count(split)} {split}" for split in SPLITS)
    field = reach(network).receptive_field
    seen = f"{field} x {field} cells" if field else "the whole image"
    batch_size = min(settings.batch_size, data.count("train"))
    memory = megabytes(memory_needed(network, data.size, batch_size))
    return (
        f"Network <{settings.network_name}> with {network.count_params()} parameters, receptive "
        f"field {seen}; {len(data.bands)} bands, {data.target.summary}; patches of "
        f"{data.size} x {data.size} cells: {patches}; about {memory} of memory for batches of "
        f"{batch_size}, and {megabytes(PROGRAM_BYTES)} for the program"
    )
