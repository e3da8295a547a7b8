# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a raster map is unchanged, without reading its cells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..session.mapset import mapset_folder
from .info import mask_name, require_raster
from .region import Region

_CELLS = ("cell/{}", "fcell/{}", "cell_misc/{}/null", "cell_misc/{}/nullcmpr")
"""Files of the cells and NULLs, identified by their size and time."""

_TEXTS = ("cellhd/{}", "cell_misc/{}/f_format", "cell_misc/{}/gdal", "cell_misc/{}/vrt")
"""Short files with the format of the cells, and the location of those of other maps."""


def map_stamp(name: str) -> str:
    """A short text that changes whenever the cells of a raster map are written anew.

    This includes the sources of a reclassed, linked (r.external) or joined map (r.buildvrt).

    Args:
        name: Fully qualified name (`map@mapset`) of an existing raster map.
    """
    parts = sorted(set(_parts(name)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def stamps(rasters: Iterable[str]) -> dict[str, str]:
    """The stamps of maps, and of the mask.

    Args:
        rasters: Fully qualified names.
    """
    mask = mask_name()
    return {
        **{f"raster map <{name}>": map_stamp(name) for name in sorted(set(rasters))},
        "the mask": map_stamp(mask) if mask else "none",
    }


def input_stamps(
    options: Mapping[str, str], rasters: Iterable[str], region: Region
) -> dict[str, str]:
    """The inputs of a prediction: the stamps of maps, of the mask and of segments, and the region.

    Args:
        options: Of i.dl.predict.
        rasters: Fully qualified names of the other maps that it reads.
        region: The region.
    """
    segments = [require_raster(options["segments"])] if options["segments"] else []
    return {**stamps([*rasters, *segments]), "the region": str(region.to_json())}


def _parts(name: str) -> Iterator[str]:
    plain, _, mapset = name.partition("@")
    folder = mapset_folder(mapset)
    for pattern in _CELLS:
        yield from _file_stamp(folder / pattern.format(plain))
    for pattern in _TEXTS:
        path = folder / pattern.format(plain)
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            yield f"{path} {text}"
            yield from _behind(path, text)


def _behind(path: Path, text: str) -> Iterator[str]:
    """The parts of the sources of a map."""
    lines = text.splitlines()
    told = dict(line.split(": ", 1) for line in lines if ": " in line)
    if path.name == "vrt":
        for line in filter(None, lines):
            yield from _parts(line.strip())
    elif path.name == "gdal":
        yield from _file_stamp(Path(told.get("file", "")))
    elif lines[:1] == ["reclass"]:
        yield from _parts(f"{told['name']}@{told['mapset']}")


def _file_stamp(path: Path) -> Iterator[str]:
    if path.is_file():
        found = path.stat()
        yield f"{path} {found.st_size} {found.st_mtime_ns}"
