# SPDX-License-Identifier: GPL-2.0-or-later
"""Which settings of a training each kind of target allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.target import PATCH, ByTarget
from ...networks.registry import OF_PATCHES
from . import choices
from .settings import Settings


@dataclass(frozen=True)
class Recipe:
    """What a kind of target allows.

    Attributes:
        losses: Names of losses, the usual one first.
        activations: Names of activations, the usual one first.
        fixed: Settings that only other kinds of target use, and the values that leave them unused.
        learns: What the labels are, for messages.
    """

    losses: tuple[str, ...]
    activations: tuple[str, ...]
    fixed: Mapping[str, Any]
    learns: str

    def loss(self, chosen: str) -> str:
        """The chosen loss, or the usual one."""
        return chosen or self.losses[0]

    def activation(self, before: str | None) -> str:
        """The activation of a model to start from if this target allows it, else the usual one."""
        return before if before in self.activations else self.activations[0]


RECIPES = ByTarget(
    classes=Recipe(tuple(choices.CLASS_LOSSES), tuple(choices.ACTIVATIONS), {}, "classes"),
    value=Recipe(
        tuple(choices.VALUE_LOSSES),
        (choices.LINEAR,),
        {"class_weights": "none", "label_smoothing": 0.0, "teacher": None},
        "values",
    ),
    patch=Recipe(tuple(choices.CLASS_LOSSES), tuple(choices.ACTIVATIONS), {}, "classes of patches"),
)


def check_recipe(settings: Settings, kind: str) -> None:
    """Refuse settings that the kind of target does not allow.

    Args:
        settings: The settings.
        kind: Of the target.

    Raises:
        ValueError: One is not allowed.
    """
    recipe = RECIPES.named(kind)
    _check_network(settings, kind)
    for name, allowed in (("loss", recipe.losses), ("activation", recipe.activations)):
        chosen = getattr(settings, name)
        if chosen not in allowed:
            # No option names the linear activation.
            others = " or ".join(one for one in allowed if one != choices.LINEAR)
            raise ValueError(
                f"{name}={chosen} is not for {recipe.learns}, which the input is of: "
                f"{f'use {others}, or ' if others else ''}leave it out"
            )
    for name, neutral in recipe.fixed.items():
        if getattr(settings, name) != neutral:
            raise ValueError(f"{name} is for classes, and the input is of values: leave it out")


def _check_network(settings: Settings, kind: str) -> None:
    """Refuse networks that classify cells for classes of patches, and the reverse.

    A user's own network may be either.
    """
    if settings.network_file:
        return
    if kind == PATCH and settings.network not in OF_PATCHES:
        raise ValueError(
            f"Network <{settings.network}> gives every cell a class, and the input is of classes "
            f"of patches: use network={OF_PATCHES[0]}, or cut patches without target={PATCH}"
        )
    if kind != PATCH and settings.network in OF_PATCHES:
        raise ValueError(
            f"Network <{settings.network}> gives a whole patch one class, and the input has labels "
            f"of cells: cut patches with target={PATCH}, or use another network"
        )
