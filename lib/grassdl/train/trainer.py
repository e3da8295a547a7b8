# SPDX-License-Identifier: GPL-2.0-or-later
"""A network fitted to the training patches of datasets, and its model folder."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..dataset.patchset import JoinedPatchSets
from ..dataset.seen import sentence
from ..io.folders import check_output_folder
from ..model.card import ModelCard
from ..model.ensemble import Model
from ..model.folder import MODEL_FOLDER, load_card, save_card
from ..model.novelty import FeatureStatistics
from ..model.weights import save_network
from ..networks import registry
from ..networks.analysis.planned import planned
from ..networks.precision import in_precision
from ..networks.user_network import build_from_file
from ..runtime import keras_backend, multi_gpu
from ..runtime.multi_gpu import ALONE, Team
from ..runtime.workers import Terminated
from .callbacks import tensorboard
from .callbacks.divergence import Diverged
from .callbacks.watch import Watch
from .config.recipes import check_recipe
from .config.settings import Settings
from .data.augmentation import by_names
from .data.band_values import BandValues, deviations, means
from .data.batches import Batches, Shuffle, TrainingBatches, reading
from .feature_statistics import feature_statistics
from .head.learning import Learning
from .model_card import Fitted, model_card, write_history
from .model_readme import README_NAME, readme
from .optimization import optimizers
from .optimization.distillation import account, learner_of, open_teacher
from .optimization.phases import Phase, frozen
from .optimization.precision import computing_in, resolve
from .optimization.pretrained import start_encoder
from .optimization.transfer import Start, Transfer, frozen_layers, settled, take_over
from .preflight import (
    check_data,
    check_packages,
    check_team,
    check_weights_fit,
    enough_memory,
    is_out_of_memory,
    plan,
    source_leaks,
)
from .resume.checkpoint import State
from .resume.fingerprint import description
from .resume.run_folder import LOGS_NAME, RunFolder, run_path, running
from .targets.choice import learning_of
from .training_run import Course, open_run

BATCH_NORM_MOMENTUM = 0.9
"""Momentum of the running statistics of batch normalisation.

