# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures of what i.dl.predict makes, for the pages that tell how."""

from __future__ import annotations

from pathlib import Path

from painter import IMAGERY, LEGEND, WINDOW, Painter, outlines

from grassdl.core import plots

INPUTS = ("group=ortho", "dsm=dsm", "dtm=dtm")

TILES = {
    "west": ("n=168160", "s=168096", "w=152128", "e=152160"),
    "east": ("n=168160", "s=168096", "w=152160", "e=152192"),
}
"""Two regions of 128 columns that meet."""

UNLIKE = "if(abs(alone_sure_joined - tile_sure_joined) >= 0.02, 1, null())"

BOTH_TILES = ("n=168160", "s=168096", "w=152128", "e=152192")


def draw_toolset(painter: Painter, path: Path) -> None:
    """What goes in and what comes out: imagery, labels, class map, and where it is wrong."""
    painter.run("g.region", "raster=ortho.red")
    source = painter.demo / "dataset" / "patches.gpkg"
    painter.run("v.in.ogr", f"input={source}", "output=patches", "where=split = 'test'")
    painter.run(
        "r.mapcalc",
        "wrong = if(isnull(classes_network) || isnull(reference), null(), "
        "classes_network != reference)",
    )
    painter.run("bash", "-c", "printf '0 240:240:240\n1 213:94:0\n' | r.colors map=wrong rules=-")
    tests = outlines("patches", "0:114:178", "width=2")
    panels = [
        ("imagery", painter.draw(IMAGERY)),
        ("labels", painter.draw(("d.rast", "reference"))),
        ("class map", painter.draw(("d.rast", "classes_network"))),
        ("errors, test patches", painter.draw(("d.rast", "wrong"), tests)),
    ]
    plots.class_map_panel(panels, LEGEND, path)


def classify_alone(painter: Painter, tile: str) -> None:
    """Classify what lies in a region, without what lies around it."""
    names = ("ortho.red", "ortho.green", "ortho.blue", "ortho.nir", "dsm", "dtm")
    for name in names:
        painter.run("g.region", f"align={name}", *TILES[tile])
        painter.run("r.mapcalc", f"{tile}.{name} = {name}")
    bands = ",".join(f"{tile}.{name}" for name in names[:4])
    painter.run("g.region", "align=ortho.red", *TILES[tile])
    painter.run(
        "i.dl.predict", f"input={bands}", "bands=red,green,blue,nir", f"dsm={tile}.dsm",
        f"dtm={tile}.dtm", f"red={tile}.ortho.red", f"nir={tile}.ortho.nir",
        f"model={painter.demo / 'model'}", f"output=alone_{tile}",
        f"confidence=alone_sure_{tile}",
    )  # fmt: skip


def classify_regions(painter: Painter) -> None:
    """Classify the regions one after the other, and join their maps."""
    for tile, region in TILES.items():
        painter.run("g.region", "align=ortho.red", *region)
        painter.run(
            "i.dl.predict", *INPUTS, f"model={painter.demo / 'model'}", f"output=tile_{tile}",
            f"confidence=tile_sure_{tile}",
        )  # fmt: skip
    join(painter, "tile")


def join(painter: Painter, prefix: str) -> None:
    """Set the region to both tiles, and join the maps of a prefix."""
    painter.run("g.region", "align=ortho.red", *BOTH_TILES)
    maps = ",".join(f"{prefix}_{tile}" for tile in TILES)
    painter.run("r.patch", f"input={maps}", f"output={prefix}_joined")


def draw_seams(painter: Painter, path: Path) -> None:
    """Two tiles classified each for itself, and as i.dl.predict does it."""
    classify_regions(painter)
    for tile in TILES:
        classify_alone(painter, tile)
    join(painter, "alone_sure")
    join(painter, "tile_sure")
    painter.run("r.mapcalc", f"unlike = {UNLIKE}")
    painter.run("bash", "-c", "echo '1 213:0:150' | r.colors map=unlike rules=-")
    painter.run("r.colors", "map=alone_sure_joined,tile_sure_joined", "color=viridis")
    painter.run("v.mkgrid", "map=tiles", "grid=1,2")
    edges = outlines("tiles", "white", "width=1")
    panels = [
        ("imagery, two tiles", painter.draw(IMAGERY, edges)),
        ("each tile alone", painter.draw(("d.rast", "alone_sure_joined"))),
        ("i.dl.predict", painter.draw(("d.rast", "tile_sure_joined"))),
        ("unlike by 0.02 and more", painter.draw(IMAGERY, ("d.rast", "unlike"), edges)),
    ]
    plots.class_map_panel(panels, [], path)


