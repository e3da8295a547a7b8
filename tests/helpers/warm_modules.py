# SPDX-License-Identifier: GPL-2.0-or-later
"""The modules of the toolset as commands, for programs that tests start.

A folder of addons holds a small script for each module. It hands its call over to this process,
which runs it by `warm_python`: to import TensorFlow for each call would take too long.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import warm_python
from paths import CHECKOUT

SCRIPT = """#!{python} -S
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as channel:
    channel.connect({address!r})
    stream = channel.makefile("rw")
    print(json.dumps([os.path.basename(sys.argv[0]), sys.argv[1:], dict(os.environ)]), file=stream)
    stream.flush()
    status, out, err = json.loads(stream.readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""


@contextmanager
def addons(folder: Path, modules: Sequence[str], eagerly: bool = False) -> Iterator[Path]:
    """A new folder for `GRASS_ADDON_BASE`, whose commands work as long as the context lasts.

    They run the modules that `GRASS_ADDON_BASE` has now, otherwise those of the checkout, in the
    working folder of this process: paths in their options must be full ones.

    Args:
        folder: Is made.
        modules: The names of the commands.
        eagerly: Step by step, without graphs: to make these takes longer than to train a small
            network for one epoch.
    """
    (folder / "scripts").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        address = str(folder / "calls")
        server.bind(address)
        server.listen()
        for name in modules:
            script = folder / "scripts" / name
            script.write_text(SCRIPT.format(python=sys.executable, address=address))
            script.chmod(script.stat().st_mode | stat.S_IXUSR)
        added = {warm_python.EAGERLY: "1"} if eagerly else {}
        threading.Thread(target=_answer, args=(server, added), daemon=True).start()
        yield folder


def _answer(server: socket.socket, added: dict[str, str]) -> None:
    """Run what is asked for, one call after the other, until the socket is closed."""
    while True:
        try:
            channel, _ = server.accept()
        except OSError:
            return
        with channel, channel.makefile("rw") as stream:
            name, arguments, environment = json.loads(stream.readline())
            words = [sys.executable, _script(name), *arguments]
            packages = warm_python.PACKAGES.get(name, warm_python.KERAS)
            done = warm_python.run(words, {**environment, **added}, packages=packages)
            print(json.dumps([done.returncode, done.stdout, done.stderr]), file=stream)


def _script(name: str) -> str:
    """The file of a module."""
    base = os.environ.get("GRASS_ADDON_BASE")
    return str(Path(base, "scripts", name) if base else CHECKOUT / name / f"{name}.py")
