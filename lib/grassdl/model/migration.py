# SPDX-License-Identifier: GPL-2.0-or-later
"""Migration of `model.json` of earlier format versions."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from ..core.schema import checked
from .stac import OWN

UNDATED = "1970-01-01T00:00:00Z"
"""Replaces an unknown end of a training, since STAC requires a date."""

SAME_FIELDS = (
    "classes size network_options stride halo receptive_field training dataset_ids versions test "
    "command"
).split()
"""Fields of format 1 that format 2 has among the item's properties."""

_Format1 = TypedDict(
    "_Format1",
    # mypy needs all names written out.
    {
        "mlm:name": str,
        "mlm:architecture": str,
        "mlm:total_parameters": int,
        "bands": list[dict[str, Any]],
        "resolution": float | list[float],
        "temperature": NotRequired[float],
        **dict.fromkeys(SAME_FIELDS, Any),  # type: ignore[misc]
    },
)
"""The fields of format 1; their values are checked as those of format 2."""


def from_1_to_2(content: dict[str, Any]) -> dict[str, Any]:
    """The STAC item of format 2 from format 1, a JSON object with some names of STAC.

    Format 1 tells neither where the training patches lie, nor the range of a band, nor when the
    training ended. Its first cards have one resolution for rows and columns and no temperature.

    Raises:
        ValueError: A field is missing.
    """
    found: dict[str, Any] = {**checked(content, _Format1)}
    resolution = found["resolution"]
    own = {
        **{name: found[name] for name in SAME_FIELDS},
        "bands": [{**band, "range": [None, None]} for band in found["bands"]],
        "resolution": resolution if isinstance(resolution, list) else [resolution, resolution],
        "temperature": found.get("temperature", 1.0),
        "areas": [],
    }
    return {
        "format": content["format"],
        "version": 2,
        "id": found["mlm:name"],
        "geometry": None,
        "properties": {
            "datetime": UNDATED,
            "mlm:architecture": found["mlm:architecture"],
            "mlm:total_parameters": found["mlm:total_parameters"],
            **{OWN + name: value for name, value in own.items()},
        },
    }


STEPS = (from_1_to_2,)
"""A step for each format version but the newest."""
