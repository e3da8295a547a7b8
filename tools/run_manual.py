#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the shell blocks of all manual pages, as a reader would, in the project of the example.

Each page gets a copy of the project that `make demo` makes, a small model of it, and a home of its
own, and runs its blocks one after the other, as they are but for `SMALLER`. That takes minutes: the
test suite only checks that modules, options and choices exist (tests/test_manual_commands.py).

    python tools/run_manual.py                     # all pages
    python tools/run_manual.py i.dl_howto_drone    # some
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from manual_blocks import Block, blocks  # noqa: E402

SMALLER = (
    (re.compile(r"\bepochs=\d+"), ""),
    (re.compile(r"\bi\.dl\.train(?= )"), "i.dl.train epochs=2"),
    (re.compile(r"\bstride=32\b"), "stride=64"),
    (re.compile(r"\bnpatches=200\b"), "npatches=60"),
)
"""What is replaced so that a page takes no longer than it must: epochs and numbers of patches."""

LEFT_OUT = {
    "i.dl.patches:2": "opens a monitor on a display",
    "i.dl.export:1": "needs packages that make setup does not install",
    "i.dl.import:1": "needs packages that make setup does not install",
    "i.dl.import:2": "takes a file that only names what it is",
    "i.dl.train:2": "continues a training that was cut short; that of the page has ended",
    "i.dl.tune:2": "trains fifteen networks",
    "i.dl.tune:3": "takes an hour",
    "i.dl.tune:4": "trains twenty networks",
    "i.dl_howto_cluster:2": "starts workers on machines that only name what they are",
    "i.dl_howto_cluster:3": "asks a scheduler on such a machine",
    "i.dl_howto_cluster:4": "is a job of a batch system",
    "i.dl_howto_cluster:5": "needs four GPUs",
    "i.dl_howto_cluster:6": "needs scenes; tests/test_many_scenes.py runs it",
    "i.dl_howto_cluster:7": "needs scenes; tests/test_many_scenes.py runs it",
    "i.dl_howto_folds:3": "continues a training that was cut short; that of the page has ended",
    "i.dl_howto_many_maps:1": "computes a hundred mapsets of a project that only names what it is",
    "i.dl_howto_many_maps:2": "is a job of a cluster with GPUs",
    "i.dl_howto_segments:7": "needs i.segment.stats, an addon",
    "i.dl_howto_segments:8": "needs v.class.mlR, an addon, and R",
    "i.dl_howto_service:1": "needs Debian 13, and starts a service",
    "i.dl_howto_service:2": "needs podman",
    "i.dl_howto_service:3": "makes a Debian in a chroot, which takes a quarter of an hour",
}
"""Blocks that are not run, and why; their options are checked in the suite."""

MARK = "####"
"""Begins the lines that tell what became of a block."""

PREPARATION = """
set -e
g.region raster=ortho.red
i.dl.patches group=ortho dsm=dsm dtm=dtm red=ortho.red nir=ortho.nir labels=reference size=64 \
    block_size=128 split=60,15,25 output=$HOME/i.dl-demo/dataset
i.dl.train input=$HOME/i.dl-demo/dataset network=unet depth=3 filters=8 epochs=3 \
    output=$HOME/i.dl-demo/model
i.dl.predict group=ortho dsm=dsm dtm=dtm model=$HOME/i.dl-demo/model output=classes_network
g.region -d
"""
"""What `make demo` leaves to the pages, with a smaller network."""


