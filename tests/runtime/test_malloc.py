# SPDX-License-Identifier: GPL-2.0-or-later
"""What the C library does with freed memory."""

import platform
import subprocess
import sys

import pytest

from paths import LIBRARY

PROGRAM = f"""
import resource, sys
sys.path.insert(0, {str(LIBRARY)!r})
from grassdl.runtime import malloc as allocation
getattr(allocation, sys.argv[1])()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    [bytes(int(sys.argv[2])) + b"1" for _ in range(80_000_000 // int(sys.argv[2]))]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Takes and frees 80 MB ten times, in arrays of so many bytes; prints the pages it was given."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library allocates")
@pytest.mark.parametrize(
    ("kept", "size"),
    [("keep_pieces", 8_000_000), ("keep_everything", 8_000_000), ("keep_everything", 40_000_000)],
)
def test_memory_of_arrays_is_used_again(kept, size):
    """The kernel hands out 80 MB, 20 000 pages, once or twice and not ten times."""
    call = [sys.executable, "-c", PROGRAM, kept, str(size)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 70_000
