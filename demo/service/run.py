# SPDX-License-Identifier: GPL-2.0-or-later
"""Deep learning over HTTP: actinia trains on a project, classifies it, and gives map and report.

Starts actinia for this machine only, makes a user who may call four modules on one mapset, sends
the chains of `chains/`, fetches what they export, tries what that user may not do, and ends the
service:

    python3 demo/service/run.py --folder DIR

Needs GRASS with the toolset installed, Valkey or Redis, zip, and Python 3.12 or newer.
"""

from __future__ import annotations

import argparse
import copy
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chains
from actinia import STORES, Service
from client import Client, Refused

PROJECT = "suburb"
MODULES = ["i.dl.patches", "i.dl.train", "i.dl.predict", "i.dl.evaluate"]
NAMES = {"report.txt": "report.html"}
DEMO = Path(__file__).resolve().parent.parent


def make_project(grassdb: Path, python: str, grass: str) -> None:
    """The project of the embedded example, and a mapset in it that the user is not given."""
    grassdb.mkdir(parents=True, exist_ok=True)
    project = grassdb / PROJECT
    if not project.exists():
        print(f"Making the project {project}...", flush=True)
        subprocess.run(
            [python, DEMO / "project.py", project], check=True, stdout=subprocess.DEVNULL
        )
    if not (project / "private").exists():
        copy_map = ["g.copy", "raster=reference@PERMANENT,secret"]
        subprocess.run(
            [grass, "-c", project / "private", "--exec", *copy_map], check=True, capture_output=True
        )


def values(folder: Path, epochs: int) -> dict[str, str]:
    """The values of the words of the templates: maps with their mapset, folders of the server."""
    return {
        "group": "ortho@PERMANENT",
        "dsm": "dsm@PERMANENT",
        "dtm": "dtm@PERMANENT",
        "red": "ortho.red@PERMANENT",
        "nir": "ortho.nir@PERMANENT",
        "labels": "reference@PERMANENT",
        "dataset": str(folder / "data" / "patches"),
        "model": str(folder / "data" / "model"),
        "epochs": str(epochs),
    }


def send(client: Client, name: str, chain: dict[str, Any], results: Path) -> dict[str, Any]:
    """Run a chain, print its status, and fetch what it exports."""
    modules = ", ".join(step["module"] for step in chain["list"])
    print(
        f"\nPOST /projects/{PROJECT}/processing_async_export  {name}.json ({modules})", flush=True
    )
    begin = time.monotonic()
    answer = client.run(PROJECT, chain)
    print(f"  {answer['status']} after {time.monotonic() - begin:.0f} s: {answer['message']}")
    for step in answer["process_log"]:
        print(
            f"  {step['executable']}: exit status {step['return_code']}, {step['run_time']:.0f} s"
        )
    for path in client.fetch(answer, results, NAMES):
        print(f"GET {path.name}: {path.stat().st_size} bytes")
    return answer


def refusals(client: Client, filled: dict[str, str]) -> None:
    """Send what this user may not do."""
    print("\nWhat is refused:")
    ask = _asker(client)
    chain = chains.chain("predict", filled)
    ask("r.univar, a module that the user was not given", _with(chain, module="r.univar"))
    shell: dict[str, Any] = {
        "version": "1",
        "list": [{"id": "cat", "exe": "/bin/cat", "params": []}],
    }
    ask("/bin/cat, a program of the server", shell)
    private = {**filled, "labels": "secret@private"}
    ask("a map of the mapset <private>", chains.chain("evaluate", private))
    absent = {**filled, "group": "absent@PERMANENT"}
    ask("an imagery group that does not exist", chains.chain("predict", absent))
    stranger = Client(client.url, client.user, "guess")
    _asker(stranger)("a wrong password", chain)


def _asker(client: Client) -> Callable[[str, dict[str, Any]], None]:
    def ask(what: str, chain: dict[str, Any]) -> None:
        try:
            client.run(PROJECT, chain)
        except Refused as refused:
            print(f"  {what}:\n    {refused}", flush=True)
        else:
            sys.exit(f"ERROR: not refused: {what}")

    return ask


def _with(chain: dict[str, Any], module: str) -> dict[str, Any]:
    """The chain with another module in its first step."""
    changed = copy.deepcopy(chain)
    changed["list"][0]["module"] = module
    return changed


def accuracy(report: dict[str, Any]) -> str:
    """The first figures of the report of i.dl.evaluate."""
    figures = ("overall_accuracy", "kappa", "mean_iou")
    return ", ".join(f"{name} {report[name]:.3f}" for name in figures)


def parse() -> argparse.Namespace:
    """The command line."""
    home = Path.home()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=home / "i.dl-service")
    parser.add_argument("--environment", type=Path, help="that of actinia (default: in the folder)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--grass", default=os.environ.get("GRASS", "grass"))
    parser.add_argument(
        "--addons",
        type=Path,
        default=os.environ.get("GRASS_ADDON_BASE", home / ".grass8" / "addons"),
    )
    parser.add_argument("--store", choices=STORES, default="", help="default: what is installed")
    venv = os.environ.get("I_DL_VENV", home / ".local" / "share" / "i.dl" / "venv")
    parser.add_argument("--python", default=f"{venv}/bin/python", help="that of the toolset")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    folder = arguments.folder.absolute()
    if not (arguments.addons / "scripts" / "i.dl.predict").exists():
        sys.exit(f"ERROR: i.dl is not installed in {arguments.addons}: make install, or --addons=")
    make_project(folder / "grassdb", arguments.python, arguments.grass)
    shutil.rmtree(folder / "data", ignore_errors=True)
    (folder / "data").mkdir()
    environment = arguments.environment or folder / "environment"
    filled = values(folder, arguments.epochs)
    how = environment, arguments.grass, arguments.addons, arguments.store
    with Service(folder, *how) as service:
        print(f"actinia listens at {service.url}")
        password = service.create_user("analyst", MODULES, [f"{PROJECT}/PERMANENT"])
        print(f"The user <analyst> may call {', '.join(MODULES)} on {PROJECT}/PERMANENT")
        client = Client(service.url, "analyst", password)
        for name in ("train", "predict", "evaluate"):
            answer = send(client, name, chains.chain(name, filled), folder / "results" / name)
        print(f"  {accuracy(answer['process_results']['accuracy'])}")
        refusals(client, filled)
    print("\nThe service has ended.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
