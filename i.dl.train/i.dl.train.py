#!/usr/bin/env python3

############################################################################
#
# MODULE:       i.dl.train
# AUTHOR(S):    The i.dl developers
# PURPOSE:      Train a fully convolutional network on datasets of patches
# COPYRIGHT:    (C) 2026 by the i.dl developers
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
############################################################################

# % module
# % description: Trains a fully convolutional network on datasets of image patches
# % keyword: imagery
# % keyword: classification
# % keyword: deep learning
# % keyword: semantic segmentation
# % keyword: training
# % end
# % option G_OPT_M_DIR
# % key: input
# % multiple: yes
# % label: Name of one or more dataset folders made by i.dl.patches
# % description: Datasets with the same bands are joined; an area need not hold every class
# % end
# % option G_OPT_M_DIR
# % key: output
# % label: Name for output model folder
# % description: It appears when training has ended
# % end
# % option
# % key: network
# % type: string
# % required: no
# % options: unet,nicknet
# % answer: unet
# % label: Network
# % descriptions: unet;U-Net: encoder and decoder with skip connections (Ronneberger et al. 2015);nicknet;NickNet: dilated multiscale network at full resolution (ANAGEO, FOSS4G 2019)
# % guisection: Network
# % end
# % option
# % key: filters
# % type: integer
# % required: no
# % label: Number of filters
# % description: U-Net: at full resolution, twice as many per level down (default: 16); NickNet: of each block (default: 64)
# % guisection: Network
# % end
# % option
# % key: depth
# % type: integer
# % required: no
# % label: Number of times the resolution is halved
# % description: U-Net only (default: 4)
# % guisection: Network
# % end
# % option
# % key: dropout
# % type: double
# % required: no
# % label: Share of features dropped in training at the lowest resolution
# % description: U-Net only (default: 0)
# % guisection: Network
# % end
# % option
# % key: epochs
# % type: integer
# % required: no
# % answer: 50
# % description: Maximum number of passes over the training patches
# % guisection: Training
# % end
# % option
# % key: batch_size
# % type: integer
# % required: no
# % answer: 16
# % description: Number of patches per step
# % guisection: Training
# % end
# % option
# % key: learning_rate
# % type: double
# % required: no
# % answer: 0.002
# % label: Highest learning rate
# % description: It rises over the first twentieth of the steps, then falls along a cosine
# % guisection: Training
# % end
# % option
# % key: weight_decay
# % type: double
# % required: no
# % answer: 0.01
# % description: Weight decay of the kernels (AdamW)
# % guisection: Training
# % end
# % option
# % key: augmentation
# % type: string
# % required: no
# % multiple: yes
# % options: flip,rotate90,none
# % answer: flip,rotate90
# % label: Random changes of the training patches
# % descriptions: flip;Mirror left to right and top to bottom;rotate90;Turn by 0, 90, 180 or 270 degrees;none;Patches as they are
# % guisection: Training
# % end
# % option
# % key: patience
# % type: integer
# % required: no
# % answer: 20
# % label: Number of epochs without a better score after which training stops
# % description: 0 to train to the last epoch; the best weights are kept in any case
# % guisection: Training
# % end
# % option
# % key: seed
# % type: integer
# % required: no
# % answer: 1
# % label: Seed of everything random
# % description: Same seed, same model on the same machine with the same number of threads
# % guisection: Training
# % end
# % option G_OPT_M_NPROCS
# % answer: 0
# % description: Number of threads for computing; 0 for all cores
# % end

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import grass.script as gs

if TYPE_CHECKING:
    from grassdl.dataset.patchset import JoinedPatchSets
    from grassdl.model import ModelCard
    from grassdl.train.settings import Settings


def find_library() -> None:
    """Make grassdl importable: a checkout's, or the one that was installed with this script.

    It comes before all else on the path, a grassdl of somebody else in the current folder included.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    for place in ("lib", os.path.join("etc", "i.dl")):
        library = os.path.join(os.path.dirname(here), place)
        if os.path.isdir(os.path.join(library, "grassdl")):
            sys.path.insert(0, library)
            return
    gs.fatal(f"The library of i.dl is not installed beside <{here}>: run 'make install' again")


def open_datasets(names: str) -> JoinedPatchSets:
    """The datasets of one folder, or of several separated by commas."""
    from grassdl.dataset.patchset import JoinedPatchSets, PatchSet

    folders = [names] if os.path.isdir(names) else names.split(",")
    return JoinedPatchSets([PatchSet.open(folder) for folder in folders])


def read_settings(options: dict[str, str]) -> Settings:
    """The settings of the run, checked."""
    from grassdl.train.settings import Settings

    augmentation = options["augmentation"].split(",")
    if "none" in augmentation and len(augmentation) > 1:
        raise ValueError("augmentation=none does not go together with another augmentation")
    types = {"filters": int, "depth": int, "dropout": float}
    given = {name: convert(options[name]) for name, convert in types.items() if options[name]}
    return Settings(
        network=options["network"],
        network_options=given,
        augmentation=() if augmentation == ["none"] else tuple(augmentation),
        learning_rate=float(options["learning_rate"]),
        weight_decay=float(options["weight_decay"]),
        **{
            name: int(options[name])
            for name in ("epochs", "batch_size", "patience", "seed", "nprocs")
        },
    )


def train_network(options: dict[str, str]) -> ModelCard:
    """Check what was given, then train; Keras is imported only in between."""
    from grassdl import backend
    from grassdl.files import check_output_folder
    from grassdl.gis.messages import command_line

    data = open_datasets(options["input"])
    target = check_output_folder(options["output"], gs.overwrite())
    settings = read_settings(options)

    backend.prepare(settings.nprocs)
    from grassdl.train.fit import train

    return train(
        data,
        target,
        settings,
        command=command_line(),
        versions={"grass": gs.version()["version"]},
        report=gs.message,
        warn=gs.warning,
    )


def print_scores(card: ModelCard) -> None:
    """Print the scores on the test split to stdout."""
    if card.test is None:
        gs.message("No test patches: the model has no scores")
        return

    from grassdl.classes import MapClass

    def line(name: str, figure: float | None) -> None:
        print(f"{name:<40} {'undefined' if figure is None else f'{figure:.4f}':>9}")

    print(f"Test patches: {card.test['pixels']} labelled pixels")
    line("Overall accuracy", card.test["overall_accuracy"])
    line("Kappa", card.test["kappa"])
    line("Macro F1", card.test["f1_macro"])
    line("Mean IoU", card.test["mean_iou"])
    for one in card.test["classes"]:
        line(f"F1 of class {MapClass(one['value'], one['label'], '').full_name}", one["f1"])


def main() -> int:
    options, _ = gs.parser()
    find_library()
    from grassdl.gis.messages import one_line_errors

    with one_line_errors():
        card = train_network(options)
        print_scores(card)
    return 0


if __name__ == "__main__":
    sys.exit(main())
