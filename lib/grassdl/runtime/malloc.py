# SPDX-License-Identifier: GPL-2.0-or-later
"""What glibc does with freed memory: kept by the process, it need not be cleared by the kernel
again.

glibc's `mallopt` is called; where another C library allocates, nothing happens.
Source: the manual of glibc, "Malloc Tunable Parameters".
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4
"""Parameters of `mallopt` (malloc.h)."""

PIECE_BYTES, KEPT_BYTES = 32 << 20, 128 << 20
"""For arrays of some MB: the largest array that is allocated on the heap, the most that glibc
allows, and how much freed memory the heap keeps."""

NEVER, STEP_BYTES = -1, 256 << 20
"""For training: freed memory is never returned, and the heap grows in large steps."""


def keep_pieces() -> None:
    """Let this process reuse the memory of freed arrays of some MB.

    Otherwise glibc returns it each time, and the kernel clears each page before it is used again: a
    tenth of the time of work on arrays of tens of MB.
    """
    _set({MMAP_THRESHOLD: PIECE_BYTES, TRIM_THRESHOLD: KEPT_BYTES})


def keep_everything() -> None:
    """Let this process keep all memory that it frees, whatever the size of the arrays.

    For training, whose steps allocate and free the same arrays; to be called before Keras' backend
    is imported. Memory use stays at its maximum, which the next step would reach again.
    """
    _set({MMAP_MAX: 0, TRIM_THRESHOLD: NEVER, TOP_PAD: STEP_BYTES})


def _set(parameters: dict[int, int]) -> None:
    with suppress(AttributeError, OSError, TypeError):
        allocator = ctypes.CDLL(None)
        for parameter, value in parameters.items():
            allocator.mallopt(parameter, value)
