# SPDX-License-Identifier: GPL-2.0-or-later
"""Cards of models that nobody trained, with every field set to a value of its own."""

from grassdl.core.bands import NDSM, Band
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.model.card import ModelCard

RING = [[-84.5, 39.5], [-84.2, 39.5], [-84.2, 39.8], [-84.5, 39.8], [-84.5, 39.5]]

TRAINING = {
    "loss": "cross_entropy",
    "optimizer": "adamw",
    "learning_rate": 0.002,
    "batch_size": 16,
    "augmentation": ["flip", "rotate90"],
    "epochs": 50,
    "patience": 0,
    "pixels": {"train": [70, 0], "val": [8, 2], "test": [9, 1]},
    "epochs_run": 12,
    "best_epoch": 9,
    "seconds": 90.0,
}

TEST = {
    "pixels": 10,
    "overall_accuracy": 0.9,
    "kappa": None,
    "f1_macro": 0.9,
    "mean_iou": 0.8,
    "classes": [
        {"value": 2, "precision": 1.0, "recall": 0.8, "f1": 0.9, "iou": 0.8, "support": 9},
        {"value": 7, "precision": 0.0, "recall": 0.0, "f1": None, "iou": None, "support": 1},
    ],
}


def mapped(name: str) -> Band:
    """A band of a map of 16-bit values."""
    return Band(name, True, {"map": f"{name}@P"}, None, 0.5, "nearest", "", "uint16")


def derived(name: str, source: dict[str, str], units: str) -> Band:
    """A band that was computed of two maps."""
    return Band(name, True, source, name, 0.5, "nearest", units, "float32")


def card_of(**changes) -> ModelCard:
    """A card with some fields changed."""
    labels = {2: "roof", 7: "bare soil"}
    facts = {
        "name": "suburb",
        "network": "unet",
        "network_options": {"filters": 4},
        "bands": [
            mapped("red"),
            mapped("nir"),
            derived(NDSM, {"dsm": "dsm@P", "dtm": "dtm@P"}, "m"),
        ],
        "mean": [300.5, 1200.0, 3.0],
        "deviation": [100.0, 400.25, 2.5],
        "ranges": [(12, 4000), (20, 9000), (-1.0, 31.0)],
        "histograms": [
            {"width": 16.0, "start": 0.0, "counts": [3, 0, 2]},
            {"width": 64.0, "start": 64.0, "counts": [1, 4]},
            {"width": 0.125, "start": -1.0, "counts": [2, 3]},
        ],
        "target": ClassScheme([MapClass(v, one, f"{v}:100:255") for v, one in labels.items()]),
        "resolution": (0.5, 0.5),
        "size": 64,
        "parameters": 1000,
        "stride": 16,
        "halo": 96,
        "receptive_field": 204,
        "training": TRAINING,
        "dataset_ids": ["0123456789abcdef"],
        "areas": [
            {
                "dataset_id": "0123456789abcdef",
                "crs": "WGS 84 / UTM zone 16N",
                "north": 4400000.5,
                "south": 4399000.0,
                "east": 701000.0,
                "west": 700000.0,
                "patches": {"train": 70, "val": 8, "test": 9},
            }
        ],
        "footprint": {"type": "MultiPolygon", "coordinates": [[RING]]},
        "versions": {"i.dl": "0.1", "keras": "3.15.1"},
        "test": {
            **TEST,
            "classes": [{**one, "label": labels[one["value"]]} for one in TEST["classes"]],
        },
        "command": "i.dl.train input=patches output=suburb",
        "temperature": 1.25,
        "created": "2026-11-21T10:00:00Z",
    }
    if "bands" in changes:
        # Of other bands there are other histograms.
        facts["histograms"] = []
    return ModelCard(**{**facts, **changes})
