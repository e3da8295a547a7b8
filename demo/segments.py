# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks and segments on real imagery: five classifications of one area in one table.

On USDA NAIP imagery of Ohio (see --data) `i.segment` makes segments of several sizes; then the
test area is classified by

- a random forest on segments (mean and standard deviation of the bands and of NDVI, size, shape),
- a network on pixels,
- the same network by segment (i.dl.predict, segment_method=mean),
- a random forest on segments that also has the network's mean probabilities of each segment,
- a random forest on segments that also has the means of the network's last hidden layer
  (segment_features=last).

The network's probabilities and features in the areas that it was trained on are better than
elsewhere; the last two forests learn from them all the same, as most users would.

    python demo/segments.py [--data FOLDER] [--areas 00,03,05,06,07,09] [--network unet]
        [--epochs 15] [--model FOLDER] [--sizes 0.02:20,0.05:40,0.05:160] [--picture FILE]
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "benchmarks"), str(CHECKOUT / "lib")]
from naip import (  # noqa: E402
    BANDS,
    LABELS,
    TEST_AREA,
    TRAINING_AREAS,
    Project,
    parsed,
    with_ndvi,
)
from records import printed_object  # noqa: E402

from grassdl.core import plots  # noqa: E402
from grassdl.core.classes import MapClass  # noqa: E402
from grassdl.core.integer_tables import distinct_places  # noqa: E402

CLASSES = max(LABELS) + 1
PURE = 0.7
"""Segments teach their class where at least this share of their labelled cells has it."""

COLORS = ("222:220:190", "200:40:40", "90:90:90", "230:190:90", "40:110:50", "60:120:200")
"""By class value."""

WINDOW = (slice(700, 1100), slice(50, 550))
"""Rows and columns of the test area that the picture shows."""

TITLES = {
    "forest": "random forest on segments",
    "pixels": "network on pixels",
    "segments": "network by segment",
    "both": "forest on segments and network",
    "features": "forest on segments and features",
}


FORESTS = {"forest": (), "both": ("prob_", "entropy"), "features": ("feat_",)}
"""What the names of the columns begin with that each forest has of the network."""


class Area:
    """Arrays of one area, for features and scores of segments.

    Args:
        project: Where the maps are.
        name: The area, such as 01.
        folder: For scratch files.
    """

    def __init__(self, project: Project, name: str, folder: Path):
        self.project, self.name, self._scratch = project, name, folder / "band.bin"
        project.run("g.region", f"raster=label{name}")
        bands = [self.read(f"a{name}.{band}", np.uint8, 0) for band in BANDS]
        self.image = with_ndvi(np.dstack(bands))
        self.data = np.any(np.dstack(bands), axis=-1)
        self.labels = self.read(f"label{name}", np.uint8, 255)

    def read(self, raster: str, dtype: type, null: int) -> np.ndarray:
        """A raster map in the region."""
        told = self.project.run("g.region", f"raster={raster}", "-g").split()
        region = dict(line.split("=") for line in told if "=" in line)
        size = np.dtype(dtype).itemsize
        self.project.run(
            "r.out.bin", "-i", f"input={raster}", f"output={self._scratch}", f"bytes={size}",
            f"null={null}", "--overwrite",
        )  # fmt: skip
        shape = int(region["rows"]), int(region["cols"])
        return np.fromfile(self._scratch, dtype).reshape(shape)

    def segment(self, threshold: str, minsize: str) -> np.ndarray:
        """Segments of the area (rows, cols) int32; 0 is none. The map is called segmentsNN."""
        self.project.run("g.region", f"raster=label{self.name}")
        self.project.run(
            "i.segment", f"group=a{self.name}", f"output=segments{self.name}",
            f"threshold={threshold}", f"minsize={minsize}", "memory=1500", "--overwrite",
        )  # fmt: skip
        return self.read(f"segments{self.name}", np.int32, 0)


