# SPDX-License-Identifier: GPL-2.0-or-later
"""How the C library gives out memory."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from grassdl import allocation

LIBRARY = Path(__file__).resolve().parents[1] / "lib"
SMALL_PAGES = "glibc.malloc.hugetlb=0"
LARGE_PAGES = "glibc.malloc.hugetlb=1"
MUST_ASK = allocation._glibc_knows() and allocation._kernel_gives_if_asked()
"""Whether this machine gives large pages to those who ask."""

PRELUDE = f"""
import os, resource, sys
from pathlib import Path
sys.path.insert(0, {str(LIBRARY)!r})
from grassdl import allocation

def faults(repeats):
    # Pages that the kernel hands out for 80 MB at once, 20 000 if they are small.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(repeats):
        [bytes(8_000_000) + b"1" for _ in range(10)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
"""

ANEW = """
print("begins", os.getpid(), sys.argv[1])
allocation.KERNEL = Path(sys.argv[2])
allocation.begin_with_large_pages()
print(os.environ.get("GLIBC_TUNABLES"))
"""
"""Tells how often it begins, and with which settings it goes on."""

only_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library gives out memory"
)


def environment(**variables):
    """That of the tests, without what is set for memory."""
    names = ("GLIBC_TUNABLES", "I_DL_BEGUN_ANEW")
    return {key: value for key, value in os.environ.items() if key not in names} | variables


def printed(program, *words, **variables):
    """What a program prints, in words."""
    call = [sys.executable, "-c", PRELUDE + program, *words]
    done = subprocess.run(
        call, capture_output=True, text=True, check=True, env=environment(**variables)
    )
    return done.stdout.split()


@pytest.fixture
def kernel(tmp_path):
    """What a kernel tells of large pages, of 2 MB if not told otherwise."""

    def folder(enabled, size=2 << 20):
        (tmp_path / "enabled").write_text(enabled)
        (tmp_path / "hpage_pmd_size").write_text(f"{size}\n")
        return str(tmp_path)

    return folder


@only_glibc
def test_memory_of_arrays_is_used_again():
    """The kernel hands out 80 MB, 20 000 pages, once and not ten times."""
    (kept,) = printed("allocation.keep_memory()\nprint(faults(10))")
    assert int(kept) < 30_000


@pytest.mark.skipif(not MUST_ASK, reason="large pages cannot be asked for here")
def test_large_pages_are_fewer():
    program = "allocation.begin_with_large_pages()\nprint(faults(1))"
    (large,) = printed(program)
    (small,) = printed(program, GLIBC_TUNABLES=SMALL_PAGES)
    assert int(large) < int(small) / 3


@only_glibc
@pytest.mark.parametrize(
    ("enabled", "given", "begins", "settings"),
    [
        ("always [madvise] never", {}, 2, LARGE_PAGES),
        (
            "always [madvise] never",
            {"GLIBC_TUNABLES": "glibc.malloc.check=0"},
            2,
            f"glibc.malloc.check=0:{LARGE_PAGES}",
        ),
        ("always [madvise] never", {"GLIBC_TUNABLES": SMALL_PAGES}, 1, SMALL_PAGES),
        ("[always] madvise never", {}, 1, "None"),
        ("always madvise [never]", {}, 1, "None"),
    ],
)
def test_a_program_begins_anew_where_large_pages_must_be_asked_for(
    kernel, enabled, given, begins, settings
):
    """Once, as the same process, with the words that it was called with."""
    *beginnings, setting = printed(ANEW, "input=a,b", kernel(enabled), **given)
    assert setting == settings
    assert beginnings == beginnings[:3] * begins
    assert beginnings[2] == "input=a,b"


@only_glibc
def test_a_program_does_not_begin_anew_for_pages_of_half_a_gigabyte(kernel):
    told = printed(ANEW, "x", kernel("always [madvise] never", 512 << 20))
    assert (told[0], told[3:]) == ("begins", ["None"])


def test_a_program_does_not_begin_anew_where_the_kernel_tells_nothing(tmp_path):
    assert printed(ANEW, "x", str(tmp_path / "absent"))[3:] == ["None"]


@only_glibc
def test_a_program_that_does_not_keep_its_settings_begins_anew_once(kernel):
    """As a privileged one, whose settings glibc removes."""
    told = printed("os.environ.pop('GLIBC_TUNABLES', '')\n" + ANEW, "x", kernel("[madvise]"))
    assert told == [*told[:3] * 2, "None"]


@only_glibc
def test_a_program_goes_on_where_it_cannot_begin_anew(kernel):
    told = printed("sys.executable = '/absent'\n" + ANEW, "x", kernel("[madvise]"))
    assert told[3:] == ["None"]


def test_predictions_have_large_pages_where_they_must_be_asked_for(grass_project, tmp_path):
    """Each beginning of a Python program tells its number and its settings."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if any('i.dl.predict' in word for word in sys.orig_argv):\n"
        "    with open(os.environ['BEGINNINGS'], 'a') as file:\n"
        "        print(os.getpid(), os.environ['GLIBC_TUNABLES'] or None, file=file)\n"
    )
    beginnings = tmp_path / "beginnings"
    paths = os.pathsep.join([str(tmp_path), grass_project.environment["PYTHONPATH"]])
    done = subprocess.run(
        grass_project.command("i.dl.predict", input="absent", model="absent", output="out"),
        env={
            **grass_project.environment,
            "PYTHONPATH": paths,
            "GLIBC_TUNABLES": "",
            "BEGINNINGS": str(beginnings),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("not found") == 1
    processes, settings = zip(*map(str.split, beginnings.read_text().splitlines()), strict=True)
    assert len(set(processes)) == 1
    assert settings == (("None", LARGE_PAGES) if MUST_ASK else ("None",))
