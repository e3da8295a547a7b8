# SPDX-License-Identifier: GPL-2.0-or-later
"""Running GRASS modules to their end, one or several at the same time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from platform import node

import grass.script as gs
from grass.exceptions import CalledModuleError

from .mapset import current_mapset, mapset_folder

_running: set[subprocess.Popen[bytes]] = set()
"""Modules that `run_module` waits for."""


def run_module(module: str, stdin: str | None = None, **options: object) -> None:
    """Run a GRASS module quietly to its end; it is killed if this process is interrupted.

    GRASS clears the temporary files of an interrupted module only when its session ends.

    Raises:
        CalledModuleError: It failed.
    """
    process = gs.start_command(
        module, stdin=subprocess.PIPE if stdin is not None else None, **{"quiet": True, **options}
    )
    _running.add(process)
    try:
        process.communicate(None if stdin is None else stdin.encode())
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        _running.discard(process)
        if process.returncode:
            for file in mapset_folder(current_mapset()).glob(f".tmp/{node()}/{process.pid}.*"):
                file.unlink(missing_ok=True)
    if process.returncode:
        raise CalledModuleError(module, repr(options), process.returncode)


def side_by_side(tasks: Iterable[Callable[[], None]]) -> None:
    """Do tasks that run modules at the same time, started in their order.

    There is one thread more than there are cores, since only one task at a time can compute in
    Python itself, however many wait for modules.

    Raises:
        BaseException: What the first task raised that failed, or an interrupt of this process.
            Before, tasks that have not started are dropped, and the modules of the others are
            killed; Python code of these runs to its end.
    """
    with ThreadPoolExecutor(1 + (os.cpu_count() or 1)) as pool:
        futures = []
        try:
            for task in tasks:
                futures.append(pool.submit(task))
            for done in as_completed(futures):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            begun = [one for one in futures if not one.cancelled()]
            while wait(begun, timeout=0.02).not_done:
                for process in list(_running):
                    process.kill()
            raise
