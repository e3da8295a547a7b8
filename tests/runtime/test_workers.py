# SPDX-License-Identifier: GPL-2.0-or-later
"""Work that several processes share."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grassdl.runtime.workers import Workers
from jobs import End, RefuseThree, Square
from paths import LIBRARY


@pytest.mark.parametrize("nprocs, processes", [(1, 1), (2, 2), (4, 3)])
def test_every_job_is_done_once_by_as_many_processes_as_there_is_work_for(nprocs, processes):
    with Workers(nprocs) as workers:
        results = list(workers.run(Square(), range(3)))
        again = list(workers.run(Square(), range(3)))
    assert sorted(square for square, _, _ in results) == [0, 1, 4]
    assert all(in_main_thread for _, in_main_thread, _ in results)
    used = {process for _, _, process in results}
    assert len(used) == processes
    assert (os.getpid() in used) == (nprocs == 1)
    assert {process for _, _, process in again} == used


@pytest.mark.parametrize("nprocs", [1, 3])
def test_results_come_in_the_order_of_the_jobs_if_they_must(nprocs):
    with Workers(nprocs) as workers:
        for number in (7, 1, 0):
            results = list(workers.run_in_order(Square(), range(number)))
            assert [square for square, _, _ in results] == [job**2 for job in range(number)]
            assert len({process for _, _, process in results}) == min(nprocs, number)


def test_one_job_is_read_while_the_one_before_is_written():
    events = []

    class Slow:
        def read(self, job):
            events.append(f"read {job}")

        def write(self, job, data):
            time.sleep(0.2)
            events.append(f"written {job}")

    with Workers(1) as workers:
        list(workers.run(Slow(), range(2)))
    assert events == ["read 0", "read 1", "written 0", "written 1"]


def test_nothing_to_do_is_done_at_once():
    with Workers(2) as workers:
        assert list(workers.run(Square(), [])) == []


@pytest.mark.parametrize("nprocs", [1, 2])
def test_an_error_of_the_work_comes_through(nprocs):
    with Workers(nprocs) as workers, pytest.raises(ValueError, match="three is too many"):
        list(workers.run(RefuseThree(), range(6)))


def test_a_process_that_ends_early_is_told():
    with Workers(2) as workers, pytest.raises(ChildProcessError, match="before its work was done"):
        list(workers.run(End(), range(2)))


def test_processes_end_with_the_one_that_started_them(tmp_path):
    """Also when that one is killed and can tell them nothing."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys, time\n"
        f"sys.path.insert(0, {str(LIBRARY)!r})\n"
        "from grassdl.runtime.workers import Workers\n"
        "class Work:\n"
        "    def read(self, job):\n"
        "        time.sleep(0.05)\n"
        "    def write(self, job, data):\n"
        "        return os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    with Workers(2) as workers:\n"
        "        for process in workers.run(Work(), range(10000)):\n"
        "            print(process, flush=True)\n"
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
