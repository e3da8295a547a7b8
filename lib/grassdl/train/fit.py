# SPDX-License-Identifier: GPL-2.0-or-later
"""A network fitted to the training patches of datasets, and its model folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

import keras
import numpy as np

from .. import distribution, scores
from ..dataset.patchset import JoinedPatchSets
from ..distribution import ALONE, Team
from ..files import new_folder
from ..model import CARD_NAME, ModelCard, save_network
from ..networks import registry
from ..networks.network_file import build_from_file
from . import losses, optimizers
from .augmentation import by_names
from .band_values import BandValues
from .batches import Batches, TrainingBatches, reading
from .callbacks import History, Shuffle
from .class_weights import class_weights
from .metrics import MeanIoU
from .normalization import deviations, means
from .precision import computing_in, in_float32, resolve
from .readme import README_NAME, readme
from .record import Fitted, model_card, plan, write_history
from .settings import Settings

BATCH_NORM_MOMENTUM = 0.9
"""Share of batch norm's running statistics that a step leaves as it is.

They then follow the weights within some tens of steps. Keras' 0.99 takes hundreds, which is many
epochs of a small dataset: until then the scores on the validation split say nothing.
"""

_BEST = {"val_mean_iou": "highest validation mean IoU", "loss": "lowest training loss"}

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
    team: Team = ALONE,
) -> ModelCard | None:
    """Train a network and write its model folder, which appears whole or not at all.

    The same data and settings give the same weights, bit by bit, on the same machine with the
    same number of threads, if `backend.prepare` came before Keras.

    Args:
        data: The datasets.
        target: The model folder, as `files.check_output_folder` gives it.
        settings: Network and recipe.
        command: The call, for the model card.
        versions: Versions of software that this library does not know of, by name.
        report: Takes lines about the progress.
        warn: Takes warnings.
        team: The processes that train together.

    Returns:
        The content of `model.json`, scores on the test split among it; None in all processes but
        the first, which alone writes and reports.

    Raises:
        ValueError: Nothing to learn from, a patch size or an option that does not suit the
            network, a loss that is not a number, or a target that holds something else.
    """
    if not team.leads:
        report = warn = _silent
    _check_packages()
    _check_training_split(data, warn)
    for sentence in data.overlaps():
        warn(sentence)
    if not team.leads:
        _fitted_network(data, settings, team, report, warn)
        return None
    with new_folder(target, recognise=CARD_NAME) as folder:
        network, fitted = _fitted_network(data, settings, team, report, warn)
        report(f"Epoch {fitted.best_epoch} has the {_BEST[fitted.monitor]}: its weights are kept")
        test = score(network, data, "test", settings.batch_size)
        card = model_card(target.name, network, data, settings, fitted, test, command)
        card.versions.update(versions)
        card.save(folder)
        save_network(network, folder)
        write_history(fitted.rows, folder)
        (folder / README_NAME).write_text(readme(card), encoding="utf-8")
    return card


def _silent(_: str) -> None:
    """Report nothing: the first process does."""


def _fitted_network(
    data: JoinedPatchSets, settings: Settings, team: Team, report: Report, warn: Report
) -> tuple[keras.Model, Fitted]:
    """A new network, fitted by all processes together; each gets its own in single precision."""
    keras.utils.set_random_seed(settings.seed)
    precision = resolve(settings.precision)
    with computing_in(precision):
        network = build_network(data, settings)
        report(plan(network, data, settings))
        fitted = fit(network, data, settings, report, warn, team)
    distribution.part(team)
    if precision != "float32" or team != ALONE:
        network = in_float32(network)
    return network, fitted


def build_network(data: JoinedPatchSets, settings: Settings) -> keras.Model:
    """The network for these data, with fresh weights, that takes raw values."""
    shape = data.size, len(data.bands), len(data.classes)
    statistics = {"mean": means(data), "deviation": deviations(data)}
    if settings.network_file:
        network = build_from_file(settings.network_file, *shape, **statistics)
    else:
        network = registry.build(
            settings.network,
            *shape,
            **statistics,
            activation=settings.activation,
            **settings.network_options,
        )
    # Layers of nested models are among them.
    for layer in network._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    return network


def fit(
    network: keras.Model,
    data: JoinedPatchSets,
    settings: Settings,
    report: Report,
    warn: Report,
    team: Team = ALONE,
) -> Fitted:
    """Fit a network to the training split, and give it the weights of its best epoch.

    That is the epoch of the highest mean IoU on the validation split, or, without one, of the
    lowest training loss.

    Args:
        network: Takes raw values; its weights change.
        data: The datasets.
        settings: The recipe.
        report: Takes a line per epoch.
        warn: Takes warnings.
        team: The processes that train together.

    Raises:
        ValueError: The loss is not a number any more, patches are damaged, or batches cannot be
            shared out.
    """
    values = BandValues.of(data.bands, means(data), deviations(data))
    fill = values.mean
    training = TrainingBatches(
        data.arrays("train"),
        settings.batch_size,
        fill,
        by_names(settings.augmentation, values, settings.strengths),
        settings.seed,
        team,
    )
    team.check_batch_size(training.batch_size)
    validation, monitor, mode = None, "loss", "min"
    if data.pixels("val").any():
        validation = Batches(data.arrays("val"), settings.batch_size, fill, team)
        monitor, mode = "val_mean_iou", "max"
    else:
        warn("No labelled validation patches: the epoch with the lowest training loss is kept")
    learner = _learner(network, data, settings, settings.epochs * len(training))
    history = History(settings.epochs, report)
    best = keras.callbacks.EarlyStopping(
        monitor=monitor,
        mode=mode,
        patience=settings.patience or settings.epochs,
        restore_best_weights=True,
    )
    callbacks = [Shuffle(training), history, best]
    if settings.schedule == "plateau":
        callbacks.append(optimizers.plateau(monitor, mode))
    with reading(training, validation):
        learner.fit(
            training,
            epochs=settings.epochs,
            validation_data=validation,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    return Fitted(history.rows, best.best_epoch + 1, monitor)


def _learner(
    network: keras.Model, data: JoinedPatchSets, settings: Settings, steps: int
) -> keras.Model:
    """A compiled model that shares the weights of a network.

    The network itself is never compiled, so that its file needs neither our loss nor our metric to
    be loaded.
    """
    learner = keras.Model(network.inputs, network.outputs)
    rate = optimizers.rate(settings.schedule, settings.learning_rate, steps)
    learner.compile(
        optimizer=optimizers.optimizer(settings.optimizer, rate, settings.weight_decay),
        loss=losses.by_name(
            settings.loss,
            class_weights(settings.class_weights, data.pixels("train")),
            settings.label_smoothing,
        ),
        metrics=[MeanIoU(len(data.classes))],
    )
    return learner


def score(network: keras.Model, data: JoinedPatchSets, split: str, batch_size: int) -> dict | None:
    """Accuracy of a network on a split.

    Args:
        network: Takes raw values.
        data: The datasets.
        split: "train", "val" or "test".
        batch_size: Patches that are predicted at a time.

    Returns:
        The object of `scores.report`; None if no pixel of the split is labelled.
    """
    if not data.pixels(split).any():
        return None
    counts = np.zeros((len(data.classes), len(data.classes)), np.int64)
    batches = Batches(data.arrays(split), batch_size, np.array(means(data), np.float32))
    for number in range(len(batches)):
        images, labels = batches[number]
        predicted = network.predict_on_batch(images).argmax(axis=-1)
        counts += scores.confusion_counts(predicted, labels, len(data.classes))
    return scores.report(counts, data.classes)


def _check_packages() -> None:
    """Import now what serves only after the last epoch: then is too late to find it missing."""
    for name in ("sklearn", "matplotlib"):
        import_module(name)


def _check_training_split(data: JoinedPatchSets, warn: Report) -> None:
    if not data.count("train"):
        raise ValueError("There are no training patches: cut some with i.dl.patches")
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
    for band, statistics in zip(data.bands, data.statistics, strict=True):
        if not statistics.deviation:
            warn(f"Band <{band.name}> is constant in the training patches: it tells nothing")
