# SPDX-License-Identifier: GPL-2.0-or-later
"""The pictures of the manual pages and of the README, from a folder that `make demo` has made.

~/.local/share/i.dl/venv/bin/python demo/pictures.py ~/i.dl-demo
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from run import GRASS, PROJECT
from scene import CLASSES

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "lib"))
from grassdl.core import plots  # noqa: E402
from grassdl.core.classes import MapClass  # noqa: E402

COPIES = {
    "dataset/overview.png": "i.dl.patches/i_dl_patches_overview.png",
    "model/history.png": "i.dl.train/i_dl_train_history.png",
    "accuracy_network.png": "i.dl.evaluate/i_dl_evaluate_accuracy.png",
}
"""Files of the demo and where they are shown."""

WIDTH, COLORS = 1000, 64
"""Of a picture in the manual: pixels across at most, and colours."""

REAL, REAL_ROW, REAL_LEGEND = "manual/i_dl_segments_compared.png", 450, 925
"""By demo/segments.py, of aerial imagery; where its first row ends and its legend begins."""

WINDOW = ("n=168160", "s=168080", "w=152120", "e=152220")
"""Where maps are shown closely: houses, a car park, trees."""

EDGE = 500
"""Pixels of a map's longer edge."""


class Painter:
    """Draws maps of the demo's project.

    Args:
        folder: Of the demo.
        scratch: For files in between.
    """

    def __init__(self, folder: Path, scratch: Path):
        self.folder, self._scratch = folder, scratch
        self._mapset = scratch / PROJECT / "pictures"
        # The demo's own maps stay as they are.
        (scratch / PROJECT).mkdir()
        (scratch / PROJECT / "PERMANENT").symlink_to(folder / PROJECT / "PERMANENT")
        self._start("-c", str(self._mapset), "-e")

    def run(self, *words: str, **environment: str) -> None:
        """Run a module in a mapset of its own."""
        self._start(str(self._mapset), "--exec", *words, **environment)

    def _start(self, *words: str, **environment: str) -> None:
        subprocess.run(
            [GRASS, *words], env={**os.environ, **environment}, check=True, capture_output=True
        )

    def draw(self, *layers: tuple[str, ...]) -> np.ndarray:
        """A picture (rows, cols, 3) of the region, made by calls of d.rast, d.rgb and d.vect."""
        file = self._scratch / "map.png"
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


LEGEND = [MapClass(one.value, one.label, ":".join(map(str, one.colour))) for one in CLASSES]
SPLITS = {"train": "0:114:178", "val": "213:94:0", "test": "255:220:0"}
IMAGERY = ("d.rgb", "red=ortho.red", "green=ortho.green", "blue=ortho.blue")


def outlines(name: str, color: str, *more: str) -> tuple[str, ...]:
    """A layer with the outlines of a vector map."""
    return ("d.vect", f"map={name}", "type=area", "fill_color=none", f"color={color}", *more)


def draw_prediction(painter: Painter, path: Path) -> None:
    """Class map, confidence and areas of a part of the scene."""
    painter.run(
        "i.dl.predict", "group=ortho", "dsm=dsm", "dtm=dtm", f"model={painter.folder / 'model'}",
        "output=classes2", "vector=areas", "minsize=80",
    )  # fmt: skip
    painter.run("g.region", *WINDOW)
    sure = outlines(
        "areas", "255:220:0", "where=label = 'building' and confidence > 0.9", "width=3"
    )
    panels = [
        ("imagery", painter.draw(IMAGERY)),
        ("classes", painter.draw(("d.rast", "classes_network"))),
        ("confidence", painter.draw(("d.rast", "confidence"))),
        ("buildings above 0.9", painter.draw(IMAGERY, sure)),
    ]
    plots.class_map_panel(panels, LEGEND, path)


