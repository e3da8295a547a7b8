# SPDX-License-Identifier: GPL-2.0-or-later
"""Tensors from the files of PyTorch (`.pth`, `.pt`), without PyTorch and without executing them.

Such a file is a pickle: a program that may call any function of Python when it is loaded. Here its
opcodes are checked first, then it is loaded by an unpickler that allows dictionaries and tensors
only.

Format: https://github.com/pytorch/pytorch/blob/main/torch/serialization.py, both the current one (a
ZIP file with one file per storage) and that before 1.6 (pickles, then the storages).
"""

from __future__ import annotations

import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..core.schema import shortened

LARGEST_FILE = 2**31
"""Most bytes of a file of an encoder."""

MOST_OPCODES = 50_000
"""Most opcodes of a pickle, which has about 40 for a tensor; nested that deep it is still
harmless."""

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""The magic number of the earlier format."""

OPCODES = frozenset(
    """
    PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1
    FLOAT BINFLOAT UNICODE BINUNICODE SHORT_BINUNICODE EMPTY_DICT DICT SETITEM SETITEMS EMPTY_LIST
    LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 PUT BINPUT LONG_BINPUT MEMOIZE GET
    BINGET LONG_BINGET GLOBAL REDUCE BUILD BINPERSID
    """.split()
)
"""The opcodes of a pickle of tensors."""

DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
"""Number types of NumPy by the classes of PyTorch."""


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a state dictionary by name.

    Args:
        path: A file that `torch.save(network.state_dict(), path)` has written.

    Raises:
        ValueError: The file cannot be read, is damaged, or holds anything but named tensors.
    """
    path = Path(path).expanduser()
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"it is larger than {LARGEST_FILE >> 30} GB")
        content = path.read_bytes()
        if zipfile.is_zipfile(BytesIO(content)):
            return _of_zip(content)
        return _of_pickles(content)
    except OSError as error:
        raise ValueError(f"File <{path}> cannot be read: {error.strerror}") from error
    # A damaged pickle or ZIP file raises many kinds of errors.
    except Exception as error:
        raise ValueError(
            f"<{path}> holds no plain tensors of PyTorch ({shortened(error)}): a file is expected "
            "that torch.save(network.state_dict(), ...) wrote"
        ) from None


class _Storage(NamedTuple):
    """Numbers that tensors are views of, not yet read.

    Like all objects that the unpickler makes, it has no attribute that a pickle could set.
    """

    key: str
    dtype: np.dtype
    length: int


class _Tensor(NamedTuple):
    """A view of a storage: its first number, lengths of the axes, and steps along them."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    steps: tuple[int, ...]

    def values(self, storages: Mapping[str, np.ndarray]) -> np.ndarray:
        numbers = [self.offset, *self.shape, *self.steps]
        if not all(type(one) is int and one >= 0 for one in numbers):
            raise ValueError("a tensor has a shape that is none")
        if len(self.shape) != len(self.steps):
            raise ValueError("a tensor has axes without steps")
        source = storages[self.storage.key]
        count = math.prod(self.shape)
        reach = sum((size - 1) * step for size, step in zip(self.shape, self.steps, strict=True))
        if count and (count > len(source) or self.offset + reach >= len(source)):
            raise ValueError("a tensor reaches beyond its numbers")
        strides = [step * source.itemsize for step in self.steps]
        return np.lib.stride_tricks.as_strided(
            source[self.offset :], self.shape, strides, writeable=False
        ).copy()


class _Rebuild:
    """Replaces the function `torch._utils._rebuild_tensor_v2`."""

    __slots__ = ()

    def __call__(self, storage: object, offset: int, shape: Any, steps: Any, *_: object) -> _Tensor:
        if not isinstance(storage, _Storage):
            raise ValueError("a tensor has no storage")
        return _Tensor(storage, offset, tuple(shape), tuple(steps))


class _Unpickler(pickle.Unpickler):
    """Loads dictionaries and tensors; `storages` are those found so far."""

    def __init__(self, file: BytesIO):
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Rebuild()
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise ValueError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, *rest = pid
        if kind != "storage" or dtype not in DTYPES.values() or any(rest):
            raise ValueError("it holds a storage that is none")
        if type(key) is not str or type(count) is not int or count < 0:
            raise ValueError("it holds a storage without a name or a length")
        return self.storages.setdefault(key, _Storage(key, np.dtype(dtype), count))


def _load(file: BytesIO) -> tuple[Any, dict[str, _Storage]]:
    """The next pickle of a file, whose opcodes are checked first, and the storages it names."""
    start = file.tell()
    for number, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if opcode.name not in OPCODES or number > MOST_OPCODES:
            raise ValueError("its pickle is more than dictionaries and tensors are")
        # Python allocates memory for all indices of the memo up to the highest.
        is_place = opcode.name in ("PUT", "BINPUT", "LONG_BINPUT")
        if is_place and int(argument or 0) > MOST_OPCODES:
            raise ValueError("its pickle takes far more memory than it has content")
    file.seek(start)
    loader = _Unpickler(file)
    return loader.load(), loader.storages


def _of_pickles(content: bytes) -> dict[str, np.ndarray]:
    """The earlier format."""
    file = BytesIO(content)
    if _load(file)[0] != LEGACY_MAGIC:
        raise ValueError("it does not begin as one")
    # Version of the format, and properties of the machine that wrote the file.
    for _ in range(2):
        _load(file)
    state, named = _load(file)
    keys, _ = _load(file)
    storages = {}
    for key in keys:
        one = named[key]
        count = int.from_bytes(file.read(8), "little")
        if count != one.length or count * one.dtype.itemsize > len(content) - file.tell():
            raise ValueError("it ends too early")
        storages[key] = np.frombuffer(file.read(count * one.dtype.itemsize), one.dtype)
    return _named(state, storages)


def _of_zip(content: bytes) -> dict[str, np.ndarray]:
    """The current format."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = archive.namelist()
        home = next(one for one in names if one.endswith("data.pkl")).removesuffix("data.pkl")
        state, named = _load(BytesIO(_stored(archive, f"{home}data.pkl")))
        storages = {}
        for key, one in named.items():
            storages[key] = np.frombuffer(_stored(archive, f"{home}data/{key}"), one.dtype)
            if len(storages[key]) != one.length:
                raise ValueError("it ends too early")
    return _named(state, storages)


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file of the archive, which must be stored uncompressed: its size is known then."""
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise ValueError(f"{name} is packed")
    return archive.read(entry)


def _named(state: object, storages: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not isinstance(state, dict) or not state:
        raise ValueError("it holds no dictionary of tensors")
    if not all(type(name) is str and isinstance(one, _Tensor) for name, one in state.items()):
        raise ValueError("it holds something else than named tensors")
    return {name: one.values(storages) for name, one in state.items()}
