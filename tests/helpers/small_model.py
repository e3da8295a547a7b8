# SPDX-License-Identifier: GPL-2.0-or-later
"""Small models with random weights, saved as i.dl.train saves them, and what they know."""

from pathlib import Path

import keras
import numpy as np

from grassdl.core.bands import Band
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.model.card import ModelCard
from grassdl.model.ensemble import Member, joined_card
from grassdl.model.folder import load_card, save_card
from grassdl.model.weights import save_network
from grassdl.networks import registry
from grassdl.networks.analysis.receptive_field import reach

CLASSES = ClassScheme(
    [
        MapClass(2, "grass", "120:200:80"),
        MapClass(5, "roof", "200:60:50"),
        MapClass(9, "a b|c", "1:2:3"),
    ]
)

ROWS, COLS = 45, 70
MEAN, DEVIATION = [100.0, 40.0], [30.0, 10.0]


def plain_band(name: str, declared: bool = False) -> Band:
    """A band of a map of the same name."""
    return Band(name, declared, {"map": f"{name}@PERMANENT"}, None, 1.0, "nearest", "", "float32")


def filled_frame(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maps of two bands (rows, cols, 2) up to a multiple of the stride of the small U-Net, NULL and
    filling as the bands' means; and what is NULL (rows, cols)."""
    null = np.isnan(values).any(axis=-1)
    rows, cols = null.shape
    filled = np.empty((-(-rows // 4) * 4, -(-cols // 4) * 4, values.shape[-1]), np.float32)
    filled[:] = MEAN
    filled[:rows, :cols] = np.where(null[..., None], np.float32(MEAN), values)
    return filled, null


def write_model(
    folder: Path,
    bands: list[Band],
    mean: list[float],
    deviation: list[float],
    built: keras.Model | None = None,
    **changes,
) -> keras.Model:
    """Write a model of a U-Net with random weights, or of another network; returns the network."""
    keras.utils.set_random_seed(3)
    classes = changes.get("target", CLASSES).outputs
    options = {"mean": mean, "deviation": deviation, "filters": 4, "depth": 2}
    network = built or registry.build("unet", 64, len(bands), classes, **options)
    rng = np.random.default_rng(3)
    weights = [one + rng.normal(0, 0.1, one.shape) for one in network.get_weights()]
    network.set_weights([np.abs(w) if w.ndim == 1 else w for w in weights])
    extent = reach(network)
    facts = {
        "name": "small",
        "network": "unet",
        "network_options": {"filters": 4, "depth": 2},
        "bands": bands,
        "mean": mean,
        "deviation": deviation,
        "target": CLASSES,
        "resolution": (1.0, 1.0),
        "size": 64,
        "parameters": network.count_params(),
        "stride": extent.stride,
        "halo": extent.halo,
        "receptive_field": extent.receptive_field,
        "training": {},
        "dataset_ids": ["0123456789abcdef"],
        "versions": {},
        "test": None,
        "command": "i.dl.train",
    }
    save_card(ModelCard(**{**facts, **changes}), folder)
    save_network(network, folder)
    return network


def write_members(
    folder: Path, bands: list[Band], temperatures: tuple[float, ...] = (1.0, 2.0), **changes
) -> list[keras.Model]:
    """Write an ensemble, whose members have other weights, band means and temperatures each;
    returns their networks."""
    networks = []
    for number, temperature in enumerate(temperatures, start=1):
        member = folder / f"fold_{number}"
        member.mkdir(parents=True)
        mean = [one + 10 * number for one in MEAN]
        keras.utils.set_random_seed(100 + number)
        options = {"mean": mean, "deviation": DEVIATION, "filters": 4, "depth": 2}
        built = registry.build("unet", 64, len(bands), len(CLASSES), **options)
        facts = {"built": built, "name": member.name, "temperature": temperature, **changes}
        networks.append(write_model(member, bands, mean, DEVIATION, **facts))
    opened = [Member(one, load_card(one)) for one in sorted(folder.iterdir())]
    save_card(joined_card(folder.name, opened), folder)
    return networks
