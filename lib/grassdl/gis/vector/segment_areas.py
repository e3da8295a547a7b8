# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments as a vector map of areas, with their properties as attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import grass.script as gs
import numpy as np

from ...io.delimited import rows_of
from ..session.messages import command_line
from ..session.modules import run_module
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name

TEMPORARY_PREFIX = "i_dl_segments_tmp"

COLUMNS_AT_ONCE = 100
"""Most columns of a statement: db.execute truncates those of more than about 8000 characters, and a
network may have hundreds of features."""


def segment_areas(
    raster: str, name: str, columns: Mapping[str, np.ndarray], environment: Mapping[str, str]
) -> None:
    """Make a vector map of segments, which gets its name when it is complete.

    The category of an area is the id of its segment. Parts of a segment that do not touch along
    an edge become areas of one category.

    Args:
        raster: Map of segments.
        name: Name of the map, checked by `check_vector_output`.
        columns: Values by name, those of the first column being the ids, of 0 or more.
        environment: That of a session in the region whose segments are wanted.

    Raises:
        CalledModuleError: GRASS cannot make the map.
    """
    remove_debris(TEMPORARY_PREFIX, "vector")
    temporary = temporary_name(TEMPORARY_PREFIX)
    script = Path(gs.tempfile())
    try:
        run_module(
            "r.to.vect", flags="vt", input=raster, output=temporary, type="area",
            env=dict(environment),
        )  # fmt: skip
        with script.open("w") as file:
            file.writelines(_statements(temporary, columns))
        run_module("db.execute", input=str(script))
        run_module("v.db.connect", map=temporary, table=temporary, key=next(iter(columns)))
        run_module(
            "v.support", flags="h", map=temporary, map_name="Segments", cmdhist=command_line()
        )
        # The name was checked at the start; an existing map of this name may be replaced.
        run_module("g.rename", vector=f"{temporary},{name}", overwrite=True)
    finally:
        script.unlink(missing_ok=True)
        remove_maps([temporary], "vector")


def _statements(table: str, columns: Mapping[str, np.ndarray]) -> Iterator[str]:
    """SQL that makes and fills the table, in one transaction if the database supports it."""
    kinds = {"i": "INTEGER", "f": "DOUBLE PRECISION"}
    key, *names = columns
    fields = [f"{name} {kinds[columns[name].dtype.kind]}" for name in names]
    yield f"CREATE TABLE {table} ({key} INTEGER, {', '.join(fields[:COLUMNS_AT_ONCE])});\n"
    for field in fields[COLUMNS_AT_ONCE:]:
        yield f"ALTER TABLE {table} ADD COLUMN {field};\n"
    at_once = gs.db_connection(force=True)["driver"] != "dbf"
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        part = names[start : start + COLUMNS_AT_ONCE]
        fill = _updated if start else _inserted
        filled = fill(table, columns, key, part)
        yield from _transaction(filled) if at_once else filled
        if at_once and not start:
            yield f"CREATE UNIQUE INDEX {table}_key ON {table} ({key});\n"


def _transaction(statements: Iterator[str]) -> Iterator[str]:
    yield "BEGIN TRANSACTION;\n"
    yield from statements
    yield "COMMIT;\n"


def _inserted(
    table: str, columns: Mapping[str, np.ndarray], key: str, names: list[str]
) -> Iterator[str]:
    """SQL that makes the rows with some of their columns."""
    fields = [key, *names]
    values = ", ".join(["{}"] * len(fields))
    form = f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({values});\n"
    return rows_of({name: columns[name] for name in fields}, form)


def _updated(
    table: str, columns: Mapping[str, np.ndarray], key: str, names: list[str]
) -> Iterator[str]:
    """SQL that fills further columns."""
    pairs = ", ".join(f"{name} = {{}}" for name in names)
    form = f"UPDATE {table} SET {pairs} WHERE {key} = {{}};\n"
    return rows_of({name: columns[name] for name in (*names, key)}, form)
