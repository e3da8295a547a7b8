# SPDX-License-Identifier: GPL-2.0-or-later
"""Turn the synthetic scene into a GRASS project, as a survey's delivery would be imported.

Run from outside GRASS: `python demo/project.py PATH`. The project then holds the imagery group
`ortho`, the rasters `dsm`, `dtm` and `reference`, and the vector map `training_areas`. With
`--later` it also holds what a second flight delivers, `later`, `later_dsm`, `later_dtm` and
`later_reference`, and what was built and felled between them, `change`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from areas import TrainingArea, training_areas
from later import CHANGES, changes, make_two_dates
from scene import BANDS, OUTSIDE, SIZE, Scene, SceneClass, make_scene

GROUP, LATER = "ortho", "later"


def make_project(path: str | Path, scene: Scene, later: Scene | None = None) -> Path:
    """Write a scene to a new GRASS project (location) and return the path of its mapset.

    Args:
        path: folder of the project; its parent must exist, itself must not.
        scene: what to import.
        later: the same place at a second date.

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
        if later:
            import_second_date(scene, later, Path(scratch))
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


def import_second_date(scene: Scene, later: Scene, scratch: Path) -> None:
    """What a second flight delivers, and what changed since the first."""
    import_imagery(later, scratch, LATER)
    import_heights(later, scratch, f"{LATER}_")
    import_reference(later, scratch, f"{LATER}_reference")
    import_classes(changes(scene, later), CHANGES, "change", scene, scratch)


def import_imagery(scene: Scene, scratch: Path, group: str = GROUP) -> None:
    """The four bands with semantic labels, their group, and the project's default region."""
    names = [f"{group}.{band}" for band in BANDS]
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
    run("i.group", group=group, subgroup=group, input=",".join(names))


def import_heights(scene: Scene, scratch: Path, prefix: str = "") -> None:
    """Surface and terrain model at their own, coarser resolution."""
    for kind, values in (("dsm", scene.dsm), ("dtm", scene.dtm)):
        name = f"{prefix}{kind}"
        import_array(values, name, scene, scratch)
        run("r.support", map=name, title=f"Synthetic {kind.upper()}", units="metres")


def import_reference(scene: Scene, scratch: Path, name: str = "reference") -> None:
    """The class of every cell, with labels and colours."""
    import_classes(scene.labels, scene.classes, name, scene, scratch)
    run("r.support", map=name, title="Reference classes of the synthetic scene")


def import_classes(
    values: np.ndarray, classes: tuple[SceneClass, ...], name: str, scene: Scene, scratch: Path
) -> None:
    """A map of classes with labels and colours."""
    import_array(values, name, scene, scratch, null=OUTSIDE)
    labels = "\n".join(f"{c.value}|{c.label}" for c in classes)
    colours = "\n".join(f"{c.value} {c.colour[0]}:{c.colour[1]}:{c.colour[2]}" for c in classes)
    run("r.category", stdin=labels, map=name, separator="pipe", rules="-")
    run("r.colors", stdin=colours, map=name, rules="-")


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
    parser.add_argument("--cells", type=int, default=SIZE, help="edge of the scene")
    parser.add_argument("--later", action="store_true", help="with a second date")
    arguments = parser.parse_args()
    chosen = arguments.seed, arguments.cells
    scenes = make_two_dates(*chosen) if arguments.later else (make_scene(*chosen),)
    try:
        mapset = make_project(arguments.path, *scenes)
    except (FileExistsError, FileNotFoundError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(mapset)
    return 0


if __name__ == "__main__":
    sys.exit(main())
