# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of i.dl.train, which are text, as settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.options import number, parsed_number, whole, wholes
from ...core.target import CLASSES
from ...model.card import ModelCard
from ...model.folder import load_network_card
from ...networks.encoders.catalog import IMAGENET, NONE
from ...networks.registry import ON_FEATURES
from .choices import CLASS_WEIGHTS
from .recipes import RECIPES, Recipe, check_recipe
from .settings import MAX_SEED, Settings

WORDS = "optimizer schedule precision".split()
INTEGERS = "batch_size seed nprocs".split()
NUMBERS = "label_smoothing weight_decay averaging".split()
INTEGERS_LEFT_OPEN = "epochs patience".split()
NUMBERS_LEFT_OPEN = ["learning_rate"]
"""Options that are settings of the same name; the last group may be left open."""

NETWORK_WORDS = ("encoder",)
NETWORK_NUMBERS = {"filters": whole, "depth": whole, "dropout": number}
NETWORK_LISTS = ("kernel", "dilations")
"""Options of networks; those that are not given are left to the network."""

NUMERIC = {
    **dict.fromkeys([*INTEGERS, *INTEGERS_LEFT_OPEN], whole),
    **dict.fromkeys([*NUMBERS, *NUMBERS_LEFT_OPEN], number),
    **NETWORK_NUMBERS,
}
"""How an option that is a number is parsed, by its name."""

LISTS = ("bands", "class_weights", "augmentation", "strengths", *NETWORK_LISTS)
"""Options that list words or numbers, separated by commas."""

NETWORK = "unet"
"""The network where neither an option nor a model to start from names one."""


def settings_of(options: Mapping[str, str], freeze: bool = False, kind: str = CLASSES) -> Settings:
    """The settings of a run, checked.

    Args:
        options: What the parser gives: the words of each option, empty if it was not given.
        freeze: Whether flag -f was given.
        kind: Of the target.

    Raises:
        ValueError: An option that is out of range or cannot be combined with another or with the
            target, or a model to start from that cannot be read.
    """
    recipe = RECIPES.named(kind)
    settings = Settings(
        **(_network_of_model(options, recipe) if options["model"] else _network(options, recipe)),
        loss=recipe.loss(options["loss"]),
        class_weights=_class_weights(options["class_weights"]),
        augmentation=_augmentation(options["augmentation"]),
        strengths=_strengths(options["strengths"]),
        model=options["model"] or None,
        teacher=options["teacher"] or None,
        encoder_weights=_encoder_weights(options),
        freeze=freeze,
        **_of_the_same_name(options),
    )
    check_recipe(settings, kind)
    return settings


def standard_words() -> dict[str, str]:
    """The words that the parser gives for options with a standard value that are not given."""
    standard = Settings()
    return {
        **{name: getattr(standard, name) for name in (*WORDS, "class_weights")},
        **{name: f"{getattr(standard, name):g}" for name in (*INTEGERS, *NUMBERS)},
        "augmentation": ",".join(standard.augmentation),
    }


def _of_the_same_name(options: Mapping[str, str]) -> dict[str, Any]:
    """The settings with the same names as their options."""
    return {
        **{name: options[name] for name in WORDS},
        **{name: whole(options, name, highest=MAX_SEED) for name in INTEGERS},
        **{name: number(options, name) for name in NUMBERS},
        **{name: whole(options, name) for name in INTEGERS_LEFT_OPEN if options[name]},
        **{name: number(options, name) for name in NUMBERS_LEFT_OPEN if options[name]},
    }


def names_of(words: str) -> list[str] | None:
    """Names that are separated by commas; None if there are none."""
    return words.split(",") if words else None


def _network(options: Mapping[str, str], recipe: Recipe) -> dict[str, Any]:
    """The settings of the network."""
    return {
        "network": options["network"] or NETWORK,
        "network_file": options["network_file"] or None,
        "network_options": _network_options(options),
        "activation": options["activation"] or recipe.activation(None),
    }


def _network_of_model(options: Mapping[str, str], recipe: Recipe) -> dict[str, Any]:
    """The settings of the network of the model to start from.

    Raises:
        ValueError: The options describe another network.
    """
    card = load_network_card(options["model"])
    activation = options["activation"] or recipe.activation(card.training.get("activation"))
    if not card.training.get("network_file"):
        _check_same_network(options, card)
        return {
            "network": card.network,
            "network_options": {
                name: tuple(one) if isinstance(one, list) else one
                for name, one in card.network_options.items()
            },
            "activation": activation,
        }
    if not options["network_file"]:
        # Code at the path on the card, which may come from anyone, is not run.
        raise ValueError(
            f"The network of model <{options['model']}> was built by a file: name it with "
            "network_file="
        )
    return _network(options, recipe)


def _check_same_network(options: Mapping[str, str], card: ModelCard) -> None:
    given = {name: options[name] for name in ("network", "network_file") if options[name]}
    given |= _network_options(options)
    known = {"network": card.network, "network_file": None, **card.network_options}
    for name, one in given.items():
        own = known.get(name)
        if one != (tuple(own) if isinstance(own, list) else own):
            raise ValueError(
                f"<{name}> contradicts model <{options['model']}>, which sets the network "
                f"({card.network}) and its options: leave it out"
            )


def _network_options(options: Mapping[str, str]) -> dict[str, Any]:
    single = {
        name: parse(options, name) for name, parse in NETWORK_NUMBERS.items() if options[name]
    }
    lists = {name: wholes(options, name) for name in NETWORK_LISTS if options[name]}
    words = {name: options[name] for name in NETWORK_WORDS if options[name]}
    return {**single, **lists, **words}


def _encoder_weights(options: Mapping[str, str]) -> str:
    """What the encoder starts with: by default ImageNet's weights, if one was chosen."""
    chosen = options["encoder"] not in ("", NONE) or options["network"] in ON_FEATURES
    elsewhere = options["model"] or options["network_file"]
    by_default = IMAGENET if chosen and not elsewhere else NONE
    return options["encoder_weights"] or by_default


def _augmentation(words: str) -> tuple[str, ...]:
    names = words.split(",")
    if "none" in names and len(names) > 1:
        raise ValueError("augmentation=none cannot be combined with another augmentation")
    _check_once("augmentation", names)
    return () if names == ["none"] else tuple(names)


def _check_once(option: str, names: Sequence[str]) -> None:
    """Refuse a list that names something twice: the second would have no effect."""
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"<{option}> has <{twice[0]}> twice: name it once")


def _class_weights(words: str) -> str | tuple[float, ...]:
    if words in CLASS_WEIGHTS:
        return words
    try:
        return tuple(parsed_number(one, "class_weights") for one in words.split(","))
    except ValueError:
        raise ValueError(
            f"<class_weights> must be {', '.join(CLASS_WEIGHTS)}, or one number for each class, "
            f"found <{words}>"
        ) from None


def _strengths(words: str) -> dict[str, float]:
    pairs = [word.partition(":") for word in words.split(",") if word]
    _check_once("strengths", [name for name, _, _ in pairs])
    try:
        return {name: parsed_number(strength, "strengths") for name, _, strength in pairs}
    except ValueError:
        raise ValueError(
            f"<strengths> must be like rotate:180,noise:0.05, found <{words}>"
        ) from None
