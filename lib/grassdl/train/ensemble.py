# SPDX-License-Identifier: GPL-2.0-or-later
"""Several networks trained one after the other, and the model folder that holds them all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..core.text import listed
from ..io.folders import reserved
from ..model.card import KNOWLEDGE_SOURCES, ModelCard, utc_now
from ..model.ensemble import Model, model_of
from ..model.folder import MODEL_FOLDER, save_card
from ..runtime import multi_gpu
from ..runtime.multi_gpu import Team
from .config.members import Training, Trainings
from .config.recipes import check_recipe
from .ensemble_scores import heads, summary
from .model_readme import README_NAME, readme
from .preflight import check_data
from .resume.ensemble_folder import EnsembleFolder, opened
from .resume.fingerprint import check_resumable, description
from .resume.run_folder import Description, check_target
from .trainer import check_network, figures, score, train

Report = Callable[[str], None]
"""Takes a line of text for the user."""


def train_ensemble(
    trainings: Trainings,
    target: Path,
    *,
    command: str,
    versions: Mapping[str, str],
    report: Report,
    warn: Report,
    resume: bool = False,
    team: Team = multi_gpu.ALONE,
) -> ModelCard:
    """Train the members of an ensemble and write its folder, which appears whole or not at all.

    When an ensemble is resumed, finished members are not trained again, and an unfinished one
    continues after its last epoch, however the earlier run ended.

    Args:
        trainings: Of the members.
        target: The folder, as `ensemble_folder.check_ensemble_target` gives it.
        command, versions, report, warn, resume: See `trainer.train`.
        team: The processes that train together; one for an ensemble.

    Returns:
        The content of `model.json`.

    Raises:
        ValueError: See `trainer.train`; or several processes train together.
        KeyboardInterrupt: The training of a member was interrupted.
    """
    if team.processes > 1:
        raise ValueError(
            f"{' and '.join(trainings.asked)} train one network after the other in one process: "
            "train each with several processes (fold=1, fold=2, ...), and name all with model="
        )
    _check(trainings)
    told = {"command": command, "versions": versions, "report": report, "warn": warn}
    with reserved(target, MODEL_FOLDER) as output, opened(target, warn) as run:
        _begin(run, _description(trainings), resume, report, warn)
        for number, one in enumerate(trainings.each):
            report(f"Member {number + 1} of {len(trainings.each)}: {one.name}")
            if run.is_finished(one.name):
                report("It is trained already")
                continue
            _train_member(one, run, multi_gpu.join() if number else team, told)
        card = _ensemble_card(trainings, target.name, run.folder, command)
        with output.new_folder() as folder:
            for one in trainings.each:
                # The members stay until the ensemble has its name.
                shutil.copytree(run.folder / one.name, folder / one.name, copy_function=linked)
            save_card(card, folder)
            (folder / README_NAME).write_text(readme(card), encoding="utf-8")
        run.remove()
    return card


def _check(trainings: Trainings) -> None:
    """Refuse what would end the training of any member, before the first is trained.

    Raises:
        ValueError: See `trainer.train`.
    """
    for one in trainings.each:
        # Each member warns when it is trained.
        check_data(one.data, warn=lambda line: None)
    first = trainings.each[0]
    check_recipe(first.settings, first.data.target.kind)
    check_network(first.data, first.settings)


def linked(source: str, target: str) -> None:
    """Hard-link a file, or copy it where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _begin(
    run: EnsembleFolder, now: Description, resume: bool, report: Report, warn: Report
) -> None:
    """Resume an unfinished ensemble, or begin a new one."""
    if resume:
        check_resumable(run.description(), now, warn)
        report("Resuming the ensemble")
        return
    if run.is_begun:
        warn("An unfinished ensemble of this name is replaced: -r would have resumed it")
    run.start(now)


def _description(trainings: Trainings) -> Description:
    """What all members depend on, and which they are."""
    first = trainings.each[0]
    about = description(first.data, first.settings, processes=1)
    asked = {f"option {name}": one for name, one in trainings.asked.items()}
    members = {"the members": listed((one.name for one in trainings.each), len(trainings.each))}
    return {**about, "fingerprint": {**about["fingerprint"], **asked, **members}}


def _train_member(one: Training, run: EnsembleFolder, team: Team, told: dict[str, Any]) -> None:
    """Train a member in the folder of the run.

    Raises:
        KeyboardInterrupt: It was interrupted.
    """
    resume = run.is_resumable(one.name)
    # Layers are numbered from 1 again, as if it were the only network of the process.
    keras.utils.clear_session(free_memory=True)
    target = check_target(run.folder / one.name, overwrite=True, resume=resume)
    how = {**told, "resume": resume, "team": team, "with_validation": True}
    card = train(one.data, target, one.settings, **how)
    if card is not None and card.training["interrupted"]:
        raise KeyboardInterrupt


class _Averaged:
    """A model with the interface of a network that is scored.

    Args:
        model: The model.
    """

    def __init__(self, model: Model):
        self.predict_on_batch = model.predictor()


def _ensemble_card(trainings: Trainings, name: str, place: Path, command: str) -> ModelCard:
    """The card of the members in a folder, scored together on the test split."""
    model = model_of([place / one.name for one in trainings.each])
    first, cards = trainings.each[0], [one.card for one in model.members]
    members = [
        {
            "name": one.name,
            "seed": one.settings.seed,
            "validation": card.training["validation"],
            "test": figures(card.test, first.data),
            "best_epoch": card.training["best_epoch"],
            "seconds": card.training["seconds"],
        }
        for one, card in zip(trainings.each, cards, strict=True)
    ]
    how = first.settings.batch_size, np.inf, model.card.fill_values
    test = score(_Averaged(model), first.data, "test", *how) if cards[0].test else None
    training = {
        "made_by": " ".join(f"{name}={one}" for name, one in trainings.asked.items()),
        "validated_on": trainings.validated_on,
        "seconds": round(sum(one["seconds"] for one in members), 1),
        "members": members,
        "summary": summary(members, heads(model.card)),
        **{name: cards[0].training.get(name) for name in KNOWLEDGE_SOURCES},
        "leaks": _different(card.training.get("leaks", []) for card in cards),
    }
    return replace(
        model.card, name=name, test=test, training=training, command=command, created=utc_now()
    )


def _different(lists: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The distinct objects of some lists."""
    found: list[dict[str, Any]] = []
    for one in chain.from_iterable(lists):
        if one not in found:
            found.append(one)
    return found
