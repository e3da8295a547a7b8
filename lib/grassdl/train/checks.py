# SPDX-License-Identifier: GPL-2.0-or-later
"""What is checked before anything is computed: software, and something to learn from."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np

from ..dataset.patchset import JoinedPatchSets
from ..dataset.seen import leaks
from ..model.folder import load_card

MOST_LISTED = 5
"""Classes that a warning lists at most."""


def check_packages() -> None:
    """Import now what serves only after the last epoch: then is too late to find it missing."""
    import_module("matplotlib")


def check_data(data: JoinedPatchSets, warn: Callable[[str], None]) -> None:
    """Check the training split.

    Args:
        data: The datasets.
        warn: Takes a line for the user.

    Raises:
        ValueError: There is nothing to learn from.
    """
    if not data.count("train"):
        raise ValueError(
            "There are no training patches in the input: add a dataset that has some, cut by "
            "i.dl.patches with a share for training"
        )
    pixels = data.pixels("train")
    if not pixels.any():
        raise ValueError("No pixel of the training patches is labelled: there is nothing to learn")
    if np.count_nonzero(pixels) == 1:
        only = data.classes.labels[int(pixels.argmax())]
        raise ValueError(f"All labelled training pixels are <{only}>: two classes are needed")
    for one, labelled in zip(data.classes, pixels, strict=True):
        if not labelled:
            warn(
                f"Class {one.value} <{one.label}> has no pixel in the training patches: "
                "the network cannot learn it"
            )
    _tell_unvalidated(data, warn)
    for band, statistics in zip(data.bands, data.statistics, strict=True):
        if not statistics.deviation:
            warn(f"Band <{band.name}> is constant in the training patches: it tells nothing")
    for sentence in data.renumbered() + data.contradictions() + data.overlaps():
        warn(sentence)


def _tell_unvalidated(data: JoinedPatchSets, warn: Callable[[str], None]) -> None:
    """Warn of classes that are trained and lack in the validation split, if that has labels.

    Their IoU is 0 as soon as a pixel is mapped as one of them: see `scores.iou`.
    """
    trained, validated = data.pixels("train") > 0, data.pixels("val") > 0
    missing = np.flatnonzero(trained & ~validated)
    if validated.any() and len(missing):
        shown = ", ".join(f"<{data.classes.labels[place]}>" for place in missing[:MOST_LISTED])
        more = f" and {len(missing) - MOST_LISTED} more" if len(missing) > MOST_LISTED else ""
        warn(
            f"No validation patch holds {shown}{more}: each pixel that is mapped so counts against "
            "the epoch in its mean IoU, by which the best one is chosen"
        )


def start_model_leaks(data: JoinedPatchSets, folder: str | None) -> list[dict]:
    """Test patches that lie where the model to start from has seen the ground, see `seen.leaks`.

    Args:
        data: The datasets.
        folder: Folder of that model; None for none.

    Raises:
        ValueError: The model cannot be read.
    """
    if not folder:
        return []
    card = load_card(folder)
    return [
        found for one in data.patch_sets for found in leaks(card.name, card.seen_areas, one, "test")
    ]
