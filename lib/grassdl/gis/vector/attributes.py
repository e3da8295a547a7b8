# SPDX-License-Identifier: GPL-2.0-or-later
"""Classes in a vector map's attribute table, as values or as texts."""

from __future__ import annotations

import math
from collections.abc import Mapping

import grass.script as gs

from ...core.classes import MAX_VALUE, are_integers
from ...core.text import listed, one_line
from ...io.delimited import read_rows
from ..raster.categories import labelled_values
from ..session.printed import read_text

INTEGERS = ("INTEGER", "SMALLINT", "BIGINT")
NUMBERS = ("DOUBLE PRECISION", "REAL", "FLOAT", "NUMERIC", "DECIMAL")
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
    """Class values of a raster map by label; a value without label has its number as label.

    Classes without cells count if they have labels among the map's categories.

    Raises:
        ValueError: Two values that cells have have the same label.
    """
    listed = read_text("r.category", map=raster, separator="tab")
    values: dict[str, int] = {}
    for line in listed.split("\n")[:-1]:
        value, _, label = line.partition("\t")
        # A category may be a range, which is no class.
        if not value.lstrip("-").isdigit():
            continue
        label = one_line(label) or value
        if label in values:
            raise ValueError(
                f"Classes {values[label]} and {value} of <{raster}> have the same label <{label}>: "
                "texts do not distinguish them"
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
    texts = class_texts(vector, layer, column)
    if are_integers(texts.values()):
        values = {category: int(text) for category, text in texts.items()}
        wrong = [value for value in values.values() if not 0 <= value <= MAX_VALUE]
        if wrong:
            raise ValueError(
                f"Column <{column}> of <{vector}> holds the value {wrong[0]}, class values run "
                f"from 0 to {MAX_VALUE}"
            )
        if _column_type(vector, layer, column) in TEXTS:
            _check_numbers_are_values(values, labels, raster)
        return values
    unknown = sorted(set(texts.values()) - set(labels))
    if unknown:
        raise ValueError(
            f"Class <{unknown[0]}> in column <{column}> of <{vector}> matches no label of "
            f"<{raster}>, which has: {listed(labels)} (r.category gives further ones)"
        )
    return {category: labels[text] for category, text in texts.items()}


def _check_numbers_are_values(
    values: Mapping[int, int], labels: Mapping[str, int], raster: str
) -> None:
    """Refuse texts that are the value of one class and the label of another one."""
    for value in values.values():
        labelled = labels.get(str(value), value)
        if labelled != value:
            raise ValueError(
                f"The text <{value}> is a class value, but the label of class {labelled} of "
                f"<{raster}>: take an integer column, or correct the labels with r.category"
            )


def layer_number(vector: str, layer: str) -> int:
    """The number of a layer that is given by number or by name.

    Args:
        vector: Name of an existing vector map.
        layer: As the user gave it.

    Raises:
        ValueError: No layer has that name.
    """
    if layer.isascii() and layer.isdigit() and int(layer) > 0:
        return int(layer)
    names = {told["name"]: number for number, told in gs.vector_db(vector).items()}
    if layer not in names:
        listed = ", ".join(f"{number} ({name})" for name, number in names.items()) or "none"
        raise ValueError(
            f"Vector map <{vector}> has no layer <{layer}>, its layers with a table are: {listed}"
        )
    return names[layer]


def class_texts(vector: str, layer: str, column: str) -> dict[int, str]:
    """The value of a column for every category that has one; numbers without decimals.

    Args:
        vector: Name of an existing vector map.
        layer: Its layer, by number or name.
        column: Column with integers, whole numbers of floating type, or texts.

    Raises:
        ValueError: Layer or column is missing, of another type, or holds numbers that are not
            whole.
    """
    kind = _column_type(vector, layer, column)
    if kind not in (*INTEGERS, *NUMBERS, *TEXTS):
        raise ValueError(
            f"Column <{column}> of <{vector}> is of type {kind}: classes are integers or texts"
        )
    texts = _texts(vector, layer, column)
    if kind in NUMBERS:
        return {one: _whole(text, column, vector) for one, text in texts.items()}
    return texts


def numbers_by_category(vector: str, layer: str, column: str) -> dict[int, float]:
    """The number in a column for every category that has one.

    Args:
        vector: Name of an existing vector map.
        layer: Its layer, by number or name.
        column: A column of numbers.

    Raises:
        ValueError: Layer or column is missing, or of another type.
    """
    kind = _column_type(vector, layer, column)
    if kind not in (*INTEGERS, *NUMBERS):
        raise ValueError(
            f"Column <{column}> of <{vector}> is of type {kind}: values are numbers, take a "
            "column of them"
        )
    found = {category: float(text) for category, text in _texts(vector, layer, column).items()}
    return {category: number for category, number in found.items() if math.isfinite(number)}


def _texts(vector: str, layer: str, column: str) -> dict[int, str]:
    """The values of an existing column by category."""
    columns = f"{_table(vector, layer)['key']},{column}"
    table = read_text("v.db.select", map=vector, layer=layer, columns=columns, format="csv")
    rows = [row for _, row in read_rows(table, ",", f"Column <{column}> of <{vector}>")][1:]
    return {int(category): one_line(text) for category, text in rows if one_line(text)}


def _whole(text: str, column: str, vector: str) -> str:
    """A number of floating type as an integer."""
    if not float(text).is_integer():
        raise ValueError(
            f"Column <{column}> of <{vector}> holds {text}: class values are whole numbers"
        )
    return str(int(float(text)))


def _table(vector: str, layer: str) -> dict[str, str]:
    """The connection of the table of a layer, which has a key column.

    Raises:
        ValueError: There is none.
    """
    connections = gs.vector_db(vector)
    number = layer_number(vector, layer)
    if number not in connections:
        raise ValueError(f"Vector map <{vector}> has no table in layer {layer}")
    if not connections[number]["key"]:
        raise ValueError(
            f"Vector map <{vector}> is linked (v.external) without a key column, so that classes "
            "cannot be read from its table: import it with v.in.ogr"
        )
    return connections[number]


def _column_type(vector: str, layer: str, column: str) -> str:
    """Type of a column in words of SQL.

    Raises:
        ValueError: Layer or column is missing.
    """
    _table(vector, layer)
    columns = gs.vector_columns(vector, layer_number(vector, layer))
    if column not in columns:
        raise ValueError(
            f"Vector map <{vector}> has no column <{column}>, there are: {listed(columns)}"
        )
    return columns[column]["type"]