def draw_review(painter: Painter, path: Path) -> None:
    """Suspects and suggestions of i.dl.review."""
    model = f"model={painter.folder / 'model'}"
    dataset = f"dataset={painter.folder / 'dataset'}"
    painter.run("i.dl.review", model, dataset, "suspects=doubtful")
    painter.run("g.region", "raster=ortho.red")
    painter.run(
        "i.dl.review", model, "group=ortho", "dsm=dsm", "dtm=dtm", "npatches=10",
        "suggestions=next_squares",
    )  # fmt: skip
    doubtful = outlines("doubtful", "255:0:0", "where=rank <= 10", "width=4")
    squares = outlines("next_squares", "255:220:0", "width=4")
    panels = [
        ("imagery and ten suspects", painter.draw(IMAGERY, doubtful)),
        ("reference and ten suspects", painter.draw(("d.rast", "reference"), doubtful)),
        ("ten suggested squares", painter.draw(IMAGERY, squares)),
    ]
    plots.class_map_panel(panels, LEGEND, path)


def draw_splits(painter: Painter, path: Path) -> None:
    """Where the patches of the three splits lie."""
    source = painter.folder / "dataset" / "patches.gpkg"
    painter.run("g.region", "raster=ortho.red")
    painter.run("v.in.ogr", f"input={source}", "output=patches")
    titles = {"train": "training", "val": "validation", "test": "test"}
    panels = [
        (
            f"{title} patches",
            painter.draw(IMAGERY, outlines("patches", SPLITS[split], f"where=split = '{split}'")),
        )
        for split, title in titles.items()
    ]
    legend = [MapClass(0, f"{title} patches", SPLITS[split]) for split, title in titles.items()]
    plots.class_map_panel(panels, legend, path)


def draw_first(painter: Painter, path: Path) -> None:
    """The README's picture: maps of aerial imagery over those of the demo."""
    segments = Image.open(CHECKOUT / REAL).convert("RGB")
    ours = Image.open(painter.folder / "maps.png").convert("RGB")
    ours = ours.resize((segments.width, round(ours.height * segments.width / ours.width)))
    width = segments.width // 4
    top = segments.crop((0, 0, segments.width, REAL_ROW))
    legend = segments.crop((0, REAL_LEGEND, segments.width, segments.height))
    picture = Image.new("RGB", (segments.width, REAL_ROW + legend.height + ours.height), "white")
    # Imagery, reference, and what the network made of it; the forest on segments is left out.
    for place, column in enumerate((0, 1, 3)):
        panel = top.crop((column * width, 0, (column + 1) * width, REAL_ROW))
        picture.paste(panel, (width // 2 + place * width, 0))
    picture.paste(legend, (0, REAL_ROW))
    picture.paste(ours, (0, REAL_ROW + legend.height))
    picture.save(path)


def shrink(source: Path, target: Path) -> None:
    """Copy a picture with fewer pixels and colours."""
    picture = Image.open(source).convert("RGB")
    if picture.width > WIDTH:
        size = WIDTH, round(picture.height * WIDTH / picture.width)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    few = picture.quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(target, optimize=True)


DRAWN = {
    "demo/first.png": draw_first,
    "i.dl.predict/i_dl_predict_maps.png": draw_prediction,
    "i.dl.review/i_dl_review_areas.png": draw_review,
    "manual/i_dl_splits.png": draw_splits,
}
"""Pictures that are drawn for the manual."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where make demo has been")
    parser.add_argument("names", nargs="*", help="only files whose names hold one of these")
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()

    def wanted(target: str) -> bool:
        return not arguments.names or any(name in target for name in arguments.names)

    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        for source, target in COPIES.items():
            if wanted(target):
                shrink(folder / source, CHECKOUT / target)
        painter = Painter(folder, scratch)
        for target, draw in DRAWN.items():
            if wanted(target):
                draw(painter, scratch / "drawn.png")
                shrink(scratch / "drawn.png", CHECKOUT / target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
