#!/usr/bin/env python3

############################################################################
#
# MODULE:       i.dl.tune
# AUTHOR(S):    The i.dl developers
# PURPOSE:      Find options of i.dl.train that suit a dataset, by trials
# COPYRIGHT:    (C) 2026 by the i.dl developers
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
############################################################################

# % module
# % description: Tries options of i.dl.train and trains a network with the best ones
# % keyword: imagery
# % keyword: classification
# % keyword: deep learning
# % keyword: semantic segmentation
# % keyword: training
# % keyword: parameter
# % end
# % option G_OPT_M_DIR
# % key: input
# % multiple: yes
# % label: Name of one or more dataset folders made by i.dl.patches
# % description: Trials are compared on the validation patches; also a pattern (sheets/*) or a text file of names
# % guisection: Required
# % end
# % option
# % key: parameters
# % type: string
# % required: yes
# % multiple: yes
# % key_desc: name:values
# % label: Options of i.dl.train to try: name:low..high or name:a|b|c
# % description: For example learning_rate:0.0005..0.02:log,loss:cross_entropy|focal; lists are joined by +, as in augmentation:flip|flip+noise
# % guisection: Required
# % end
# % option
# % key: trials
# % type: integer
# % required: no
# % label: Number of trials in the study (automatic when empty)
# % description: By default 20, or any number if time is given; those of earlier calls and other processes count
# % guisection: Study
# % end
# % option
# % key: time
# % type: double
# % required: no
# % key_desc: minutes
# % label: Minutes after which this call starts no further trial
# % description: The running one is finished, then the best network is trained
# % guisection: Study
# % end
# % option G_OPT_F_INPUT
# % key: study
# % gisprompt: old,bin,file
# % required: no
# % label: Name of the file of the study, which the same call resumes
# % description: A journal on which several machines may work, or an SQLite database if it ends in .db; default: beside output
# % guisection: Study
# % end
# GRASS offers --overwrite for outputs of age "new" only, and looks for a map of the name, except for
# mapsets; a path is no name of a map.
# % option G_OPT_M_DIR
# % key: output
# % gisprompt: new,mapset,dir
# % label: Name for output model folder
# % description: Of the best trial, trained to the end
# % guisection: Required
# % end
# begin of the options of i.dl.train, which tools/interface.py writes
# % option
# % key: bands
# % type: string
# % required: no
# % multiple: yes
# % key_desc: name
# % label: Names of the bands to train on
# % description: Some of those of the datasets, to measure what a band contributes (default: all)
# % guisection: Network
# % end
# % option
# % key: network
# % type: string
# % required: no
# % options: unet,attention_unet,nicknet,dilated,fcn_dk,segnet,deeplabv3plus,linknet,siamese_unet,utae,hypercolumn,patch_cnn
# % label: Network (default: unet)
# % descriptions: unet;U-Net: encoder and decoder with skip connections (Ronneberger et al. 2015);attention_unet;Attention U-Net: gates on the skip connections (Oktay et al. 2018);nicknet;NickNet: dilated multiscale network at full resolution (ANAGEO, FOSS4G 2019);dilated;NickNet's family with free filters, depth, kernel and dilations;fcn_dk;FCN-DK: ever wider dilated kernels at full resolution (Persello and Stein 2017);segnet;SegNet: VGG16 mirrored, with arg-max unpooling (Badrinarayanan et al. 2015);deeplabv3plus;DeepLabV3+: ResNet50 seen at several scales (Chen et al. 2018);linknet;LinkNet: light network for computers without GPU (Chaurasia and Culurciello 2017);siamese_unet;Siamese U-Net: two dates and their differences (Daudt et al. 2018);utae;U-TAE: a series of dates, and attention to some (Garnot and Landrieu 2021);hypercolumn;Features of a trained encoder classified cell by cell (Hariharan et al. 2015);patch_cnn;One class of a whole patch: encoder of the U-Net, pooled (Zhang et al. 2018)
# % guisection: Network
# % end
# % option G_OPT_F_INPUT
# % key: network_file
# % required: no
# % gisprompt: old,bin,file
# % label: Name of a Python file with a network of your own
# % description: Replaces network; its function build(size, bands, classes) returns a Keras model
# % guisection: Network
# % end
# % option
# % key: encoder
# % type: string
# % required: no
# % options: efficientnet_lite0,efficientnet_lite1,efficientnet_lite2,mobilenetv2,resnet50,efficientnetv2b0,convnext_tiny
# % label: Encoder that can start from trained weights (default: the network's own)
# % descriptions: efficientnet_lite0;EfficientNet-Lite0: small and quick, weights in a Python package (Tan and Le 2019);efficientnet_lite1;EfficientNet-Lite1: deeper, weights in a Python package (Tan and Le 2019);efficientnet_lite2;EfficientNet-Lite2: deeper and wider, weights in a Python package (Tan and Le 2019);mobilenetv2;MobileNetV2: small, weights downloaded by Keras (Sandler et al. 2018);resnet50;ResNet50: large, weights downloaded by Keras (He et al. 2016);efficientnetv2b0;EfficientNetV2-B0: weights downloaded by Keras, tiles are blended from depth 4 on (Tan and Le 2021);convnext_tiny;ConvNeXt-Tiny: large, begins at a quarter of the resolution, weights downloaded by Keras (Liu et al. 2022)
# % guisection: Network
# % end
# % option
# % key: encoder_weights
# % type: string
# % required: no
# % key_desc: imagenet|none|FILE
# % label: First weights of the encoder: imagenet, none, or a file
# % description: A file of PyTorch (.pth) for the EfficientNets-Lite, of Keras (.h5) for the others (default: imagenet where encoder is given)
# % guisection: Network
# % end
# % option
# % key: filters
# % type: integer
# % required: no
# % label: Number of filters (automatic when empty)
# % description: At the highest resolution at which the network works; most have more at lower ones. By default the network's own
# % guisection: Network
# % end
# % option
# % key: depth
# % type: integer
# % required: no
# % label: Number of levels or blocks (automatic when empty)
# % description: Not for nicknet and deeplabv3plus. By default the network's own
# % guisection: Network
# % end
# % option
# % key: dropout
# % type: double
# % required: no
# % label: Share of features dropped in training at the lowest resolution (none when empty)
# % description: For unet and attention_unet
# % guisection: Network
# % end
# % option
# % key: kernel
# % type: integer
# % required: no
# % multiple: yes
# % label: Edge of the kernel of each block (3 when empty)
# % description: For dilated; repeated until all blocks have one
# % guisection: Network
# % end
# % option
# % key: dilations
# % type: integer
# % required: no
# % multiple: yes
# % label: Dilation of each block (1,2,5 when empty)
# % description: For dilated; repeated until all blocks have one
# % guisection: Network
# % end
# % option
# % key: activation
# % type: string
# % required: no
# % options: softmax,sigmoid
# % label: Turns the network's scores into probabilities (default: softmax)
# % descriptions: softmax;One output per class;sigmoid;One output, the probability of the second of two classes
# % guisection: Network
# % end
# % option G_OPT_M_DIR
# % key: model
# % required: no
# % label: Name of a model folder to start from
# % description: Its weights are the start, also for other bands and classes; the model is not changed
# % guisection: Transfer
# % end
# % option G_OPT_M_DIR
# % key: teacher
# % multiple: yes
# % required: no
# % label: Name of an ensemble, or of one or more model folders, to learn from
# % description: The network learns their mean probabilities beside the labels (distillation)
# % guisection: Transfer
# % end
# % option
# % key: epochs
# % type: integer
# % required: no
# % label: Maximum number of passes over the training patches (automatic when empty)
# % description: By default as many as pass over about 500 000 000 cells, from 20 to 200
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
# % key: loss
# % type: string
# % required: no
# % options: cross_entropy,focal,dice,cross_entropy_dice,huber,mse,mae
# % label: Loss (cross_entropy when empty, or huber for values)
# % descriptions: cross_entropy;Minus the logarithm of the probability of the right class;focal;Cross-entropy that hardly counts what is already well classified (Lin et al. 2017);dice;One minus the Dice coefficient, mean of the classes (Milletari et al. 2016);cross_entropy_dice;Sum of cross-entropy and Dice loss;huber;Of values: squared differences, but absolute ones beyond a deviation (Huber 1964);mse;Of values: mean squared difference, which outliers dominate;mae;Of values: mean absolute difference
# % guisection: Training
# % end
# % option
# % key: class_weights
# % type: string
# % required: no
# % multiple: yes
# % answer: none
# % label: Weights of classes: none, balanced, sqrt, or a number for each
# % description: balanced: all classes weigh the same; sqrt: in between; numbers in the order of the classes' values
# % guisection: Training
# % end
# % option
# % key: label_smoothing
# % type: double
# % required: no
# % answer: 0
# % label: Share of the reference that is spread over all classes
# % description: For the losses cross_entropy and cross_entropy_dice
# % guisection: Training
# % end
# % option
# % key: optimizer
# % type: string
# % required: no
# % options: adamw,sgd,rmsprop
# % answer: adamw
# % label: Optimiser
# % descriptions: adamw;Adam with decoupled weight decay (Loshchilov and Hutter 2019);sgd;Stochastic gradient descent with Nesterov momentum 0.9;rmsprop;Gradients divided by a running mean of their size
# % guisection: Training
# % end
# % option
# % key: schedule
# % type: string
# % required: no
# % options: cosine,constant,plateau
# % answer: cosine
# % label: Schedule of the learning rate
# % descriptions: cosine;Rises over the first twentieth of the steps, then falls along half a cosine;constant;Always the same;plateau;Halves whenever the score has not improved for some epochs
# % guisection: Training
# % end
# % option
# % key: learning_rate
# % type: double
# % required: no
# % label: Highest learning rate (automatic when empty)
# % description: By default 0.002; 0.0002 with model and without -f, to keep what the model has learnt
# % guisection: Training
# % end
# % option
# % key: weight_decay
# % type: double
# % required: no
# % answer: 0.01
# % description: Weight decay of the kernels, per step and unit of learning rate
# % guisection: Training
# % end
# % option
# % key: averaging
# % type: double
# % required: no
# % answer: 0.05
# % label: Share of the steps over which the weights of the model are averaged
# % description: Smooths the effect of single steps; 0 takes the weights at the end of an epoch
# % guisection: Training
# % end
# % option
# % key: augmentation
# % type: string
# % required: no
# % multiple: yes
# % options: flip,rotate90,rotate,zoom,brightness,contrast,saturation,noise,band_dropout,none
# % answer: flip,rotate90,brightness,contrast
# % label: Random changes of the training patches
# % descriptions: flip;Mirror left to right and top to bottom (chance of each);rotate90;Turn by 0, 90, 180 or 270 degrees (share of the patches);rotate;Turn by any angle (largest angle in degrees);zoom;Magnify or shrink (0.2: by up to a factor of 1.2);brightness;Lighter or darker (largest change, in standard deviations);contrast;More or less contrast (0.2: by up to a factor of 1.2);saturation;More or less colourful (0.2: by up to a factor of 1.2);noise;Noise in each cell (largest deviation, in standard deviations);band_dropout;Bands of heights and indices at their mean, as if missing (chance of each);none;Patches unchanged
# % guisection: Training
# % end
# % option
# % key: strengths
# % type: string
# % required: no
# % multiple: yes
# % key_desc: name:number
# % label: Strengths of augmentations, where not the standard one
# % description: For example rotate:180,noise:0.05
# % guisection: Training
# % end
# % option
# % key: patience
# % type: integer
# % required: no
# % label: Epochs without a better score that end the training (automatic when empty)
# % description: By default never with schedule=cosine, else after two fifths of the epochs; 0 for never; the best weights are kept in any case
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
# % option
# % key: precision
# % type: string
# % required: no
# % options: auto,float32,bfloat16
# % answer: auto
# % label: Precision to compute with
# % descriptions: auto;bfloat16 on GPUs that support it, float32 elsewhere;float32;Single precision;bfloat16;Mixed: computes in bfloat16, keeps weights in float32
# % guisection: Computing
# % end
# % option G_OPT_M_NPROCS
# % answer: 0
# % label: Number of threads to compute with; 0 for all cores
# % description: Another number gives slightly different weights
# % guisection: Computing
# % end
# % flag
# % key: f
# % label: Freeze the encoder of the model to start from, or with trained weights, at first
# % description: For the first third of the epochs; then all is trained, at a tenth of the learning rate
# % guisection: Transfer
# % end
# end of the options of i.dl.train

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import grass.script as gs

