# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs Python scripts in processes that have imported packages when they begin.

To import Keras and TensorFlow takes 5 to 7 s of processor time, and GDAL, SciPy and Matplotlib more
than a second: longer than most tests that need them. A server, this file run as a program, imports
them once and forks for each script, which is a process of its own in all else: environment, working
folder, standard streams, signals, exit status. Only its end is short: to take TensorFlow's modules
apart would take another second.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

KERAS = ("keras",)

WITHOUT_KERAS = (
    "numpy",
    "msgspec",
    "scipy.ndimage",
    "scipy.sparse.csgraph",
    "scipy.spatial",
    "matplotlib.figure",
    "matplotlib.image",
    "matplotlib.backends.backend_agg",
    "osgeo.ogr",
)
"""What a module imports that writes a GeoPackage: TensorFlow's own SQLite cannot."""

PACKAGES = {
    "i.dl.patches": WITHOUT_KERAS,
    **dict.fromkeys(
        ["i.dl.train", "i.dl.tune", "i.dl.predict", "i.dl.evaluate", "i.dl.review", "i.dl.export"],
        KERAS,
    ),
}
"""The modules that are run so, and what each imports."""

EAGERLY = "RUN_FUNCTIONS_EAGERLY"
"""A variable of the environment: where it is set, TensorFlow makes no graphs."""


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    stdin: str | None = None,
    packages: tuple[str, ...] = KERAS,
) -> subprocess.CompletedProcess[str]:
    """Run a Python script with its arguments to its end, as `subprocess.run` does.

    Args:
        words: The script and its arguments.
        environment: All of it.
        stdin: What it reads.
        packages: What is imported when it begins, `KERAS` or `WITHOUT_KERAS`.
    """
    if words[0] == sys.executable:
        words = words[1:]
    else:
        words = [shutil.which(words[0], path=environment["PATH"]), *words[1:]]
    with tempfile.TemporaryDirectory() as folder:
        streams = [str(Path(folder, name)) for name in ("stdin", "stdout", "stderr")]
        Path(streams[0]).write_text(stdin or "")
        task = {
            "words": words,
            "environment": dict(environment),
            "folder": str(Path.cwd()),
            "streams": streams,
        }
        server = _server(packages)
        try:
            print(json.dumps(task), file=server.stdin, flush=True)
            status = int(server.stdout.readline())
        except BaseException:
            # The answer that is still to come would be taken for that of the next script.
            os.killpg(server.pid, signal.SIGKILL)
            _server.cache_clear()
            raise
        out, err = (Path(name).read_text() for name in streams[1:])
    return subprocess.CompletedProcess(words, status, out, err)


@cache
def _server(packages: tuple[str, ...]) -> subprocess.Popen[str]:
    from grassdl.runtime.keras_backend import UNUSED

    hidden = UNUSED if packages == KERAS else ()
    words = [sys.executable, __file__, ",".join(packages), *hidden]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    server = subprocess.Popen(words, **pipes, text=True, start_new_session=True)
    # It ends where its standard input does.
    atexit.register(server.communicate)
    return server


def _fork_for_each_task(packages: Sequence[str], hidden: Sequence[str]) -> dict:
    """Serve; returns in the forked processes, with their task.

    Args:
        packages: What is imported before.
        hidden: What Keras must not find while it is imported. They are given, since the library's
            own modules must be those that a script finds.
    """
    sys.modules.update(dict.fromkeys(hidden))
    for name in packages:
        import_module(name)
    # All its modules stay but the first, so that nobody finds it imported before he does so.
    for name in {"keras", *hidden} & sys.modules.keys():
        del sys.modules[name]
    # What is frozen is not looked through, and so not copied, where a script collects its garbage.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        process = os.fork()
        if not process:
            return json.loads(line)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    os._exit(0)


def redirect(streams: Sequence[str]) -> None:
    """Read and write files in place of standard input, output and error of this process."""
    for number, name in enumerate(streams):
        opened = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)


def _become(words: list[str], environment: dict[str, str], folder: str, streams: list[str]) -> None:
    """Take over arguments, environment, folder and streams."""
    redirect(streams)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False, errors="backslashreplace")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = words
    added = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [str(Path(words[0]).parent), *filter(None, added)]
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _run_to_the_end() -> int:
    """Run the script that `sys.argv` names, and what it left for its end; returns its status."""
    if os.environ.get(EAGERLY) and "tensorflow" in sys.modules:
        sys.modules["tensorflow"].config.run_functions_eagerly(True)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        status = _status(end.code)
    except BaseException:
        traceback.print_exc()
        status = 1
    else:
        status = 0
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _status(code: object) -> int:
    """The status that Python gives the system for what a script exits with."""
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    _become(**_fork_for_each_task(sys.argv[1].split(","), sys.argv[2:]))
    os._exit(_run_to_the_end())
