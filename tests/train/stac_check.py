# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the STAC item of a model, without network.

STAC itself: the JSON schemas of version 1.1 that pystac ships. The machine learning model
extension: the reference implementation by its authors, stac-model, of the version that the item
names. It leaves unchecked some of what the extension's JSON schema asks for: that is checked here,
rule by rule.
"""

import re

from jsonschema import Draft7Validator
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry, Resource
from stac_model.schema import SCHEMA_URI, MLModelProperties

ITEM_SCHEMA = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json"

MLM_NAME = r"[a-zA-Z][a-zA-Z0-9_.\-\s]+[a-zA-Z0-9]"
DIMENSION = r"[a-z\-_]+"
CLASS_NAME = r"[0-9A-Za-z\-_]+"
COLOR = r"[0-9A-F]{6}"
"""Of the JSON schemas of the extension and, the last two, of the classification extension."""

ITEM_FIELDS = set(
    "name architecture tasks framework framework_version memory_size total_parameters pretrained "
    "pretrained_source batch_size_suggestion accelerator accelerator_constrained "
    "accelerator_summary accelerator_count input output hyperparameters".split()
)
"""The fields that an item may have; the schema refuses any other that begins with mlm:."""


def check(item: dict) -> None:
    """Fail if an item is not valid, or does not describe a model."""
    assert stac_errors(item) == []
    _check_model(item)


def stac_errors(item: dict) -> list[str]:
    """What is wrong with an item by STAC's own schemas."""
    schemas = get_local_schema_cache()
    known = Registry().with_resources(
        (address, Resource.from_contents(schema)) for address, schema in schemas.items()
    )
    validator = Draft7Validator(
        schemas[ITEM_SCHEMA], registry=known, format_checker=Draft7Validator.FORMAT_CHECKER
    )
    return [error.message for error in validator.iter_errors(item)]


def _check_model(item: dict) -> None:
    properties = item["properties"]
    MLModelProperties(**properties)
    assert item["stac_extensions"] == [SCHEMA_URI]
    fields = {name.removeprefix("mlm:") for name in properties if name.startswith("mlm:")}
    assert fields <= ITEM_FIELDS
    assert re.fullmatch(MLM_NAME, properties["mlm:name"])
    (image,), (probabilities,) = properties["mlm:input"], properties["mlm:output"]
    # Bands of the input ask for a dimension of that name, and for bands in STAC's own words.
    assert "bands" in image["input"]["dim_order"]
    assert image["bands"] == [band["name"] for band in properties["bands"]]
    for name in image["input"]["dim_order"] + probabilities["result"]["dim_order"]:
        assert re.fullmatch(DIMENSION, name)
    for one in probabilities["classification:classes"]:
        assert isinstance(one["value"], int) and one["description"]
        assert re.fullmatch(CLASS_NAME, one["name"])
        assert re.fullmatch(COLOR, one["color_hint"])
    for asset in item["assets"].values():
        assert ("mlm:model" in asset["roles"]) == ("mlm:artifact_type" in asset)
    assert "mlm:model" in item["assets"]["model"]["roles"]