PAGE_PREPARATION = {
    "i.dl_howto_series": """
set -e
g.region raster=ortho.red
for day in 20210410 20210629 20210828 20220412 20220701 20220825; do
    for band in red nir; do
        r.mapcalc -s "s2_${day}_$band = if(rand(0, 5), int(ortho.$band * rand(0.9, 1.1)), null())"
    done
done
for day in 20210410 20210828; do
    for band in vv vh; do
        r.mapcalc "s1_${day}_$band = exp(ortho.nir / 1000. - 4)"
    done
done
v.db.addcolumn map=training_areas columns="crop varchar(20)"
v.db.update map=training_areas column=crop query_column=class
g.rename vector=training_areas,fields
for map in $(g.list type=raster pattern="s1_*"); do
    case $map in *_vv) label=VV ;; *_vh) label=VH ;; esac
    echo "$map|${map:3:4}-${map:7:2}-${map:9:2}|$label"
done > $HOME/s1.txt
t.create output=sentinel1 title="Sentinel-1" description="Backscatter"
t.register input=sentinel1 file=$HOME/s1.txt
""",
}
"""What the examples of a page take besides: a season of imagery."""


def run(mapset: Path, home: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a session, with a home of its own."""
    return subprocess.run(
        [os.environ.get("GRASS", "grass"), str(mapset), "--exec", "bash", "-c", script],
        cwd=home,
        env=os.environ | {"HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def prepare(folder: Path) -> Path:
    """Make the home that every page gets a copy of."""
    home = folder / "home"
    (home / "i.dl-demo").mkdir(parents=True)
    project = home / "i.dl-demo" / "suburb"
    subprocess.run([sys.executable, ROOT / "demo" / "project.py", project, "--later"], check=True)
    done = run(project / "PERMANENT", home, PREPARATION)
    if done.returncode:
        sys.exit(f"The preparation failed:\n{done.stdout}")
    return home


def shortened(text: str) -> str:
    """A block with smaller numbers, and the home's environment of Python where it names one."""
    for pattern, replacement in SMALLER:
        text = pattern.sub(replacement, text)
    return text.replace("~/.local/share/i.dl/venv/bin/python", sys.executable)


def page_script(page: list[Block]) -> str:
    """A script that runs the blocks of a page one after the other, whatever becomes of them."""
    parts = []
    for block in page:
        if block.name in LEFT_OUT:
            parts.append(f"echo '{MARK} {block.name} left out: {LEFT_OUT[block.name]}'")
            continue
        parts.append(f"begin=$SECONDS\n(\nset -e\n{shortened(block.text)})")
        ended = 'result=$([ $? = 0 ] && echo ran || echo "FAILED, see above:")'
        parts.append(f'{ended}\necho "{MARK} {block.name} $result in $((SECONDS - begin)) s"')
    return "\n".join(parts)


def run_page(home: Path, page: list[Block]) -> int:
    """Run the blocks of a page in one session, in a fresh copy of the home; how many failed."""
    place = home.with_name(page[0].page)
    shutil.copytree(home, place)
    mapset = place / "i.dl-demo" / "suburb" / "PERMANENT"
    if preparation := PAGE_PREPARATION.get(page[0].page):
        prepared = run(mapset, place, preparation)
        if prepared.returncode:
            sys.exit(f"The preparation of {page[0].page} failed:\n{prepared.stdout}")
    done = run(mapset, place, page_script(page))
    results = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    failed = sum(" FAILED" in line for line in results)
    # A session that ended early leaves blocks without result.
    failed += len(page) - len(results)
    print(done.stdout if failed else "\n".join(results), flush=True)
    shutil.rmtree(place)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", help="names of pages (default: all)")
    wanted = parser.parse_args().pages
    by_page: dict[str, list[Block]] = {}
    for block in blocks():
        by_page.setdefault(block.page, []).append(block)
    if unknown := set(wanted) - set(by_page):
        parser.error(f"no page with blocks: {', '.join(sorted(unknown))}")
    # Sessions would be made in the addons' folder of the new home.
    addons = Path.home() / ".grass8" / "addons"
    os.environ.setdefault("GRASS_ADDON_BASE", str(addons))
    with tempfile.TemporaryDirectory() as scratch:
        home = prepare(Path(scratch))
        failed = sum(run_page(home, by_page[one]) for one in wanted or by_page)
    print(f"{failed} blocks failed" if failed else "All blocks ran")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