They then follow the weights within some tens of steps. Keras' 0.99 takes hundreds, many epochs of a
small dataset, in which the scores on the validation split mean nothing.
"""

SECONDS_TO_SCORE = 8
"""Time to score a model after SIGTERM: batch systems send SIGKILL after about half a minute."""

_KEEPING = (
    "The learning rate is {:g}, a tenth of that for random weights, to keep what the model has "
    "learnt (option learning_rate sets another one)"
)

Report = Callable[[str], None]
"""Takes a line of text for the user."""


def train(
    data: JoinedPatchSets,
    target: Path,
    settings: Settings,
    *,
    command: str,
    versions: Mapping[str, str],
    report: Report,
    warn: Report,
    resume: bool = False,
    team: Team = ALONE,
    with_validation: bool = False,
) -> ModelCard | None:
    """Train a network and write its model folder, which appears whole or not at all.

    The same data and settings give the same weights, bit by bit, on the same machine with the
    same number of threads, if `backend.prepare` came before Keras; also if the training was killed
    in between and resumed. Ctrl-C, SIGTERM and a loss that is not finite end it early: the model is
    then that of the best epoch so far.

    Args:
        data: The datasets.
        target: The model folder, as `run_folder.check_target` gives it.
        settings: Network and recipe.
        command, versions: For the card: the call, and versions of software outside this library.
        report, warn: Take lines about the progress, and warnings.
        resume: Whether to resume an unfinished training of this model.
        team: The processes that train together.
        with_validation: Whether the card has the scores on the validation split, too.

    Returns:
        The content of `model.json`; None in all processes but the first, which alone writes.

    Raises:
        ValueError: Nothing to learn from, a patch size or an option that does not fit the
            network, a loss that is not finite, too little memory, a target that holds something
            else, or an unfinished training that is another one.
    """
    if not team.leads:
        report = warn = _silent
    check_packages()
    check_data(data, warn)
    check_recipe(settings, data.target.kind)
    teacher = open_teacher(settings.teacher, data) if settings.teacher else None
    leaks = _warn_of_leaks(data, settings, teacher, warn)
    check_team(settings, team)
    settings = _settled(settings, data, report)
    with _run_of(target, team, warn) as run:
        network, fitted, start = _fitted_network(data, settings, report, warn, run, resume, team)
        if not team.leads:
            return None
        report(f"Epoch {fitted.best_epoch} has the {_best(fitted, data)}: its weights are kept")
        card = _scored_card(target.name, network, data, settings, fitted, command, warn)
        _tell_sources(card, start, teacher, leaks, versions)
        if with_validation:
            card.training |= _validation(network, data, settings, warn)
        statistics = _statistics(network, data, settings.seed, warn)
        _write_model(card, network, statistics, fitted, run, warn)
    report(f"Curves of the training: {tensorboard.command(target / LOGS_NAME)}")
    return card


def _run_of(target: Path, team: Team, warn: Report) -> AbstractContextManager[RunFolder]:
    """The run folder of a model, which the first process alone locks.

    Raises:
        ValueError: The model folder cannot be written, or another run writes it.
    """
    if not team.leads:
        return nullcontext(RunFolder(run_path(target)))
    # It reserves the name for a moment: two processes at once would refuse each other.
    check_output_folder(target, overwrite=True, kind=MODEL_FOLDER)
    return running(target, warn)


def fit_trial(data: JoinedPatchSets, settings: Settings, watch: Watch) -> Fitted:
    """Fit a network as `train` does, and write nothing.

    Args:
        data: The datasets, checked.
        settings: Network and recipe.
        watch: Takes epoch and score; what it raises ends the training.

    Raises:
        ValueError: As `train` does.
        KeyboardInterrupt: Ctrl-C or SIGTERM: an interrupted trial has no score.
    """
    # Keras' global state would grow with each trial.
    keras.utils.clear_session()
    settings = settled(settings, data)
    with computing_in(resolve(settings.precision)):
        network, transfer = _started_network(data, settings)
        fitted = fit(network, data, settings, _silent, _silent, transfer, watch=watch)
    if fitted.interrupted:
        raise KeyboardInterrupt
    return fitted


def _best(fitted: Fitted, data: JoinedPatchSets) -> str:
    """The figure by which the kept epoch is the best, for messages."""
    scores = learning_of(data.target).scores
    if fitted.monitor == "loss":
        return "lowest training loss"
    how = {"max": "highest", "min": "lowest"}[scores.mode]
    return f"{how} validation {scores.title}"


def _tell_sources(
    card: ModelCard,
    start: Start | None,
    teacher: Model | None,
    leaks: list[dict[str, Any]],
    versions: Mapping[str, str],
) -> None:
    """Record the source of the weights, the teacher and the software on a card."""
    parent = start.to_json() if isinstance(start, Transfer) else None
    taught = account(teacher) if teacher else None
    card.training |= {"parent": parent, "teacher": taught, "leaks": leaks}
    card.encoder = start.encoder if start else None
    card.versions.update(versions)


def _silent(_: str) -> None:
    """Report nothing: the first process does."""


def _settled(settings: Settings, data: JoinedPatchSets, report: Report) -> Settings:
    """The settings for these patches, and a line on the learning rate if a model asks for it."""
    found = settled(settings, data)
    if settings.keeps_knowledge and found.highest_rate == settings.highest_rate:
        report(_KEEPING.format(found.highest_rate))
    return found


def _warn_of_leaks(
    data: JoinedPatchSets, settings: Settings, teacher: Model | None, warn: Report
) -> list[dict[str, Any]]:
    """Warn of test patches on ground that models to learn from have seen, and return them."""
    cards = [load_card(settings.model)] if settings.model else []
    cards += [teacher.card] if teacher else []
    leaks = [found for card in cards for found in source_leaks(data, card)]
    for one in leaks:
        warn(sentence(one))
    return leaks


def _validation(
    network: keras.Model, data: JoinedPatchSets, settings: Settings, warn: Report
) -> dict[str, Any]:
    """The scores on the validation split, for the record of a training."""
    return {"validation": figures(_scores(network, data, "val", settings, warn), data)}


def _statistics(
    network: keras.Model, data: JoinedPatchSets, seed: int, warn: Report
) -> FeatureStatistics | None:
    """The statistics for `novelty` of i.dl.predict; None if memory runs out."""
    # A process that was asked to end has no time for it.
    if Terminated.asked:
        return None
    try:
        return feature_statistics(network, data, seed)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        warn("Memory ran out for the statistics of novelty: the model is written without them")
        return None


def _scored_card(
    name: str,
    network: keras.Model,
    data: JoinedPatchSets,
    settings: Settings,
    fitted: Fitted,
    command: str,
    warn: Report,
) -> ModelCard:
    """The card of a network, with its scores on the test split."""
    test = _scores(network, data, "test", settings, warn)
    return model_card(name, network, data, settings, fitted, test, command)


def _write_model(
    card: ModelCard,
    network: keras.Model,
    statistics: FeatureStatistics | None,
    fitted: Fitted,
    run: RunFolder,
    warn: Report,
) -> None:
    """Write the model folder; a finished training then discards its run folder."""
    # The first process has reserved the name.
    assert run.output is not None
    with run.output.new_folder() as folder:
        save_card(card, folder)
        save_network(network, folder)
        if statistics:
            statistics.save(folder)
        write_history(fitted.rows, learning_of(card.target).scores, folder)
        (folder / README_NAME).write_text(readme(card), encoding="utf-8")
        shutil.copytree(run.logs, folder / LOGS_NAME)
    if fitted.interrupted:
        warn("The model is that of an unfinished training: the same call with -r resumes it")
    else:
        run.discard()


def _fitted_network(
    data: JoinedPatchSets,
    settings: Settings,
    report: Report,
    warn: Report,
    run: RunFolder,
    resume: bool,
    team: Team,
) -> tuple[keras.Model, Fitted, Start | None]:
    """A new network, fitted by all processes together; each gets its own in single precision."""
    precision = resolve(settings.precision)
    with computing_in(precision):
        network, start = _started_network(data, settings)
        about = description(data, settings, team.processes)
        resumed = open_run(run, about, resume, report, warn, team)
        report(plan(network, data, settings))
        if start:
            report(start.line())
        own_run = run if team.leads else None
        fitted = fit(network, data, settings, report, warn, start, own_run, resumed, team)
    multi_gpu.part(team)
    if precision != "float32" or team != ALONE:
        network = in_precision(network, "float32")
    return network, fitted, start


def _started_network(data: JoinedPatchSets, settings: Settings) -> tuple[keras.Model, Start | None]:
    """A new network as training begins with it, and what it has taken over."""
    _check_extent(data, settings)
    keras.utils.set_random_seed(settings.seed)
    network = build_network(data, settings)
    return network, _start(network, data, settings)


def _check_extent(data: JoinedPatchSets, settings: Settings) -> None:
    """Refuse a network that does not fit patches or memory, before its weights are allocated."""
    if settings.network_file or not registry.is_large(settings.network, settings.network_options):
        return
    shape = data.dates, data.size, len(data.bands), data.target.outputs
    build = partial(_build, settings, *shape, days=data.days)
    check_weights_fit(planned(build), settings.network)


def check_network(data: JoinedPatchSets, settings: Settings) -> None:
    """Refuse a network of the toolset that cannot be built for these data, before it has weights.

    Raises:
        ValueError: An option that it does not have, or a patch size that does not fit it.
    """
    if not settings.network_file:
        shape = data.dates, data.size, len(data.bands), data.target.outputs
        planned(partial(_build, settings, *shape, days=data.days))


def build_network(data: JoinedPatchSets, settings: Settings) -> keras.Model:
    """The network for these data, with fresh weights, that takes raw values."""
    network = _build(
        settings,
        data.dates,
        data.size,
        len(data.bands),
        data.target.outputs,
        activation=settings.activation,
        days=data.days,
        mean=means(data),
        deviation=deviations(data),
        **learning_of(data.target).head(data, settings),
    )
    # Layers of nested models are among them.
    for layer in network._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    return network


def _build(
    settings: Settings,
    dates: int,
    size: int,
    bands: int,
    outputs: int,
    activation: str | None = None,
    days: Sequence[int] | None = None,
    **statistics: Any,
) -> keras.Model:
    """A network; the activation, if none is given, is one that any number of outputs has."""
    activation = activation or registry.for_any_number(settings.activation)
    how = {"activation": activation, "days": days, **statistics}
    if settings.network_file:
        return build_from_file(settings.network_file, size, bands, outputs, **how)
    how |= {"dates": dates, **settings.network_options}
    return registry.build(settings.network, size, bands, outputs, **how)


def _start(network: keras.Model, data: JoinedPatchSets, settings: Settings) -> Start | None:
    """Start from the weights of a model, or of an encoder, if the settings name one."""
    if not settings.model:
        return start_encoder(network, data.bands, settings)
    build = partial(_build, settings, data.dates, data.size, days=data.days)
    return take_over(network, data.bands, data.target, settings.model, build)


def fit(
    network: keras.Model,
    data: JoinedPatchSets,
    settings: Settings,
    report: Report,
    warn: Report,
    start: Start | None = None,
    run: RunFolder | None = None,
    resumed: State | None = None,
    team: Team = ALONE,
    watch: Watch | None = None,
) -> Fitted:
    """Fit a network to the training split, and give it the weights of its best epoch.

    That is the epoch of the best score on the validation split, see `TargetLearning.scores`, or,
    without one, of the lowest training loss.

    Args:
        network: Takes raw values; its weights change.
        data: The datasets.
        settings: The recipe.
        report: Takes a line per epoch.
        warn: Takes warnings.
        start: What the network has taken over from another model, or its encoder from a file.
        run: Where to keep logs, and the state after each epoch.
        resumed: State to resume from.
        team: The processes that train together.
        watch: Takes the score of each epoch, see `callbacks.watch`; or None.

    Raises:
        ValueError: The loss is not finite, patches are damaged, memory ran out, or
            batches cannot be shared out.
    """
    training, validation = _batches(data, settings, team, warn)
    scores = learning_of(data.target).scores
    monitor, mode = (scores.monitor, scores.mode) if validation else ("loss", "min")
    course = Course(network, settings, monitor, mode, scores, report, run, resumed, watch)
    encoder = frozen_layers(network, settings, start)
    cause = None
    try:
        with (
            reading(training, validation),
            enough_memory(network, data.size, training.batch_size, warn),
            course,
        ):
            for phase in course.phases_left():
                part = Learning(network, training, validation)
                if phase.on_features:
                    name = registry.features_layer(settings.network)
                    part = part.on_features(name, data, settings.seed, report)
                with frozen(encoder if phase.frozen else ()):
                    _fit_phase(part, data, settings, course, phase)
    except (Diverged, KeyboardInterrupt) as early:
        cause = early
        _check_worth_a_model(cause, course, team)
        warn(f"{_why(cause, course.epochs)}: the best epoch so far makes the model")
    network.set_weights(course.best.weights)
    rows, best, diverged = course.history.rows, course.best.epoch, isinstance(cause, Diverged)
    return Fitted(rows, best, monitor, cause is not None and not diverged, diverged)


def _fit_phase(
    part: Learning, data: JoinedPatchSets, settings: Settings, course: Course, phase: Phase
) -> None:
    """Fit the learning part of a phase until its last epoch, or until patience is exhausted."""
    training, validation = part.training, part.validation
    steps = (phase.end - phase.first) * len(training)
    learner = _learner(part.network, data, settings, phase.learning_rate, steps)
    course.prepare(learner, phase)
    learner.fit(
        keras_backend.feed(training),
        initial_epoch=max(phase.first, course.epochs),
        epochs=phase.end,
        validation_data=keras_backend.feed(validation) if validation else None,
        callbacks=[Shuffle(training), *course.callbacks(phase, len(training))],
        shuffle=False,
        verbose=0,
    )


def _check_worth_a_model(cause: BaseException, course: Course, team: Team) -> None:
    """Re-raise what ended a training early if there is no epoch to make a model of.

    Raises:
        BaseException: `cause`.
    """
    if isinstance(cause, Diverged):
        if course.run:
            # A resumed run would diverge again.
            course.run.discard()
    # The other processes of the team wait for this one within a step.
    elif team.processes > 1:
        raise cause
    if not course.best.weights:
        raise cause
    if isinstance(cause, Terminated):
        Terminated.heeded = True


def _why(cause: BaseException, epochs: int) -> str:
    """Why a training ended early."""
    if isinstance(cause, Diverged):
        return str(cause)
    by = " by SIGTERM" if isinstance(cause, Terminated) else ""
    return f"Interrupted{by} after epoch {epochs}"


def _batches(
    data: JoinedPatchSets, settings: Settings, team: Team, warn: Report
) -> tuple[TrainingBatches, Batches | None]:
    """Training and validation batches; None if no pixel of the validation split is labelled."""
    values = BandValues.of(data.bands, means(data), deviations(data))
    fill = values.mean
    training = TrainingBatches(
        data.arrays("train"),
        settings.batch_size,
        fill,
        by_names(settings.augmentation, values, settings.strengths),
        settings.seed,
        team,
        data.target,
    )
    team.check_batch_size(training.batch_size)
    if not data.pixels("val").any():
        warn("No labelled validation patches: the epoch with the lowest training loss is kept")
        return training, None
    return training, Batches(data.arrays("val"), settings.batch_size, fill, team)


def _learner(
    network: keras.Model,
    data: JoinedPatchSets,
    settings: Settings,
    learning_rate: float,
    steps: int,
) -> keras.Model:
    """A compiled model that shares the weights of a network.

    The network itself is never compiled, so that its file is loaded without our loss and metric.
    """
    learner = learner_of(network, settings.teacher, data)
    rate = optimizers.rate(settings.schedule, learning_rate, steps)
    learning = learning_of(data.target)
    learner.compile(
        optimizer=optimizers.optimizer(
            settings.optimizer, rate, settings.weight_decay, settings.averaging * steps
        ),
        loss=learning.loss(data, settings),
        metrics=learning.metrics(data),
    )
    # If the first step created variables, TensorFlow would trace it twice.
    learner.optimizer.build(learner.trainable_variables)
    return learner


def _scores(
    network: keras.Model, data: JoinedPatchSets, split: str, settings: Settings, warn: Report
) -> dict[str, Any] | None:
    """Scores on a split; after SIGTERM little time is taken for the test split, and none for
    another."""
    seconds = SECONDS_TO_SCORE if Terminated.asked else math.inf
    if Terminated.asked and split != "test":
        return None
    try:
        return score(network, data, split, settings.batch_size, seconds)
    except TimeoutError:
        warn("There was no time left to score the model on the test patches: see i.dl.evaluate")
        return None


def figures(
    report: Mapping[str, Any] | None, data: JoinedPatchSets
) -> dict[str, float | None] | None:
    """The headline figures of scores; None where there are no scores."""
    if report is None:
        return None
    return {name: report[name] for name in learning_of(data.target).headline}


def score(
    network: keras.Model,
    data: JoinedPatchSets,
    split: str,
    batch_size: int,
    seconds: float = math.inf,
    fill: np.ndarray | None = None,
) -> dict[str, Any] | None:
    """Accuracy of a network on a split.

    Args:
        network: Takes raw values; anything with `predict_on_batch`.
        data: The datasets.
        split: "train", "val" or "test".
        batch_size: Patches that are predicted at a time.
        seconds: The most time that this may take.
        fill: Value of every band that replaces NULL; None for the means of the bands.

    Returns:
        The object of `Counter.report`; None if no pixel of the split is labelled.

    Raises:
        TimeoutError: It takes longer.
    """
    end = time.monotonic() + seconds
    if not data.pixels(split).any():
        return None
    counter = learning_of(data.target).counter(data)
    if fill is None:
        fill = np.array(means(data), np.float32)
    batches = Batches(data.arrays(split), batch_size, fill)
    for number in range(len(batches)):
        if time.monotonic() > end:
            raise TimeoutError
        images, labels = batches[number]
        counter.add(network.predict_on_batch(images), labels)
    return counter.report()
