# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches as plain `.npy` files: written in order without holding them, read memory-mapped."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format


class ArrayWriter:
    """Writes a `.npy` file of known shape piece by piece and hashes its content.

    Args:
        path: The file.
        shape: Its shape; the pieces follow each other along the first axis.
        dtype: Its dtype; stored little-endian, so that files are equal on any machine.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype):
        self.shape = shape
        self.dtype = np.dtype(dtype).newbyteorder("<")
        self.digest = hashlib.sha256()
        self._file = path.open("wb")
        header = {
            "descr": npy_format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": shape,
        }
        npy_format.write_array_header_1_0(self._file, header)

    def write(self, piece: np.ndarray) -> None:
        """Append an array of shape (n, *shape[1:]) or (*shape[1:])."""
        content = np.ascontiguousarray(piece, self.dtype).data
        self.digest.update(content)
        self._file.write(content)

    def close(self) -> None:
        """Close the file; an error of the disk that shows only now is raised."""
        self._file.close()


def read_array(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Memory-map a `.npy` file that must have this shape and dtype.

    Raises:
        ValueError: Missing, truncated, or other than the manifest says.
    """
    # An empty array cannot be mapped.
    mode = "r" if shape[0] else None
    try:
        array = np.load(path, mmap_mode=mode, allow_pickle=False)
    except FileNotFoundError:
        raise ValueError(f"Dataset is incomplete: <{path}> is missing") from None
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"Dataset is damaged: <{path}> cannot be read ({error})") from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(f"Dataset is damaged: <{path}> is an archive, not an array")
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"Dataset is damaged: <{path}> holds {array.dtype} {array.shape}, "
            f"the manifest says {np.dtype(dtype)} {shape}"
        )
    return array
