# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the STAC item of a model against JSON schemas, without network: those of STAC and of its
machine learning model extension.

Those of STAC 1.1 are in pystac, those of extensions in `schemas`, whose README tells their source.
Of the model extension that is version 1.4; what 1.5 asks for besides is checked by `_added_in_1_5`.
"""

import json
from pathlib import Path

from jsonschema import Draft7Validator
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry, Resource

from grassdl.model.stac import MLM_SCHEMA

ITEM_SCHEMA = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json"

KNOWN_MLM = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"
"""The version of the model extension whose schema is there."""

SCHEMAS = Path(__file__).resolve().parent / "schemas"

STAND_INS = {
    "https://stac-extensions.github.io/classification/v1.1.0/schema.json": "classification-v2.0.0"
}
"""Schemas that others refer to, and the file that takes their place."""


def check(item: dict) -> None:
    """Fail if an item is not valid, or does not say that it describes a model."""
    assert item["stac_extensions"] == [MLM_SCHEMA]
    assert MLM_SCHEMA.endswith("/mlm/v1.5.0/schema.json")
    assert stac_errors(item) == []


def _added_in_1_5(properties: dict) -> list[str]:
    """What is wrong by the rules that version 1.5 of the model extension adds to those of 1.4.

    An input or output that names bands (or variables) has an axis of that name, and no other one
    has. The place from which a model is called is told by an asset, not by the item.
    """
    ends = [(one, one["input"]) for one in properties["mlm:input"]]
    ends += [(one, one["result"]) for one in properties["mlm:output"]]
    wrong = [
        f"{end['name']} and its axis {kind}"
        for end, structure in ends
        for kind in ("bands", "variables")
        if bool(end.get(kind)) != (kind in structure["dim_order"])
    ]
    return wrong + [name for name in properties if name == "mlm:entrypoint"]


def stac_errors(item: dict) -> list[str]:
    """What is wrong with an item."""
    as_known = {**item, "stac_extensions": [KNOWN_MLM]}
    schemas = _schemas()
    known = Registry().with_resources(
        (address, Resource.from_contents(schema)) for address, schema in schemas.items()
    )
    return [
        error.message
        for address in (ITEM_SCHEMA, KNOWN_MLM)
        for error in Draft7Validator(
            schemas[address], registry=known, format_checker=Draft7Validator.FORMAT_CHECKER
        ).iter_errors(as_known)
    ] + _added_in_1_5(item["properties"])


def _schemas() -> dict[str, dict]:
    """All schemas by their address."""
    kept = {path.stem: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    by_address = {schema["$id"].rstrip("#"): schema for schema in kept.values()}
    stand_ins = {address: kept[name] for address, name in STAND_INS.items()}
    return {**get_local_schema_cache(), **by_address, **stand_ins}
