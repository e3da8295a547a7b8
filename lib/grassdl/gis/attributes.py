# SPDX-License-Identifier: GPL-2.0-or-later
"""Classes that a vector map's attribute table tells, as values or as texts."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import grass.script as gs

from ..classes import MAX_VALUE
from .categories import labelled_values

INTEGERS = ("INTEGER", "SMALLINT", "BIGINT")
TEXTS = ("CHARACTER", "TEXT", "VARCHAR")


def require_vector(name: str) -> str:
    """The fully qualified name of an existing vector map.

    Raises:
        ValueError: There is none of that name.
    """
    found = gs.find_file(name, element="vector").get("fullname")
    if not found:
        raise ValueError(f"Vector map <{name}> not found")
    return found


def class_labels(raster: str) -> dict[str, int]:
    """Class values of a raster map by label; a value without label is called by its number.

    Classes that no cell has count with the labels that they have among the map's categories.

    Raises:
        ValueError: Two values that cells have have the same label.
    """
    listed = gs.read_command("r.category", map=raster, separator="tab", encoding=None, quiet=True)
    values: dict[str, int] = {}
    for line in listed.decode("utf-8", errors="replace").split("\n")[:-1]:
        value, _, label = line.partition("\t")
        # A category may be a range, which is no class.
        if not value.lstrip("-").isdigit():
            continue
        label = label.strip() or value
        if label in values:
            raise ValueError(
                f"Classes {values[label]} and {value} of <{raster}> have the same label <{label}>: "
                "texts cannot tell them apart"
            )
        values[label] = int(value)
    return {label: value for value, label in labelled_values(raster).items()} | values


def class_by_category(
    vector: str, layer: str, column: str, labels: Mapping[str, int], raster: str
) -> dict[int, int]:
    """Class value of every category that has one in a column.

    Args:
        vector: Name of an existing vector map.
        layer: Its layer.
        column: Column with the class: integers are class values, texts are labels.
        labels: Class values by label, for texts.
        raster: Name of the map whose labels they are, for the message.

    Raises:
        ValueError: Layer or column is missing or of another type, a number is no class value, or
            a text is no label.
    """
    texts, are_integers = class_texts(vector, layer, column)
    if are_integers:
        values = {category: int(text) for category, text in texts.items()}
        wrong = [value for value in values.values() if not 0 <= value <= MAX_VALUE]
        if wrong:
            raise ValueError(
                f"Column <{column}> of <{vector}> holds the value {wrong[0]}, class values run "
                f"from 0 to {MAX_VALUE}"
            )
        return values
    unknown = sorted(set(texts.values()) - set(labels))
    if unknown:
        raise ValueError(
            f"Class <{unknown[0]}> in column <{column}> of <{vector}> matches no label of "
            f"<{raster}>, which has: {', '.join(labels)} (r.category gives further ones)"
        )
    return {category: labels[text] for category, text in texts.items()}


def class_texts(vector: str, layer: str, column: str) -> tuple[dict[int, str], bool]:
    """What a column holds for every category that has an entry, and whether they are integers.

    Args:
        vector: Name of an existing vector map.
        layer: Its layer.
        column: Column with integers or texts.

    Raises:
        ValueError: Layer or column is missing, or of another type.
    """
    connections = gs.vector_db(vector)
    if not layer.isdigit() or int(layer) not in connections:
        raise ValueError(f"Vector map <{vector}> has no table in layer {layer}")
    columns = gs.vector_columns(vector, int(layer))
    if column not in columns:
        raise ValueError(
            f"Vector map <{vector}> has no column <{column}>, there are: {', '.join(columns)}"
        )
    kind = columns[column]["type"]
    if kind not in (*INTEGERS, *TEXTS):
        raise ValueError(
            f"Column <{column}> of <{vector}> is of type {kind}: classes are integers or texts"
        )
    listed = gs.read_command(
        "v.db.select",
        map=vector,
        layer=layer,
        columns=f"{connections[int(layer)]['key']},{column}",
        format="csv",
        encoding=None,
        quiet=True,
    )
    # UTF-8 whatever the locale says: batch jobs often run in the C locale.
    rows = list(csv.reader(io.StringIO(listed.decode("utf-8", errors="replace"))))[1:]
    return {
        int(category): text.strip() for category, text in rows if text.strip()
    }, kind in INTEGERS
