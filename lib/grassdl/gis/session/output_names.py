# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks whether maps of some names can be written, before anything is computed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from string import Template

import grass.script as gs

from ...core.text import check_output_name
from .mapset import current_mapset, mapset_folder
from .printed import read_text

LONGEST_TITLE = 250
"""Most bytes of a map's title: r.support takes 1000, r.info shows fewer."""

REDIRECTIONS = {
    "raster": {"GDAL": "r.external.out"},
    "vector": {"OGR": "v.external.out", "PG": "v.external.out"},
}
"""Files of a mapset by which GRASS writes maps in other formats, and the modules that make them."""


def check_output_rasters(names: Sequence[str], unfinished: bool = False) -> None:
    """Refuse illegal names, and existing maps without --overwrite.

    Args:
        names: The names.
        unfinished: Whether they may exist, made by the run that is resumed.

    Raises:
        ValueError: One of the names cannot be written.
    """
    if names:
        require_own_format("raster")
    mapset = current_mapset()
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Two outputs would have the name <{name}>")
        check_output_name(name)
        if not gs.legal_name(name):
            raise ValueError(f"<{name}> is no legal name of a raster map")
        may_exist = unfinished or gs.overwrite()
        if not may_exist and gs.find_file(name, element="cell", mapset=mapset)["file"]:
            raise ValueError(f"Raster map <{name}> exists: choose another name or use --overwrite")


def check_vectors_differ(names: Sequence[str]) -> None:
    """Refuse vector maps of one name: their tables have the maps' names, which are not
    case-sensitive.

    Raises:
        ValueError: Two are the same.
    """
    tables = [name.casefold() for name in names]
    for name in names:
        if tables.count(name.casefold()) > 1:
            raise ValueError(f"Two outputs would have the name <{name}>")


def check_vector_output(name: str, overwrite: bool) -> None:
    """Refuse a name that cannot be written.

    Raises:
        ValueError: The name is illegal or too long, a map has it and may not be overwritten, the
            database has a table of that name, or GRASS would write the map elsewhere.
    """
    require_own_format("vector")
    check_output_name(name)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or not _is_table_name(name):
        raise ValueError(
            f"<{name}> is no legal name of a vector map: it begins with a letter, holds letters, "
            "digits and underscores, and is no word of SQL"
        )
    if _exists(name) and not overwrite:
        raise ValueError(f"Vector map <{name}> exists: choose another name or use --overwrite")
    _check_table(name)


def check_not_read(outputs: Iterable[str], inputs: Iterable[str], element: str = "cell") -> None:
    """Refuse to replace a map that is read.

    Args:
        outputs: Names of the maps that are written.
        inputs: Names of the maps that are read, with or without their mapset.
        element: The kind of map, as in `g.findfile`.

    Raises:
        ValueError: One of the outputs is one of the inputs.
    """
    mapset = current_mapset()
    read = {
        name if "@" in name else gs.find_file(name, element=element)["fullname"]
        for name in inputs
        if name
    }
    for name in outputs:
        if f"{name}@{mapset}" in read:
            raise ValueError(f"Output <{name}> is also an input: choose another name")


def require_own_format(kind: str) -> None:
    """Refuse a mapset whose new maps are written in a format other than GRASS's own.

    Maps have temporary names until they are complete: those would be the names of the files.

    Args:
        kind: "raster" or "vector".

    Raises:
        ValueError: The mapset is one.
    """
    for file, module in REDIRECTIONS[kind].items():
        if (mapset_folder(current_mapset()) / file).is_file():
            raise ValueError(
                f"{module} is active, which lets GRASS write {kind} maps as other files: call "
                f"'{module} -r' first, and export the maps with {kind[0]}.out.* later"
            )


def _is_table_name(name: str) -> bool:
    """Whether a database accepts a word as the name of a map's table."""
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.execute(f"CREATE TABLE {name} (cat INTEGER)")
        except sqlite3.OperationalError:
            return False
    return True


def _check_table(name: str) -> None:
    """Refuse the name of a vector map if the name of its table is in use.

    In most databases names that differ by case only are the same.
    """
    tables = _tables()
    if name in tables and not _exists(name):
        raise ValueError(
            f"The database has a table <{name}> that is of no vector map of this name: choose "
            "another name, or remove the table with db.droptable"
        )
    alike = [one for one in tables if one != name and one.casefold() == name.casefold()]
    if alike:
        raise ValueError(
            f"The table of vector map <{name}> would have the name of table <{alike[0]}>, since "
            "case does not count there: choose another name"
        )


def _tables() -> list[str]:
    """Names of the tables in the mapset's database, which is not made if it does not exist."""
    # A mapset that never had a table has no connection to a database.
    connection = gs.db_connection() or {}
    place = Template(connection.get("database", "")).safe_substitute(gs.gisenv())
    if not place or connection["driver"] == "sqlite" and not Path(place).is_file():
        return []
    return read_text("db.tables", flags="p").split()


def _exists(name: str) -> bool:
    return bool(gs.find_file(name, element="vector", mapset=".")["file"])
