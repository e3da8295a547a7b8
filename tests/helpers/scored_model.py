# SPDX-License-Identifier: GPL-2.0-or-later
"""The card of a small model of two bands and two classes, for the tests of scores."""

from grassdl.core.bands import Band
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.model.card import ModelCard

SIZE = 8
BANDS = [Band(name, True, {"map": name}, None, 1.0, "nearest", "", "uint8") for name in "ab"]
GRASS, ROOF, WATER = (
    MapClass(2, "grass", "0:200:0"),
    MapClass(5, "roof", "200:0:0"),
    MapClass(7, "water", "0:0:200"),
)


def card_of(**changes):
    facts = {
        "name": "small",
        "network": "unet",
        "network_options": {},
        "bands": BANDS,
        "mean": [9.0, 0.0],
        "deviation": [1.0, 1.0],
        "target": ClassScheme([GRASS, ROOF]),
        "resolution": (1.0, 1.0),
        "size": SIZE,
        "parameters": 10,
        "stride": 4,
        "halo": 4,
        "receptive_field": 9,
        "training": {"epochs": 3},
        "dataset_ids": ["0123456789abcdef"],
        "versions": {},
        "test": None,
        "command": "i.dl.train",
    }
    return ModelCard(**{**facts, **changes})