def draw_many_maps(painter: Painter, path: Path) -> None:
    """Maps of two regions, and their mosaic."""
    classify_regions(painter)
    panels = [("imagery", painter.draw(IMAGERY))]
    panels += [
        (f"tile_{number:03}", painter.draw(("d.rast", f"tile_{tile}")))
        for number, tile in enumerate(TILES, start=1)
    ]
    panels.append(("joined by r.patch", painter.draw(("d.rast", "tile_joined"))))
    plots.class_map_panel(panels, LEGEND, path)


def draw_adapt(painter: Painter, path: Path) -> None:
    """Another camera: classes by the statistics of the model, and by those of the maps."""
    # A camera of 8 bits, darker in the near infrared.
    factors = {"red": 0.08, "green": 0.08, "blue": 0.08, "nir": 0.05}
    painter.run("g.region", "raster=ortho.red")
    for band, factor in factors.items():
        expression = f"other.{band} = min(255, int(ortho.{band} * {factor}))"
        painter.run("r.mapcalc", expression)
    bands = ",".join(f"other.{band}" for band in factors)
    for way in ("model", "maps"):
        painter.run(
            "i.dl.predict", f"input={bands}", "bands=red,green,blue,nir", "dsm=dsm", "dtm=dtm",
            "red=other.red", "nir=other.nir", f"model={painter.demo / 'model'}",
            f"output=by_{way}", f"normalization={way}",
        )  # fmt: skip
    painter.run("i.colors.enhance", "red=other.red", "green=other.green", "blue=other.blue")
    painter.run("g.region", *WINDOW)
    other = ("d.rgb", "red=other.red", "green=other.green", "blue=other.blue")
    panels = [
        ("imagery of 8 bits", painter.draw(other)),
        ("normalization=model", painter.draw(("d.rast", "by_model"))),
        ("normalization=maps", painter.draw(("d.rast", "by_maps"))),
        ("reference", painter.draw(("d.rast", "reference"))),
    ]
    plots.class_map_panel(panels, LEGEND, path)


def draw_few_labels(painter: Painter, path: Path) -> None:
    """Patches of few labels, and the map of a head on a trained encoder."""
    page = painter.page("i.dl_howto_few_labels", 1, 3)
    page.run("g.region", "raster=ortho.red")
    model = f"model={page.home / 'model_hypercolumn'}"
    page.run("i.dl.predict", "--overwrite", *INPUTS, model, "output=by_hypercolumn")
    source = page.home / "few_labels" / "patches.gpkg"
    page.run(
        "v.in.ogr", "--overwrite", f"input={source}", "output=patches", "where=split = 'train'"
    )
    panels = [
        ("training patches", page.draw(IMAGERY, outlines("patches", "255:220:0", "width=2"))),
        ("model_hypercolumn", page.draw(("d.rast", "by_hypercolumn"))),
        ("reference", page.draw(("d.rast", "reference"))),
    ]
    plots.class_map_panel(panels, LEGEND, path)


def draw_objects(painter: Painter, path: Path) -> None:
    """Buildings of the class map as numbered objects, and their outlines at right angles."""
    painter.run("g.region", "raster=ortho.red")
    painter.run(
        "i.dl.predict", *INPUTS, f"model={painter.demo / 'model'}", "output=building_map",
        "objects=building_objects", "object_classes=4", "vector=building_areas", "minsize=80",
        "regularize=4",
    )  # fmt: skip
    painter.run("g.region", *WINDOW)
    painter.run("r.colors", "map=building_objects", "color=random")
    edges = outlines("building_areas", "255:220:0", "width=3")
    panels = [
        ("imagery", painter.draw(IMAGERY)),
        ("building_map", painter.draw(("d.rast", "building_map"))),
        ("building_objects", painter.draw(("d.rast", "building_objects"))),
        ("building_areas", painter.draw(IMAGERY, edges)),
    ]
    plots.class_map_panel(panels, LEGEND, path)
