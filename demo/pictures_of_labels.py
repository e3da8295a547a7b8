# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures of what goes into a dataset: labels, scenes, heights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from painter import IMAGERY, LEGEND, SPLIT_TITLES, SPLITS, WINDOW, Painter, outlines
from run import stretched

from grassdl.core import plots
from grassdl.core.classes import MapClass
from grassdl.dataset.patchset import PatchSet


def draw_heights(painter: Painter, path: Path) -> None:
    """The height above ground of one patch, as each way of resampling makes it."""
    page = painter.page("i.dl_howto_heights", 1)
    panels = []
    for way in ("nearest", "bilinear", "bicubic"):
        dataset = page.home / way
        page.run(
            "i.dl.patches", "--overwrite", "group=ortho", "dsm=dsm", "dtm=dtm", "labels=reference",
            "size=64", "block_size=128", f"resample={way}", f"output={dataset}",
        )  # fmt: skip
        patches = PatchSet.open(dataset)
        images, labels = patches.arrays("train")
        if not panels:
            # The patch in which buildings and other ground are mixed best.
            roofs = (labels == patches.manifest.classes.labels.index("building")).mean(axis=(1, 2))
            shown = int(np.abs(roofs - 0.4).argmin())
            panels.append(("imagery", stretched(images[shown, ..., :3])))
        names = [band.name for band in patches.manifest.bands]
        heights = images[shown, ..., names.index("ndsm")]
        panels.append((f"ndsm, {way}", grey(heights)))
    plots.class_map_panel(panels, [], path)


def grey(values: np.ndarray) -> np.ndarray:
    """Values (rows, cols) as a grey picture, dark is low."""
    low, high = np.nanmin(values), np.nanmax(values)
    return np.repeat(((values - low) / (high - low))[..., np.newaxis], 3, axis=2)


def draw_many_scenes(painter: Painter, path: Path) -> None:
    """A part of three scenes over their label pictures."""
    page = painter.page("i.dl_howto_many_scenes", 1, 2, 3)
    images, pictures = [], []
    for number in (1, 2, 3):
        name = f"scene_{number}"
        page.run("r.in.gdal", "-k", "-o", "--o", f"input=scenes/images/{name}.tif", "output=one")
        page.run("r.in.gdal", "-k", "-o", "--o", f"input=scenes/labels/{name}.tif", "output=drawn")
        for place, band in enumerate(("red", "green", "blue"), start=1):
            page.run("r.colors", f"map=one.{place}", f"raster=ortho.{band}")
        page.run("g.region", "raster=one.1", *WINDOW[:2])
        image = ("d.rgb", "red=one.1", "green=one.2", "blue=one.3")
        images.append((f"images/{name}.tif", page.draw(image)))
        drawn = ("d.rgb", "red=drawn.1", "green=drawn.2", "blue=drawn.3")
        pictures.append((f"labels/{name}.tif", page.draw(drawn)))
    plots.class_map_panel(images + pictures, LEGEND, path)


def draw_text_classes(painter: Painter, path: Path) -> None:
    """Training areas by their texts, and the patches that were cut around them."""
    page = painter.page("i.dl_howto_text_classes", 1)
    page.run("g.region", "raster=ortho.red")
    dataset = page.home / "suburb_areas"
    classes = list(PatchSet.open(dataset).manifest.classes)
    areas = [
        (
            "d.vect", "map=training_areas", "type=area", f"fill_color={one.color}",
            "color=white", f"where=class = '{one.label}'",
        )
        for one in classes
    ]  # fmt: skip
    page.run("v.in.ogr", "--overwrite", f"input={dataset / 'patches.gpkg'}", "output=patches")
    panels = [
        ("imagery", page.draw(IMAGERY)),
        ("training_areas by class", page.draw(IMAGERY, *areas)),
        (
            "patches of the dataset",
            page.draw(IMAGERY, *areas, outlines("patches", "255:220:0", "width=1")),
        ),
    ]
    legend = [MapClass(one.value, one.full_name, one.color) for one in classes]
    plots.class_map_panel(panels, legend, path)


def draw_folds(painter: Painter, path: Path) -> None:
    """Where the folds lie, and the test patches."""
    page = painter.page("i.dl_howto_folds", 1)
    page.run("g.region", "raster=ortho.red")
    source = page.home / "folded" / "patches.gpkg"
    page.run("v.in.ogr", "--overwrite", f"input={source}", "output=patches")
    parts = {f"fold {fold}": f"fold = {fold} and split != 'test'" for fold in range(1, 6)}
    parts["test"] = "split = 'test'"
    panels = [
        (
            title,
            page.draw(
                IMAGERY,
                outlines("patches", "255:220:0", f"where={where}"),
            ),
        )
        for title, where in parts.items()
    ]
    plots.class_map_panel(panels, [], path)


def draw_drone(painter: Painter, path: Path) -> None:
    """Image and polygons, and the patches that were cut."""
    page = painter.page("i.dl_howto_drone", 1, 2, 4)
    for place, band in enumerate(("red", "green", "blue"), start=1):
        page.run("r.colors", f"map=drone.{place}", f"raster=ortho.{band}")
    source = page.home / "drone_patches" / "patches.gpkg"
    page.run("v.in.ogr", "--overwrite", f"input={source}", "output=patches")
    image = ("d.rgb", "red=drone.1", "green=drone.2", "blue=drone.3")
    polygons = outlines("polygons", "255:220:0", "width=2")
    page.run("g.region", "raster=drone.1")
    whole = page.draw(image, polygons)
    splits = [
        outlines("patches", color, "width=2", f"where=split = '{split}'")
        for split, color in SPLITS.items()
    ]
    patches = page.draw(image, *splits)
    page.run("g.region", *WINDOW)
    panels = [
        ("drone, polygons", whole),
        ("a part", page.draw(image, polygons)),
        ("drone_patches", patches),
    ]
    legend = [MapClass(0, SPLIT_TITLES[split], color) for split, color in SPLITS.items()]
    plots.class_map_panel(panels, legend, path)
