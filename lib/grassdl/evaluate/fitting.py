# SPDX-License-Identifier: GPL-2.0-or-later
"""Temperature and threshold, fitted to validation patches and stored in a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..dataset.patchset import PatchSet
from ..io.atomic import check_writable
from ..model.card import ModelCard
from ..model.ensemble import Model, Predict
from ..model.weights import predictor
from .metrics.calibration import fit_temperature
from .metrics.thresholds import ThresholdCounts, Wanted, chosen_threshold
from .scored_patches import ScoredPatches, sampled

FITTED_PIXELS = 1_000_000
"""Pixels that a temperature is fitted to, enough for one parameter."""


def check_fit(model: Model, wanted: Wanted, what: str) -> None:
    """Refuse thresholds for models of other than two classes, and fits that cannot be stored.

    Args:
        model: The model.
        wanted: The wanted precision or recall.
        what: The flags, see `fitted`.

    Raises:
        ValueError: The model has other classes or is an ensemble, both precision and recall are
            wanted, or the folder of a network that is to be fitted cannot be written.
    """
    card = model.card
    if "s" in what and None not in (wanted.precision, wanted.recall):
        raise ValueError(
            "A model has one threshold: with -s give wanted_precision or wanted_recall, not both"
        )
    if (wanted or "s" in what) and len(card.classes) != 2:
        raise ValueError(
            f"Thresholds of precision and recall are for two classes, model <{card.name}> has "
            f"{len(card.classes)}: leave out -s, wanted_precision and wanted_recall"
        )
    if "s" in what and card.members:
        raise ValueError(
            f"No patches validate all networks of <{card.name}>, so that no threshold is stored in "
            "an ensemble: leave out -s, and give i.dl.predict a threshold"
        )
    for one in model.members if what else ():
        check_writable(one.folder)


def temperature_of(
    predict: Predict, card: ModelCard, patch_sets: Sequence[PatchSet], seed: int
) -> float:
    """The temperature fitted to the validation patches of datasets.

    Args:
        predict: The model's network.
        card: What the model knows.
        patch_sets: The datasets.
        seed: Seed of the choice of `FITTED_PIXELS` pixels, the same number of every patch.

    Raises:
        ValueError: A dataset does not fit the model, or no validation pixel is labelled.
    """
    patches = ScoredPatches(card, patch_sets, "val")
    step, most = sampled(patches, FITTED_PIXELS)
    rng = np.random.default_rng(seed)
    found, truths = [], []
    for batch in patches.batches(step):
        for shares, codes in zip(predict(batch.images), batch.channel, strict=True):
            known = np.flatnonzero(codes.ravel() < len(card.classes))
            chosen = rng.choice(known, min(most, len(known)), replace=False)
            found.append(shares.reshape(-1, shares.shape[-1])[chosen])
            truths.append(codes.ravel()[chosen])
    if not any(len(one) for one in truths):
        raise ValueError("No validation pixel is labelled: no temperature can be fitted")
    return fit_temperature(np.concatenate(found), np.concatenate(truths).astype(np.intp))


def threshold_of(
    predict: Predict, card: ModelCard, patch_sets: Sequence[PatchSet], wanted: Wanted
) -> float:
    """The threshold of the second of two classes, fitted to the validation patches of datasets.

    Args:
        predict: The model's network.
        card: The model's card, with its temperature.
        patch_sets: The datasets.
        wanted: The precision or recall to reach; otherwise F1 is the highest.

    Raises:
        ValueError: A dataset does not fit the model, no validation pixel is of the class, or no
            threshold reaches the precision.
    """
    counts = ThresholdCounts()
    for batch in ScoredPatches(card, patch_sets, "val").batches():
        warm = card.tempered(predict(batch.images))
        counts.add(warm[batch.labelled].T, batch.channel[batch.labelled])
    return chosen_threshold(counts, wanted, "the labelled validation pixels")


def fitted(
    predict: Predict,
    card: ModelCard,
    patch_sets: Sequence[PatchSet],
    wanted: Wanted,
    seed: int,
    what: str,
) -> tuple[ModelCard, list[str]]:
    """The card with a temperature or threshold fitted to the validation patches, or both.

    Args:
        predict, card, patch_sets, wanted, seed: See `temperature_of` and `threshold_of`.
        what: The flags: "t" for a temperature, "s" for a threshold.

    Returns:
        The card, and a line for each figure.
    """
    lines = []
    if "t" in what:
        card = card.retempered(temperature_of(predict, card, patch_sets, seed))
        lines.append(f"Temperature {card.temperature:.3f}")
    if "s" in what:
        threshold = threshold_of(predict, card, patch_sets, wanted)
        card = replace(card, threshold=threshold)
        lines.append(f"Threshold {threshold:g} of class {list(card.classes)[1].full_name}")
    return card, lines


def fitted_model(
    model: Model, patch_sets: Sequence[PatchSet], wanted: Wanted, seed: int, what: str
) -> tuple[Model, list[str]]:
    """A model whose networks are each fitted to the patches that validated them; see `fitted`.

    Returns:
        The model, and a line for each figure and where it is stored.
    """
    if not what:
        return model, []
    members, lines = [], []
    for one in model.members:
        run = predictor(one.folder)
        card, told = fitted(run, one.card, patch_sets, wanted, seed, what)
        members.append(replace(one, card=card))
        lines += [f"{line} is stored in model <{one.folder}>" for line in told]
    card = model.card if model.card.members else members[0].card
    return Model(tuple(members), card), lines
