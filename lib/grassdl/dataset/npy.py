# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches as plain `.npy` files: written in pieces without holding them, read memory-mapped."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.lib import format as npy_format

from ..io.npy_files import read_header


@dataclass(frozen=True)
class ArrayFile:
    """A `.npy` file of known shape that is written piece by piece, in any order.

    Attributes:
        path: The file.
        shape: Its shape; the pieces are runs along the first axis.
        dtype: Its dtype; stored little-endian, so that files are equal on any machine.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype

    def create(self) -> None:
        """Make the file in its final size."""
        with self.path.open("wb") as file:
            file.write(self._header)
            file.truncate(len(self._header) + math.prod(self.shape) * self._stored.itemsize)

    def write(self, first: int, piece: np.ndarray) -> None:
        """Write an array (n, *shape[1:]) in the places from `first` on."""
        step = math.prod(self.shape[1:]) * self._stored.itemsize
        with self.path.open("r+b") as file:
            file.seek(len(self._header) + first * step)
            file.write(np.ascontiguousarray(piece, self._stored).data)

    @property
    def _stored(self) -> np.dtype:
        return np.dtype(self.dtype).newbyteorder("<")

    @cached_property
    def _header(self) -> bytes:
        buffer = io.BytesIO()
        content = {
            "descr": npy_format.dtype_to_descr(self._stored),
            "fortran_order": False,
            "shape": self.shape,
        }
        npy_format.write_array_header_1_0(buffer, content)
        return buffer.getvalue()


def read_array(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Memory-map a `.npy` file that must have this shape and dtype.

    Raises:
        ValueError: Missing, truncated, or other than the manifest says.
    """
    if not path.is_file():
        raise ValueError(f"Dataset is incomplete: <{path}> is missing")
    try:
        with path.open("rb") as file:
            header, begin = read_header(file), file.tell()
        held = path.stat().st_size - begin
        if held < header.bytes:
            raise ValueError(f"it has {held} of {header.bytes} bytes")
    except (ValueError, OSError) as error:
        raise ValueError(f"Dataset is damaged: <{path}> cannot be read ({error})") from None
    if header.shape != shape or header.dtype != dtype:
        raise ValueError(
            f"Dataset is damaged: <{path}> holds {header.dtype} {header.shape}, "
            f"the manifest says {np.dtype(dtype)} {shape}"
        )
    # An empty array cannot be mapped.
    if not header.bytes:
        return np.empty(shape, dtype)
    order: Literal["F", "C"] = "F" if header.fortran_order else "C"
    return np.memmap(path, dtype, "r", begin, shape, order)