def describe(area: Area, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of the segments of an area, and the classes of their labels.

    Returns:
        Ids (segments,); means and standard deviations of the layers, cells, and the cells of the
        outline as a share (segments, features); labelled cells by class (segments, CLASSES).
    """
    inside = (ids > 0) & area.data
    found, place = distinct_places(ids[inside])
    cells = np.bincount(place)
    features = []
    for layer in np.moveaxis(area.image, -1, 0):
        values = layer[inside].astype(np.float64)
        mean = np.bincount(place, values) / cells
        square = np.bincount(place, values**2) / cells
        features += [mean, np.sqrt(np.maximum(square - mean**2, 0))]
    outline = np.zeros(ids.shape, bool)
    outline[1:] |= ids[1:] != ids[:-1]
    outline[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    features += [cells, np.bincount(place, outline[inside]) / cells]
    labels = area.labels[inside].astype(np.int64)
    known = labels < CLASSES
    counts = np.bincount(place[known] * CLASSES + labels[known], minlength=len(cells) * CLASSES)
    return found, np.stack(features, axis=-1), counts.reshape(-1, CLASSES)


def columns_of(path: Path, ids: np.ndarray, *beginnings: str) -> np.ndarray:
    """Columns of i.dl.predict's table of segments whose names begin so (segments, columns)."""
    with path.open() as file:
        rows = {int(row["cat"]): row for row in csv.DictReader(file, delimiter="|")}
    names = [name for name in next(iter(rows.values())) if name.startswith(beginnings)]
    return np.array([[float(rows[one][name]) for name in names] for one in ids.tolist()])


def forest(features: np.ndarray, counts: np.ndarray) -> RandomForestClassifier:
    """A forest that has learnt from the pure ones among labelled segments, by their cells."""
    labelled = counts.sum(axis=1)
    pure = counts.max(axis=1) >= PURE * np.maximum(labelled, 1)
    use = pure & (labelled > 0)
    model = RandomForestClassifier(
        n_estimators=200, min_samples_leaf=2, max_features="sqrt", n_jobs=-1, random_state=0
    )
    return model.fit(features[use], counts[use].argmax(axis=1), sample_weight=labelled[use])


def write_classes(area: Area, raster: str, classes: np.ndarray, folder: Path) -> None:
    """Make a raster map of classes (rows, cols) uint8; 255 is NULL."""
    raw = folder / "classes.bin"
    classes.tofile(raw)
    told = area.project.run("g.region", f"raster=label{area.name}", "-g").split()
    region = dict(line.split("=") for line in told if "=" in line)
    edges = {"north": "n", "south": "s", "east": "e", "west": "w", "rows": "rows", "cols": "cols"}
    place = [f"{name}={region[key]}" for name, key in edges.items()]
    area.project.run(
        "r.in.bin",
        f"input={raw}",
        f"output={raster}",
        "bytes=1",
        "anull=255",
        *place,
        "--overwrite",
    )  # fmt: skip


def predict(project: Project, area: str, model: Path, table: Path, *more: str) -> None:
    """Classify an area by segment; features take the network, whose probabilities are not kept."""
    project.run("g.region", f"raster=label{area}")
    project.run(
        "i.dl.predict", f"group=a{area}", f"output=pixels{area}", f"model={model}",
        f"segments=segments{area}", f"segment_stats={table}", "segment_features=last", *more,
        "--overwrite",
    )  # fmt: skip


def one_size(project: Project, areas: list[Area], size: str, model: Path, folder: Path) -> dict:
    """The scores of all classifications with segments of one size."""
    learnt: dict[str, list[np.ndarray]] = {"counts": [], **{name: [] for name in FORESTS}}
    for area in areas:
        ids = area.segment(*size.split(":"))
        table = folder / f"segments{area.name}.csv"
        last = area.name == TEST_AREA
        more = ["segment_output=segments"] if last else []
        predict(project, area.name, model, table, *more)
        found, own, counts = describe(area, ids)
        known = {
            name: np.hstack([own, columns_of(table, found, *begun)]) if begun else own
            for name, begun in FORESTS.items()
        }
        if not last:
            for key, part in {"counts": counts, **known}.items():
                learnt[key].append(part)
    counts = np.concatenate(learnt["counts"])
    for name, features in known.items():
        model_of = forest(np.concatenate(learnt[name]), counts)
        lookup = np.full(found.max() + 1, 255, np.uint8)
        lookup[found] = model_of.predict(features)
        write_classes(area, name, np.where(area.data, lookup[np.maximum(ids, 0)], 255), folder)
    project.run("g.region", f"raster=label{TEST_AREA}")
    project.run("g.copy", f"raster=pixels{TEST_AREA},pixels", "--overwrite")
    scores = {name: project.evaluate(name) for name in TITLES}
    scores["segmentation"] = segmentation(project)
    print(f"\n{len(found)} segments of {size.replace(':', ', minsize ')}", flush=True)
    print(table_of(scores), flush=True)
    return scores


def draw(area: Area, path: Path) -> None:
    """Picture of a part of the area: imagery, reference and the classifications."""
    classes = [
        MapClass(value, label, color)
        for (value, label), color in zip(LABELS.items(), COLORS, strict=True)
    ]
    panels = [("imagery", area.image[WINDOW][..., :3] / 255)]
    panels.append(("reference", plots.paint(area.labels[WINDOW], classes)))
    for name, title in TITLES.items():
        found = area.read(name, np.uint8, 255)[WINDOW]
        panels.append((title, plots.paint(found, classes)))
    plots.class_map_panel(panels, classes, path)


def segmentation(project: Project) -> dict:
    """The figures of i.dl.evaluate on the segments."""
    told = project.run(
        "i.dl.evaluate", "classification=pixels", f"reference=label{TEST_AREA}",
        f"segments=segments{TEST_AREA}", "format=json",
    )  # fmt: skip
    return printed_object(told)["segments"]


def table_of(scores: dict) -> str:
    """The scores as a Markdown table, and a line about the segments."""
    keys = ("overall_accuracy", "kappa", "f1_macro", "mean_iou")
    names = [one["label"] for one in scores["pixels"]["classes"]]
    head = ["", "overall", "kappa", "macro F1", "mean IoU", *(f"F1 {name}" for name in names)]
    lines = [head, ["---"] * len(head)]
    for name, title in TITLES.items():
        figures = [scores[name][key] for key in keys]
        figures += [one["f1"] or 0 for one in scores[name]["classes"]]
        lines.append([title, *(f"{figure:.3f}" for figure in figures)])
    segments = scores["segmentation"]
    fit = segments["segmentation"]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    borders = ", ".join(
        f"{one['distance']:g}: {one['f1_macro']:.3f} -> {one['f1_macro_by_segment']:.3f}"
        for one in segments["borders"]
    )
    return (
        f"{text}\nover-segmentation {fit['over_weighted']:.3f}, under-segmentation "
        f"{fit['under_weighted']:.3f} (by area); boundary F1 within cells {borders}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--areas", default=",".join(TRAINING_AREAS), help="to learn from")
    parser.add_argument("--network", default="unet")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--model", type=Path, help="a model folder to take, instead of training")
    parser.add_argument("--sizes", default="0.02:20,0.05:40,0.05:160", help="threshold:minsize")
    parser.add_argument("--picture", type=Path, help="PNG file of a part of the first size's maps")
    parser.add_argument("--output", type=Path, help="folder to keep (default: a temporary one)")
    arguments = parsed(parser)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.output or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        names = [*arguments.areas.split(","), TEST_AREA]
        project = Project(folder, arguments.data, tuple(names))
        model = arguments.model or folder / "model"
        if not arguments.model:
            datasets = [project.cut(area, folder, 128, 64) for area in names[:-1]]
            project.run(
                "i.dl.train", f"input={','.join(map(str, datasets))}", f"output={model}",
                f"network={arguments.network}", f"epochs={arguments.epochs}",
            )  # fmt: skip
        areas = [Area(project, name, folder) for name in names]
        for place, size in enumerate(arguments.sizes.split(",")):
            one_size(project, areas, size, model, folder)
            if arguments.picture and not place:
                draw(areas[-1], arguments.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
