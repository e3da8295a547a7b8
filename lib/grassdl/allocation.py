# SPDX-License-Identifier: GPL-2.0-or-later
"""How the C library gives out memory: the time that the kernel takes to hand out pages is saved.

All of it is told to glibc, and left out where another library allocates.
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
"""The setting that makes glibc ask for large pages."""

KNOWN_SINCE = (2, 35)
"""The first glibc that knows it."""

BEGUN_ANEW = "I_DL_BEGUN_ANEW"
"""Variable of the environment with the number of the process that has begun anew: glibc does not
let a privileged program keep its settings."""

KERNEL = Path("/sys/kernel/mm/transparent_hugepage")
"""Where the kernel tells to whom it gives large pages (to all, to those who ask, or to none), and
how large these are."""

LARGEST_PAGE = 2 << 20
"""Bytes of a large page on most processors. Those of others have half a gigabyte: a heap of such
pages would not keep to any memory."""


def begin_with_large_pages() -> None:
    """Replace this process by the same call with large pages for large arrays, where the kernel
    gives them to those who ask; else nothing happens.

    Memory that is touched for the first time, as a network's is at its first window, is handed out
    by the page, and the kernel of a virtual machine takes 4 us for one of 4 kB. Call it before
    anything is opened, or started in a thread.

    Source: glibc's manual, "Memory Allocation Tunables"; Linux' admin guide, "Transparent Hugepage
    Support".
    """
    settings = os.environ.get(TUNABLES, "")
    has_begun = os.environ.get(BEGUN_ANEW) == str(os.getpid())
    if has_begun or LARGE_PAGES in settings or not (_glibc_knows() and _kernel_gives_if_asked()):
        return
    settings = ":".join(filter(None, [settings, f"{LARGE_PAGES}=1"]))
    environment = {**os.environ, TUNABLES: settings, BEGUN_ANEW: str(os.getpid())}
    sys.stdout.flush()
    sys.stderr.flush()
    # Where it cannot be started again, it goes on as it is.
    with suppress(OSError):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


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


def _glibc_knows() -> bool:
    try:
        name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    except (AttributeError, OSError, ValueError):
        return False
    return name == "glibc" and tuple(map(int, version.split(".")[:2])) >= KNOWN_SINCE


def _kernel_gives_if_asked() -> bool:
    try:
        gives = (KERNEL / "enabled").read_text()
        size = int((KERNEL / "hpage_pmd_size").read_text())
    except (OSError, ValueError):
        return False
    return "[madvise]" in gives and size <= LARGEST_PAGE
