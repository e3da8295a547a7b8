# SPDX-License-Identifier: GPL-2.0-or-later
"""Starts actinia, GRASS's REST service, and its key-value store, for this machine only."""

from __future__ import annotations

import configparser
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TextIO

HOST = "127.0.0.1"
START_S = 120
STORES = ("valkey-server", "redis-server")
REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"


class Service:
    """actinia on the loopback, from entering the context to leaving it.

    Args:
        folder: Holds `grassdb` with the projects, and takes all that the service writes.
        environment: The Python environment of actinia; made if it is absent.
        grass: The command that starts GRASS.
        addons: Where the toolset is installed.
        store: The program of the key-value store; the first of `STORES` that is installed if empty.
    """

    def __init__(self, folder: Path, environment: Path, grass: str, addons: Path, store: str = ""):
        self.folder = folder
        self.environment = environment
        self.grass = grass
        self.addons = addons
        self.store = store
        self.url = ""
        self._processes: list[subprocess.Popen[bytes]] = []
        self._variables = os.environ | {"DEFAULT_CONFIG_PATH": str(folder / "actinia.cfg")}

    def __enter__(self) -> Service:
        store = _store(self.store)
        make_environment(self.environment)
        for name in ("grassdb", "userdata", "temporary", "resources", "cache", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        try:
            self._start(store)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End what was started, actinia before its store, and what that started itself."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait()
            # The process of its queue outlives it, and takes no other signal.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        self._processes.clear()

    def create_user(self, name: str, modules: list[str], mapsets: list[str]) -> str:
        """A user who may run these modules on these mapsets (`project/mapset`), and no more.

        Returns:
            The user's password.
        """
        password = secrets.token_urlsafe()
        words = {
            "--user_id": name,
            "--user_group": "group",
            "--password": password,
            "--role": "user",
            "--modules": ",".join(modules),
            "--datasets": ",".join(mapsets),
            "--cell_limit": str(10**9),
            "--process_num_limit": "10",
            "--process_time_limit": "3600",
        }
        call = [self.environment / "bin" / "actinia-user", "create"]
        done = subprocess.run(
            [*call, *(word for pair in words.items() for word in pair)],
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # The exit status is 0, whatever happened.
        if "Created user" not in done.stdout:
            sys.exit(f"ERROR: the user <{name}> could not be made: {done.stdout.strip()}")
        return password

    def _start(self, store: str) -> None:
        store_port, port = _free_ports(2)
        password = secrets.token_urlsafe()
        settings = self.folder / "store.conf"
        _write_private(
            settings,
            f'bind {HOST}\nport {store_port}\nrequirepass {password}\nsave ""\ndir {self.folder}\n',
        )
        self._run("store", store, str(settings))
        _wait_for_port(store_port, self._processes[-1], self.folder / "log" / "store.log")
        self._configure(store_port, password)
        self._run(
            "actinia",
            str(self.environment / "bin" / "gunicorn"),
            f"--bind={HOST}:{port}",
            "--workers=1",
            "--threads=4",
            "actinia_core.main:flask_app",
        )
        self.url = f"http://{HOST}:{port}/api/v3"
        self._wait_for_health()

    def _run(self, name: str, *words: str) -> None:
        with (self.folder / "log" / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    words,
                    cwd=self.folder,
                    env=self._variables,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _configure(self, store_port: int, store_password: str) -> None:
        topdir = subprocess.check_output([self.grass, "--config", "path"], text=True).strip()
        config = configparser.ConfigParser(interpolation=None)
        config.read_dict(
            {
                "GRASS": {
                    "GRASS_DATABASE": self.folder / "grassdb",
                    "GRASS_USER_DATABASE": self.folder / "userdata",
                    "GRASS_TMP_DATABASE": self.folder / "temporary",
                    "GRASS_RESOURCE_DIR": self.folder / "resources",
                    "GRASS_GIS_BASE": topdir,
                    "GRASS_GIS_START_SCRIPT": shutil.which(self.grass),
                    "GRASS_ADDON_PATH": self.addons,
                    "GRASS_MODULES_XML_PATH": f"{topdir}/gui/wxpython/xml/module_items.xml",
                },
                "KVDB": {
                    "KVDB_SERVER_URL": HOST,
                    "KVDB_SERVER_PORT": store_port,
                    "KVDB_SERVER_PW": store_password,
                    "WORKER_LOGFILE": self.folder / "log" / "worker.log",
                },
                "MISC": {
                    "TMP_WORKDIR": self.folder / "temporary",
                    "DOWNLOAD_CACHE": self.folder / "cache",
                    "SECRET_KEY": secrets.token_urlsafe(),
                },
                "LOGGING": {"LOG_LEVEL": 2},
            }
        )
        with _private(self.folder / "actinia.cfg") as file:
            config.write(file)

    def _wait_for_health(self) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._processes[-1].poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health_check", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        sys.exit(f"ERROR: actinia did not start: see {self.folder / 'log' / 'actinia.log'}")


def make_environment(folder: Path) -> None:
    """Make actinia's Python environment, unless it is there."""
    if (folder / "bin" / "gunicorn").exists():
        return
    if sys.version_info < (3, 12):
        sys.exit("ERROR: actinia 7 needs Python 3.12 or newer: run this on Debian 13, for instance")
    print(f"Installing actinia into {folder}...", flush=True)
    # Python's GDAL comes from the system.
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-r", REQUIREMENTS], check=True)


def _store(name: str) -> str:
    for one in [name] if name else STORES:
        if found := shutil.which(one, path=f"{os.environ['PATH']}:/usr/sbin"):
            return found
    missing = name or " or ".join(STORES)
    sys.exit(f"ERROR: there is no {missing}: apt-get install {name or STORES[0]}")


def _free_ports(count: int) -> list[int]:
    """Free ports."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"ERROR: the key-value store did not start: see {log}")


def _private(path: Path) -> TextIO:
    """A file for passwords, to be written, that only this user can read."""
    path.unlink(missing_ok=True)
    return open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: PTH123


def _write_private(path: Path, text: str) -> None:
    with _private(path) as file:
        file.write(text)