# The library is in lib/ of a checkout, in etc/i.dl/ beside the installed scripts.
HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(HOME, "lib"), os.path.join(HOME, "etc", "i.dl")]

if TYPE_CHECKING:
    from grassdl.tune.task import Task
    from grassdl.tune.tuning import Tuned


def tune_network(options: dict[str, str], flags: dict[str, bool]) -> tuple[Task, Tuned | None]:
    """Check what was given, then do trials; Keras is imported only in between."""
    from grassdl.core.options import whole
    from grassdl.gis.session.mapset import outlive_session
    from grassdl.gis.session.messages import message, warning
    from grassdl.runtime import keras_backend
    from grassdl.tune.task import Task

    outlive_session()
    task = Task.of(options, flags["f"], gs.overwrite())

    keras_backend.prepare(whole(options, "nprocs", lowest=0), training=True)
    from grassdl.tune.tuning import tune

    return task, tune(task, {"grass": gs.version()["version"]}, message, warning)


def print_study(task: Task, tuned: Tuned) -> None:
    """Print the trials and the call that repeats the best one to standard output."""
    from grassdl.gis.session.messages import message
    from grassdl.tune.report import text

    print(text(tuned.rows, task.parameters))
    print()
    print(tuned.call)
    test = tuned.card.test
    if test is None:
        message("The model has no scores on test patches")
        return
    figures = {"overall accuracy": "overall_accuracy", "macro F1": "f1_macro"}
    told = ", ".join(
        f"{name} {test[key]:.4f}"
        for name, key in {**figures, "mean IoU": "mean_iou"}.items()
        if test[key] is not None
    )
    message(f"Scores of the best network on the test patches, by which nothing was chosen: {told}")


def tell_end(task: Task, tuned: Tuned) -> None:
    """Report what was written, and the call that classifies imagery with it."""
    from grassdl.core.bands import options_of
    from grassdl.gis.session.messages import finished
    from grassdl.tune.task import picture_of, table_of

    folder = os.path.abspath(os.path.expanduser(task.options["output"]))
    written = (
        f"The best network is in model <{folder}>, table and picture of the study are "
        f"<{table_of(task.study)}> and <{picture_of(task.study)}>"
    )
    maps = options_of(tuned.card.bands)
    finished(written, "i.dl.predict", **maps, model=folder, output="classes")


def main() -> int:
    options, flags = gs.parser()
    from grassdl.gis.session.messages import one_line_errors

    with one_line_errors():
        task, tuned = tune_network(options, flags)
        if tuned is not None:
            print_study(task, tuned)
            sys.stdout.flush()
            tell_end(task, tuned)
    return 0


if __name__ == "__main__":
    sys.exit(main())
