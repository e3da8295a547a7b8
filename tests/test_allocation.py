# SPDX-License-Identifier: GPL-2.0-or-later
"""How the C library gives out memory."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from grassdl.allocation import ENABLED

LIBRARY = Path(__file__).resolve().parents[1] / "lib"

FAULTS = f"""
import os, resource, sys
from pathlib import Path
sys.path.insert(0, {str(LIBRARY)!r})
from grassdl import allocation
def faults(repeats):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(repeats):
        [bytes(8_000_000) + b"1" for _ in range(10)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
"""
"""How many pages the kernel hands out for 80 MB at once, 20 000 small ones."""

only_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library gives out memory"
)


def printed(program, *words, **variables):
    """What a program prints, in words."""
    environment = {key: value for key, value in os.environ.items() if key != "GLIBC_TUNABLES"}
    call = [sys.executable, "-c", FAULTS + program, *words]
    done = subprocess.run(
        call, capture_output=True, text=True, check=True, env={**environment, **variables}
    )
    return done.stdout.split()


@only_glibc
def test_memory_of_arrays_is_used_again():
    (kept,) = printed("allocation.keep_memory()\nprint(faults(10))")
    assert int(kept) < 30_000


@only_glibc
@pytest.mark.skipif(
    not ENABLED.exists() or "[never]" in ENABLED.read_text(), reason="no large pages here"
)
def test_large_pages_are_few():
    large, small = (
        int(printed("allocation.use_large_pages()\nprint(faults(1))", **variables)[0])
        for variables in ({}, {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"})
    )
    assert large < 4_000
    if "[madvise]" in ENABLED.read_text():
        assert small > 15_000


@pytest.mark.parametrize(
    ("enabled", "given", "begins", "tunables"),
    [
        ("always [madvise] never", {}, 2, "glibc.malloc.hugetlb=1"),
        (
            "always [madvise] never",
            {"GLIBC_TUNABLES": "glibc.malloc.check=0"},
            2,
            "glibc.malloc.check=0:glibc.malloc.hugetlb=1",
        ),
        (
            "always [madvise] never",
            {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=2"},
            1,
            "glibc.malloc.hugetlb=2",
        ),
        ("[always] madvise never", {}, 1, "None"),
        ("always madvise [never]", {}, 1, "None"),
        (None, {}, 1, "None"),
    ],
)
def test_a_program_begins_anew_where_large_pages_must_be_asked_for(
    tmp_path, enabled, given, begins, tunables
):
    """Once, as the same process, with the words that it was called with."""
    file = tmp_path / "enabled"
    if enabled:
        file.write_text(enabled)
    program = (
        "print('begins', os.getpid(), sys.argv[1], flush=True)\n"
        "allocation.ENABLED = Path(sys.argv[2])\n"
        "allocation.use_large_pages()\n"
        "print(os.environ.get('GLIBC_TUNABLES'))\n"
    )
    *beginnings, setting = printed(program, "input=a,b", str(file), **given)
    assert setting == tunables
    assert beginnings == beginnings[:3] * begins
    assert beginnings[2] == "input=a,b"
