# SPDX-License-Identifier: GPL-2.0-or-later
"""The pictures of the manual pages and of the README, from a folder that `make demo` has made.

~/.local/share/i.dl/venv/bin/python demo/pictures.py ~/i.dl-demo
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from diagrams import draw_diagrams
from painter import CHECKOUT, IMAGERY, LEGEND, SPLIT_TITLES, SPLITS, WINDOW, Painter, outlines
from pictures_of_labels import (
    draw_drone,
    draw_folds,
    draw_heights,
    draw_many_scenes,
    draw_text_classes,
)
from pictures_of_maps import (
    draw_adapt,
    draw_few_labels,
    draw_many_maps,
    draw_objects,
    draw_seams,
    draw_toolset,
)
from PIL import Image

from grassdl.core import plots
from grassdl.core.classes import MapClass

COPIES = {
    "dataset/overview.png": "i.dl.patches/i_dl_patches_overview.png",
    "model/history.png": "i.dl.train/i_dl_train_history.png",
    "accuracy_network.png": "i.dl.evaluate/i_dl_evaluate_accuracy.png",
}
"""Files of the demo and where they are shown."""

WIDTHS, COLORS = (800, 700, 600), (64, 32)
"""Of a picture in the manual, pixels across at most and colours: the first that fit in."""

MOST_BYTES = 150_000

REAL, REAL_ROW, REAL_LEGEND = "manual/i_dl_segments_compared.png", 450, 925
"""By demo/segments.py, of aerial imagery; where its first row ends and its legend begins."""


def draw_prediction(painter: Painter, path: Path) -> None:
    """Class map, confidence and areas of a part of the scene."""
    painter.run(
        "i.dl.predict", "group=ortho", "dsm=dsm", "dtm=dtm", f"model={painter.demo / 'model'}",
        "output=classes2", "vector=areas", "minsize=80",
    )  # fmt: skip
    painter.run("g.region", *WINDOW)
    sure = outlines(
        "areas", "255:220:0", "where=label = 'building' and confidence > 0.9", "width=3"
    )
    panels = [
        ("imagery", painter.draw(IMAGERY)),
        ("classes", painter.draw(("d.rast", "classes_network"))),
        ("confidence", painter.draw(("d.rast", "confidence_network"))),
        ("buildings above 0.9", painter.draw(IMAGERY, sure)),
    ]
    plots.class_map_panel(panels, LEGEND, path)


def draw_review(painter: Painter, path: Path) -> None:
    """Suspects and suggestions of i.dl.review."""
    model = f"model={painter.demo / 'model'}"
    dataset = f"dataset={painter.demo / 'dataset'}"
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
    source = painter.demo / "dataset" / "patches.gpkg"
    painter.run("g.region", "raster=ortho.red")
    painter.run("v.in.ogr", f"input={source}", "output=patches")
    panels = [
        (
            title,
            painter.draw(IMAGERY, outlines("patches", SPLITS[split], f"where=split = '{split}'")),
        )
        for split, title in SPLIT_TITLES.items()
    ]
    legend = [MapClass(0, title, SPLITS[split]) for split, title in SPLIT_TITLES.items()]
    plots.class_map_panel(panels, legend, path)


def draw_first(painter: Painter, path: Path) -> None:
    """The README's picture: maps of aerial imagery over those of the demo."""
    segments = Image.open(CHECKOUT / REAL).convert("RGB")
    ours = Image.open(painter.demo / "maps.png").convert("RGB")
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
    for width, colors in itertools.product(WIDTHS, COLORS):
        few = picture.copy()
        few.thumbnail((width, picture.height), Image.Resampling.LANCZOS)
        few = few.quantize(colors, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(target, optimize=True)
        if target.stat().st_size <= MOST_BYTES:
            return


DRAWN: dict[str, Callable[[Painter, Path], None]] = {
    "demo/first.png": draw_first,
    "i_dl_toolset.png": draw_toolset,
    "i.dl.predict/i_dl_predict_maps.png": draw_prediction,
    "i.dl.review/i_dl_review_areas.png": draw_review,
    "manual/i_dl_adapt.png": draw_adapt,
    "manual/i_dl_drone.png": draw_drone,
    "manual/i_dl_few_labels.png": draw_few_labels,
    "manual/i_dl_folds.png": draw_folds,
    "manual/i_dl_heights.png": draw_heights,
    "manual/i_dl_many_maps.png": draw_many_maps,
    "manual/i_dl_many_scenes.png": draw_many_scenes,
    "manual/i_dl_objects.png": draw_objects,
    "manual/i_dl_seams.png": draw_seams,
    "manual/i_dl_splits.png": draw_splits,
    "manual/i_dl_text_classes.png": draw_text_classes,
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

    for source, target in COPIES.items():
        if wanted(target):
            shrink(folder / source, CHECKOUT / target)
    draw_diagrams(wanted)
    for target, draw in DRAWN.items():
        if wanted(target):
            print(target, flush=True)
            with tempfile.TemporaryDirectory() as scratch:
                drawn = Path(scratch) / "drawn.png"
                draw(Painter(folder, Path(scratch)), drawn)
                shrink(drawn, CHECKOUT / target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
