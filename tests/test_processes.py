# SPDX-License-Identifier: GPL-2.0-or-later
"""Work that several processes share."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grassdl.processes import run_jobs

LIBRARY = Path(__file__).resolve().parents[1] / "lib"


def square_and_process(number):
    return number * number, os.getpid()


def refuse_three(number):
    if number == 3:
        raise ValueError("three is too many")
    return number


def end(number):
    os._exit(7)


@pytest.mark.parametrize("nprocs, processes", [(1, 1), (2, 2), (9, 5)])
def test_every_job_is_done_once_by_as_many_processes_as_there_is_work_for(nprocs, processes):
    results = list(run_jobs(square_and_process, range(5), nprocs))
    assert sorted(square for square, _ in results) == [0, 1, 4, 9, 16]
    used = {process for _, process in results}
    assert len(used) == processes
    assert (os.getpid() in used) == (nprocs == 1)


def test_nothing_to_do_is_done_at_once():
    assert list(run_jobs(square_and_process, [], 2)) == []


@pytest.mark.parametrize("nprocs", [1, 2])
def test_an_error_of_the_work_comes_through(nprocs):
    with pytest.raises(ValueError, match="three is too many"):
        list(run_jobs(refuse_three, range(6), nprocs))


def test_a_process_that_ends_early_is_told():
    with pytest.raises(ChildProcessError, match="ended before its work was done"):
        list(run_jobs(end, range(2), 2))


def test_processes_end_with_the_one_that_started_them(tmp_path):
    """Also when that one is killed and can tell them nothing."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys, time\n"
        f"sys.path.insert(0, {str(LIBRARY)!r})\n"
        "from grassdl.processes import run_jobs\n"
        "def work(number):\n"
        "    time.sleep(0.05)\n"
        "    return os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    for process in run_jobs(work, range(10000), 2):\n"
        "        print(process, flush=True)\n"
    )
    running = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
    workers = set()
    while len(workers) < 2:
        workers.add(int(running.stdout.readline()))
    running.send_signal(signal.SIGKILL)
    running.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers):
        assert time.monotonic() < deadline, "a worker outlived the process that started it"
        time.sleep(0.05)
