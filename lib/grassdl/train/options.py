# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of i.dl.train, which are words, as settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .choices import CLASS_WEIGHTS
from .settings import Settings

WORDS = "network activation loss optimizer schedule precision".split()
INTEGERS = "epochs batch_size patience seed nprocs".split()
NUMBERS = "label_smoothing learning_rate weight_decay".split()
"""Options that are settings of the same name."""

NETWORK_NUMBERS = {"filters": int, "depth": int, "dropout": float}
NETWORK_LISTS = ("kernel", "dilations")
"""Options of networks; those that are not given are left to the network."""


def settings_of(options: Mapping[str, str]) -> Settings:
    """The settings of a run, checked.

    Args:
        options: What the parser gives: the words of each option, empty if it was not given.

    Raises:
        ValueError: An option that is out of its range or does not go with another one.
    """
    return Settings(
        network_file=options["network_file"] or None,
        network_options=_network_options(options),
        class_weights=_class_weights(options["class_weights"]),
        augmentation=_augmentation(options["augmentation"]),
        strengths=_strengths(options["strengths"]),
        **{name: options[name] for name in WORDS},
        **{name: int(options[name]) for name in INTEGERS},
        **{name: float(options[name]) for name in NUMBERS},
    )


def _network_options(options: Mapping[str, str]) -> dict[str, Any]:
    single = {name: kind(options[name]) for name, kind in NETWORK_NUMBERS.items() if options[name]}
    lists = {
        name: tuple(map(int, options[name].split(","))) for name in NETWORK_LISTS if options[name]
    }
    return {**single, **lists}


def _augmentation(words: str) -> tuple[str, ...]:
    names = words.split(",")
    if "none" in names and len(names) > 1:
        raise ValueError("augmentation=none does not go together with another augmentation")
    return () if names == ["none"] else tuple(names)


def _class_weights(words: str) -> str | tuple[float, ...]:
    if words in CLASS_WEIGHTS:
        return words
    try:
        return tuple(map(float, words.split(",")))
    except ValueError:
        raise ValueError(
            f"<class_weights> must be {', '.join(CLASS_WEIGHTS)}, or one number for each class, "
            f"found <{words}>"
        ) from None


def _strengths(words: str) -> dict[str, float]:
    pairs = [word.partition(":") for word in words.split(",") if word]
    try:
        return {name: float(number) for name, _, number in pairs}
    except ValueError:
        raise ValueError(
            f"<strengths> must be like rotate:180,noise:0.05, found <{words}>"
        ) from None
