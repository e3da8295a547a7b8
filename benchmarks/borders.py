# SPDX-License-Identifier: GPL-2.0-or-later
"""What borders are worth where outlines are known roughly: objects of a network that is right.

The crowns of a NEON image, ellipses in boxes, are drawn many times with edges that are moved at
random. The share of the drawings in which a cell has a class, or is border, is what a network at
its best can say of that cell if it knows outlines no better. From these probabilities objects are
made as i.dl.predict makes them, and compared with the crowns. Without borders they are the
connected areas of the class. No network is trained, and GRASS is not needed.

    python benchmarks/borders.py [--data FOLDER] [--borders 0 2 4 6] [--unsure 1 2 4]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "lib"))
from objects import CASES, DATA, crown_boxes, drawn  # noqa: E402
from records import record  # noqa: E402

from grassdl.core.classes import MapClass  # noqa: E402
from grassdl.core.object_borders import border_cells  # noqa: E402
from grassdl.evaluate.metrics.objects import (  # noqa: E402
    KnownObjects,
    ObjectMatch,
    object_report,
)
from grassdl.predict.decision import Decision  # noqa: E402
from grassdl.predict.objects.finder import ObjectFinder  # noqa: E402
from grassdl.predict.objects.settings import ObjectSettings  # noqa: E402

CELLS = 400
DRAWINGS = 24
BACKGROUND, CROWN, BORDER = range(3)
FIGURES = ("predicted", "f1", "segmentation_quality", "panoptic_quality", "area_bias")


def probabilities(boxes: np.ndarray, unsure: float, borders: int) -> np.ndarray:
    """The shares of the classes (rows, cols, classes) in drawings whose edges are moved.

    Args:
        boxes: The edges of the crowns in cells (n, 4).
        unsure: Standard deviation of an edge in cells.
        borders: Width of the border class; 0 for none.
    """
    generator = np.random.default_rng(1)
    counts = np.zeros((CELLS, CELLS, 3 if borders else 2), np.float32)
    for _ in range(DRAWINGS):
        ids = drawn(boxes + generator.normal(0, unsure, boxes.shape), CELLS)
        labels = np.where(ids > 0, CROWN, BACKGROUND)
        if borders:
            labels[border_cells(ids, labels, borders)] = BORDER
        counts += np.eye(counts.shape[-1], dtype=np.float32)[labels]
    return counts / DRAWINGS


def objects_of(shares: np.ndarray, borders: int) -> np.ndarray:
    """The numbers of the objects (rows, cols) that i.dl.predict makes of probabilities."""
    border = BORDER if borders else None
    decision = Decision(shares.shape[-1], object_classes=(CROWN,), border=border)
    band = decision.empty(CELLS, CELLS)
    everywhere = (slice(None), slice(None))
    decision.decide(band, everywhere, shares, np.zeros((CELLS, CELLS), bool))
    settings = ObjectSettings((CROWN,), border, borders, CASES["crowns"].minsize)
    with tempfile.TemporaryDirectory() as folder:
        finder = ObjectFinder(settings, Path(folder), CELLS)
        finder.add(band)
        finder.close()
        return np.concatenate(list(finder.result().rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--borders", type=int, nargs="+", default=[0, 2, 4, 6])
    parser.add_argument("--unsure", type=float, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"ERROR: <{arguments.data}> is not there: say with --data where the image is")
    boxes = crown_boxes(arguments.data)
    for unsure in arguments.unsure:
        for borders in arguments.borders:
            match = ObjectMatch((KnownObjects(), KnownObjects()))
            match.add(
                objects_of(probabilities(boxes, unsure, borders), borders), drawn(boxes, CELLS)
            )
            found = object_report(match.counts(), MapClass(CROWN, "crown", ""))
            configuration = {"unsure": unsure, "borders": borders}
            record("borders", configuration, **{key: found[key] for key in FIGURES})
    return 0


if __name__ == "__main__":
    sys.exit(main())
