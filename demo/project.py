# SPDX-License-Identifier: GPL-2.0-or-later
"""Turn the synthetic scene into a GRASS project, as a survey's delivery would be imported.

Run from outside GRASS: `python demo/project.py PATH`. The project then holds the imagery group
`ortho`, the rasters `dsm`, `dtm` and `reference`, and the vector map `training_areas`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from areas import TrainingArea, training_areas
from scene import BANDS, OUTSIDE, SIZE, Scene, corner, make_scene

GROUP = "ortho"


def make_project(path: str | Path, scene: Scene) -> Path:
    """Write a scene to a new GRASS project (location) and return the path of its mapset.

    Args:
        path: folder of the project; its parent must exist, itself must not.
        scene: what to import.

    Raises:
        FileExistsError: if `path` exists; nothing is touched then.
        FileNotFoundError: if the parent folder does not exist.
    """
    # Importing it changes the environment, in which a session of another kind would not start.
    from grass_session import Session

    path = Path(path).absolute()
    if path.exists():
        raise FileExistsError(f"<{path}> exists already: remove it or name another folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"<{path.parent}> does not exist: create it first")
    with (
        Session(gisdb=str(path.parent), location=path.name, create_opts=f"EPSG:{scene.epsg}"),
        tempfile.TemporaryDirectory() as scratch,
    ):
        import_imagery(scene, Path(scratch))
        import_heights(scene, Path(scratch))
        import_reference(scene, Path(scratch))
        import_training_areas(training_areas(scene), Path(scratch))
    return path / "PERMANENT"


def run(module: str, stdin: str | None = None, **options: object) -> None:
    """Run a GRASS module quietly; `grass` can be imported only inside a session."""
    import grass.script as gs

    if stdin is None:
        gs.run_command(module, quiet=True, errors="raise", **options)
    else:
        gs.write_command(module, stdin=stdin, quiet=True, errors="raise", **options)


def import_array(
    values: np.ndarray, name: str, scene: Scene, scratch: Path, null: float | None = None
) -> None:
    """Import an array that covers the scene's square, at the resolution its shape implies."""
    rows, cols = values.shape
    is_float = values.dtype.kind == "f"
    raw = scratch / "raster.bin"
    values.astype(values.dtype.newbyteorder("<")).tofile(raw)
    layout = {"flags": "f"} if is_float else {"bytes": values.dtype.itemsize}
    if null is not None:
        layout["anull"] = null
    run(
        "r.in.bin",
        input=raw,
        output=name,
        order="little",
        rows=rows,
        cols=cols,
        west=scene.west,
        east=scene.west + scene.labels.shape[1] * scene.resolution_m,
        north=scene.north,
        south=scene.north - scene.labels.shape[0] * scene.resolution_m,
        **layout,
    )
    raw.unlink()


def import_imagery(scene: Scene, scratch: Path) -> None:
    """The four bands with semantic labels, their group, and the project's default region."""
    names = [f"{GROUP}.{band}" for band in BANDS]
    for values, name in zip(scene.bands, names, strict=True):
        import_array(values, name, scene, scratch, null=OUTSIDE)
    # Colours are stretched by the cells of the region, those of the photo by one factor.
    run("g.region", raster=names[0], flags="s")
    for band, name in zip(BANDS, names, strict=True):
        run("r.semantic.label", map=name, semantic_label=band, operation="add")
        run("r.support", map=name, title=f"Synthetic orthophoto, {band}", units="digital number")
        run("r.colors", map=name, color="grey", flags="e")
    photo = dict(zip(("red", "green", "blue"), names[:3], strict=True))
    run("i.colors.enhance", **photo, strength=98, flags="p")
    run("i.group", group=GROUP, subgroup=GROUP, input=",".join(names))


def import_heights(scene: Scene, scratch: Path) -> None:
    """Surface and terrain model at their own, coarser resolution."""
    for name, values in (("dsm", scene.dsm), ("dtm", scene.dtm)):
        import_array(values, name, scene, scratch)
        run("r.support", map=name, title=f"Synthetic {name.upper()}", units="metres")


def import_reference(scene: Scene, scratch: Path) -> None:
    """The class of every cell, with labels and colours."""
    import_array(scene.labels, "reference", scene, scratch, null=OUTSIDE)
    labels = "\n".join(f"{c.value}|{c.label}" for c in scene.classes)
    colours = "\n".join(
        f"{c.value} {c.colour[0]}:{c.colour[1]}:{c.colour[2]}" for c in scene.classes
    )
    run("r.category", stdin=labels, map="reference", separator="pipe", rules="-")
    run("r.colors", stdin=colours, map="reference", rules="-")
    run("r.support", map="reference", title="Reference classes of the synthetic scene")


def import_training_areas(areas: list[TrainingArea], scratch: Path) -> None:
    """The digitised polygons with their class as text and as number."""
    features = [
        {
            "type": "Feature",
            "properties": {"class": area.label, "value": area.value},
            "geometry": {"type": "Polygon", "coordinates": [area.corners]},
        }
        for area in areas
    ]
    source = scratch / "training_areas.geojson"
    source.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    run("v.in.ogr", input=source, output="training_areas", flags="o")


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the GRASS project of the embedded example")
    parser.add_argument("path", help="folder of the new project (must not exist)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the scene (default: 1)")
    parser.add_argument("--cells", type=int, default=SIZE, help="only a corner, so many cells wide")
    arguments = parser.parse_args()
    scene = corner(make_scene(arguments.seed), arguments.cells)
    try:
        mapset = make_project(arguments.path, scene)
    except (FileExistsError, FileNotFoundError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(mapset)
    return 0


if __name__ == "__main__":
    sys.exit(main())
