# SPDX-License-Identifier: GPL-2.0-or-later
"""The backend of Keras: chosen and tuned by the environment, before Keras is imported.

This file and `multi_gpu.py` know backends by name; everything else is `keras` and `keras.ops`.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .malloc import keep_everything

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf

DEFAULT_BACKEND = "tensorflow"

AMPERE = (8, 0)
"""The first compute capability of GPUs with bfloat16."""

AHEAD = 2
"""Batches that TensorFlow prefetches."""

LARGEST_GRAPH = 400_000_000
"""Most weights of a network whose graph stays below 2 GiB, the limit of such a file."""

UNUSED = ("sklearn", "matplotlib")
"""Optional imports of Keras, for wrappers and pictures that are not used here. Without them Keras
is imported in 2.8 s instead of 4.1 s (two cores, TensorFlow 2.21)."""

ACCELERATORS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd", "/dev/accel", "/dev/accel0", "/dev/vfio")
"""Device files of the drivers of NVIDIA, of Windows' Linux, of AMD and of TPUs."""


def prepare(nprocs: int = 0, exact: bool = False, training: bool = False) -> None:
    """Import Keras with its backend, threads and determinism set; to be called before any other
    import of keras.

    TensorFlow is the backend whatever a user's keras.json says; KERAS_BACKEND in the environment
    overrides. Operations are made deterministic: same seed, machine and number of threads,
    same weights.

    Args:
        nprocs: Threads to compute with; 0 leaves the choice to the backend.
        exact: Whether an NVIDIA GPU must compute in full float32 instead of its TF32, whose
            rounding exceeds the tolerance of tiles.
        training: Whether this process trains; it then keeps the memory that it frees (see
            `malloc.keep_everything`).
    """
    if is_loaded():
        raise RuntimeError("backend.prepare() comes before the first import of keras")
    if training:
        keep_everything()
    os.environ.setdefault("KERAS_BACKEND", DEFAULT_BACKEND)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow warns of repeated compilation, but each size of tiles is compiled once.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    if not training:
        # Else the first of several processes takes all memory of a GPU.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if exact:
        os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
    if nprocs:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(nprocs)
        os.environ["TF_NUM_INTEROP_THREADS"] = "1"
        os.environ["OMP_NUM_THREADS"] = str(nprocs)
    with _silent_stderr(), _hidden(UNUSED), _without_garbage():
        import keras  # noqa: F401


def is_loaded() -> bool:
    """Whether Keras is imported."""
    return "keras" in sys.modules


def versions(*others: str) -> dict[str, str]:
    """Versions of Keras, of the backend that `prepare` takes, and of other packages, without
    importing them."""
    backend = os.environ.get("KERAS_BACKEND", DEFAULT_BACKEND)
    return {name: _version(name) for name in ("keras", backend, *others)}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def has_fast_bfloat16() -> bool:
    """Whether there is an accelerator that computes much faster in bfloat16 than in float32.

    GPUs of NVIDIA do from compute capability 8.0 on (Ampere), and TPUs.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        details = map(
            tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU")
        )
        capabilities = [one.get("compute_capability", (0, 0)) for one in details]
        return bool(capabilities) and min(capabilities) >= AMPERE
    if backend == "jax":
        import jax

        kinds = jax.devices()
        if any(one.platform == "cpu" for one in kinds):
            return False
        told = [str(getattr(one, "compute_capability", "8.0")) for one in kinds]
        return min(tuple(map(int, one.split("."))) for one in told) >= AMPERE
    if backend == "torch":
        import torch

        return torch.cuda.is_available() and torch.cuda.get_device_capability() >= AMPERE
    return False


def may_have_gpu() -> bool:
    """Whether there is any sign of an accelerator, without loading a backend, which takes
    seconds; `has_gpu` is exact."""
    return sys.platform == "darwin" or any(Path(one).exists() for one in ACCELERATORS)


def has_gpu() -> bool:
    """Whether Keras computes on an accelerator instead of the processor."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if backend == "jax":
        import jax

        return jax.default_backend() != "cpu"
    if backend == "torch":
        import torch

        return torch.cuda.is_available()
    return False


def feed(batches: keras.utils.PyDataset) -> keras.utils.PyDataset | tf.data.Dataset:
    """Batches in the form that `fit` reads without a delay at the end of an epoch.

    For TensorFlow Keras makes a `tf.data.Dataset` of them, whose autotuning thread sleeps for
    intervals that double from 10 ms to a minute, and the epoch ends only after that thread wakes.
    The one made here has no such thread. Other backends take the batches themselves.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    def epoch() -> Iterator[tuple[np.ndarray, ...]]:
        for number in range(len(batches)):
            yield batches[number]

    signature = tuple(tf.TensorSpec((None, *one.shape[1:]), one.dtype) for one in batches[0])
    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        tf.data.Dataset.from_generator(epoch, output_signature=signature)
        .apply(tf.data.experimental.assert_cardinality(len(batches)))
        .prefetch(AHEAD)
        .with_options(options)
    )


def frozen_graph(network: keras.Model) -> tuple[bytes, list[str]] | None:
    """A network as serialized TensorFlow graph with constant weights, and the names of its outputs
    in order; None with another backend, or if the network is too large.

    It takes a quarter of the time of a SavedModel, for which Keras and TensorFlow trace the network
    and the functions that read and write its weights.
    """
    import keras

    if keras.backend.backend() != "tensorflow" or network.count_params() > LARGEST_GRAPH:
        return None
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    (pixels,) = network.inputs
    given = tf.TensorSpec(pixels.shape, pixels.dtype, pixels.name)
    traced = tf.function(lambda values: network(values, training=False)).get_concrete_function(
        given
    )
    frozen = convert_variables_to_constants_v2(traced)
    return frozen.graph.as_graph_def().SerializeToString(), [one.name for one in frozen.outputs]


@contextmanager
def _hidden(packages: Sequence[str]) -> Iterator[None]:
    """Make packages that are not imported yet appear not to be installed."""
    hidden = [name for name in packages if name not in sys.modules]
    # None in `sys.modules` means that a package is not installed; its type does not allow None.
    absent: Any = None
    sys.modules.update(dict.fromkeys(hidden, absent))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _without_garbage() -> Iterator[None]:
    """Disable garbage collection during an import, and exempt the imported objects from later ones.

    They are never garbage, and collection takes a sixth of the time of importing Keras.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Hide what TensorFlow's C++ part prints before its log level is read.

    Errors are Python exceptions and are raised.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def physical_memory() -> int | None:
    """Bytes of main memory of this machine; None if unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None
