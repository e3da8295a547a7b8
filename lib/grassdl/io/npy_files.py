# SPDX-License-Identifier: GPL-2.0-or-later
"""NumPy's `.npy` files, read only if they are as large as their headers state.

NumPy allocates the memory that a header asks for before it checks the size of the file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BufferedIOBase

import numpy as np
from numpy.lib import format as npy_format

from ..core.schema import shortened

VERSION = (1, 0)
"""Format version; others are for headers of more than 64 kB, which arrays of numbers do not
need."""


@dataclass(frozen=True)
class Header:
    """The header of a `.npy` file.

    Attributes:
        shape: Lengths of the axes.
        fortran_order: Whether the first axis is the fastest.
        dtype: A dtype of numbers.
    """

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        """Size of the array in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: BufferedIOBase) -> Header:
    """Read the header of a `.npy` file, after which the array begins.

    Raises:
        ValueError: It is invalid, or describes something else than an array of numbers.
    """
    try:
        if npy_format.read_magic(file) != VERSION:
            raise ValueError("a version for names of fields")
        header = Header(*npy_format.read_array_header_1_0(file))
    except OSError:
        raise
    # Python's parser, which NumPy calls for the header, raises many kinds of errors.
    except Exception as error:
        raise ValueError(f"it is no array of NumPy ({shortened(error)})") from None
    if header.dtype.kind not in "biuf" or header.dtype.subdtype or min(header.shape, default=0) < 0:
        raise ValueError("it holds no numbers in an array")
    return header


def read_npy(file: BufferedIOBase, size: int) -> np.ndarray:
    """Read an array from an open file, from the position at which the array begins.

    Args:
        file: The file.
        size: Bytes of the whole file; other arrays may follow.

    Raises:
        ValueError: It is damaged.
    """
    header = read_header(file)
    if header.bytes > size:
        raise ValueError(f"it declares {header.bytes} bytes, of which the file has {size} at most")
    values = np.empty(math.prod(header.shape), header.dtype)
    if file.readinto(values.view(np.uint8).data) < header.bytes:
        raise ValueError("it ends too early")
    return values.reshape(header.shape, order="F" if header.fortran_order else "C")
