# SPDX-License-Identifier: GPL-2.0-or-later
"""Draws maps of the demo's project, and runs the commands of manual pages there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from run import GRASS, PROJECT
from scene import CLASSES

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "lib"), str(CHECKOUT / "tests" / "helpers")]
from grassdl.core.classes import MapClass  # noqa: E402
from manual_blocks import blocks  # noqa: E402

LEGEND = [MapClass(one.value, one.label, ":".join(map(str, one.colour))) for one in CLASSES]
IMAGERY = ("d.rgb", "red=ortho.red", "green=ortho.green", "blue=ortho.blue")

SPLITS = {"train": "0:114:178", "val": "213:94:0", "test": "255:220:0"}
SPLIT_TITLES = {
    "train": "training patches",
    "val": "validation patches",
    "test": "test patches",
}

WINDOW = ("n=168160", "s=168080", "w=152120", "e=152220")
"""Where maps are shown closely: houses, a car park, trees."""

EDGE = 500
"""Pixels of a map's longer edge."""

Layer = tuple[str, ...]


class Painter:
    """Draws maps in a copy of the demo's project: the demo's own maps stay as they are.

    Args:
        demo: Folder of the demo.
        home: Holds the copy, which is made where there is none, and files in between.
    """

    def __init__(self, demo: Path, home: Path):
        self.demo, self.home = demo, home
        self._mapset = home / PROJECT / "PERMANENT"
        if not self._mapset.is_dir():
            shutil.copytree(demo / PROJECT, home / PROJECT)
            (home / "i.dl-demo").symlink_to(demo)

    def run(self, *words: str, **environment: str) -> None:
        """Run a module."""
        self._start(str(self._mapset), "--exec", *words, **environment)

    def page(self, name: str, *numbers: int, **replaced: str) -> Painter:
        """Run some blocks of a manual page, as they are, and return a painter of their maps.

        The blocks have a home of their own in the folder of the demo, and are run again only after
        they have changed: some train for minutes.

        Args:
            name: Of the page.
            numbers: Of its blocks, from 1.
            replaced: Options that have another value here, such as `epochs="12"`.
        """
        script = "set -e\n" + "".join(
            block.text for block in blocks() if block.page == name and block.number in numbers
        )
        for option, value in replaced.items():
            words = script.split(" ")
            script = " ".join(
                f"{option}={value}" if one.startswith(f"{option}=") else one for one in words
            )
        home = self.demo / "pages" / name
        ran = home / "ran.sh"
        if not ran.is_file() or ran.read_text() != script:
            shutil.rmtree(home, ignore_errors=True)
            print(f"Running the blocks of {name}...", flush=True)
            Painter(self.demo, home).run("bash", "-c", script, HOME=str(home))
            ran.write_text(script)
        return Painter(self.demo, home)

    def _start(self, *words: str, **environment: str) -> None:
        here = {"KERAS_HOME": str(Path.home() / ".keras"), **os.environ, **environment}
        done = subprocess.run(
            [GRASS, *words], cwd=self.home, env=here, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"ERROR: {' '.join(words)} failed:\n{done.stdout}{done.stderr}")

    def draw(self, *layers: Layer) -> np.ndarray:
        """A picture (rows, cols, 3) of the region, made by calls of d.rast, d.rgb and d.vect."""
        file = self.home / "map.png"
        file.unlink(missing_ok=True)
        for words in layers:
            self.run(
                *words,
                GRASS_RENDER_IMMEDIATE="cairo",
                GRASS_RENDER_FILE=str(file),
                GRASS_RENDER_FILE_READ="TRUE",
                GRASS_RENDER_WIDTH=str(EDGE),
                GRASS_RENDER_HEIGHT=str(EDGE),
            )
        picture = np.asarray(Image.open(file).convert("RGB"))
        drawn = (picture != 255).any(axis=2)
        rows, cols = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
        return picture[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]


def outlines(name: str, color: str, *more: str) -> Layer:
    """A layer with the outlines of a vector map."""
    return ("d.vect", f"map={name}", "type=area", "fill_color=none", f"color={color}", *more)
