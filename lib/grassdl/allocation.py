# SPDX-License-Identifier: GPL-2.0-or-later
"""How the C library gives out memory: the time that the kernel takes to hand out pages is saved.

What is told here of glibc has no effect where another library allocates.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

MAPPED_BYTES, KEPT_BYTES = 32 << 20, 128 << 20
"""What `keep_memory` lets come from the heap at most, the most that glibc allows, and lets the heap
keep."""

TUNABLES = "GLIBC_TUNABLES"
"""Variable of the environment with the settings that glibc reads when a process begins."""

LARGE_PAGES = "glibc.malloc.hugetlb"

ENABLED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
"""Tells whether the kernel hands out large pages: to all, to those who ask, or never."""


def use_large_pages() -> None:
    """Begin this program anew, with pages of 2 MB where it has large arrays, if they must be asked
    for. To be called first of all: what was done before is done again.

    Memory that is touched for the first time, as a network's is at its first window, is handed out
    by the page. The kernel of a virtual machine takes 4 us for one of 4 kB.

    Source: glibc's manual, "Memory Allocation Tunables"; Linux' admin guide, "Transparent Hugepage
    Support".
    """
    set_before = os.environ.get(TUNABLES, "")
    if LARGE_PAGES in set_before or not _must_be_asked_for():
        return
    both = filter(None, [set_before, f"{LARGE_PAGES}=1"])
    call = [sys.executable, *sys.orig_argv[1:]]
    # Where it cannot be started again, it goes on as it is.
    with suppress(OSError):
        os.execve(sys.executable, call, {**os.environ, TUNABLES: ":".join(both)})


def keep_memory() -> None:
    """Let this process use the memory of arrays of some MB again when it has freed them.

    Else glibc gives it back each time, and the kernel clears each page before it hands it out anew:
    that took a tenth of the time of work in pieces of tens of MB.
    """
    trim_threshold, mmap_threshold = -1, -3
    # Other C libraries lack it, and have rules of their own.
    with suppress(AttributeError, OSError, TypeError):
        allocator = ctypes.CDLL(None)
        allocator.mallopt(mmap_threshold, MAPPED_BYTES)
        allocator.mallopt(trim_threshold, KEPT_BYTES)


def _must_be_asked_for() -> bool:
    try:
        return "[madvise]" in ENABLED.read_text()
    except OSError:
        return False
