#!/usr/bin/env python3

############################################################################
#
# MODULE:       i.dl.predict
# AUTHOR(S):    The i.dl developers
# PURPOSE:      Classify imagery with a trained network, without seams
# COPYRIGHT:    (C) 2026 by the i.dl developers
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
############################################################################

# %module
# % description: Classifies imagery with a trained network, without seams
# % keyword: imagery
# % keyword: deep learning
# % keyword: machine learning
# % keyword: segmentation
# % keyword: classification
# % keyword: prediction
# %end
# %option G_OPT_I_GROUP
# % required: no
# % guisection: Required
# %end
# %option G_OPT_I_SUBGROUP
# % required: no
# % guisection: Bands
# %end
# %option G_OPT_R_INPUTS
# % key: input
# % required: no
# % description: Name of input raster maps, one per band
# % guisection: Required
# %end
# %option G_OPT_M_DIR
# % key: model
# % multiple: yes
# % label: Name of the model folder that i.dl.train made
# % description: A model, an ensemble, or several models whose probabilities are averaged
# % guisection: Required
# %end
# %option G_OPT_R_OUTPUT
# % required: no
# % description: Name for output class map
# % guisection: Required
# %end
# %option
# % key: bands
# % type: string
# % multiple: yes
# % required: no
# % label: Names of the bands
# % description: Compared with the model's; by default the semantic label of each map
# % guisection: Bands
# %end
# %option G_OPT_R_INPUT
# % key: dsm
# % required: no
# % label: Digital surface model
# % description: For a model with the band ndsm
# % guisection: Bands
# %end
# %option G_OPT_R_INPUT
# % key: dtm
# % required: no
# % description: Digital terrain model
# % guisection: Bands
# %end
# %option G_OPT_R_INPUT
# % key: red
# % required: no
# % label: Red band
# % description: For a model with the band ndvi; by default the map at its position in the training
# % guisection: Bands
# %end
# %option G_OPT_R_INPUT
# % key: nir
# % required: no
# % description: Near infrared band
# % guisection: Bands
# %end
# %option G_OPT_I_GROUP
# % key: after
# % required: no
# % label: Imagery group of a second date
# % description: For a model of two dates: the same bands in the same order as the first
# % guisection: Dates
# %end
# %option G_OPT_R_INPUTS
# % key: after_input
# % required: no
# % description: Name of raster maps of a second date, one per band
# % guisection: Dates
# %end
# %option G_OPT_R_INPUT
# % key: after_dsm
# % required: no
# % label: Digital surface model of the second date
# % description: With after_dtm: its band ndsm
# % guisection: Dates
# %end
# %option G_OPT_R_INPUT
# % key: after_dtm
# % required: no
# % description: Digital terrain model of the second date
# % guisection: Dates
# %end
# %option G_OPT_R_INPUT
# % key: after_red
# % required: no
# % label: Red band of the second date
# % description: With after_nir: its band ndvi; not needed where red and nir are bands themselves
# % guisection: Dates
# %end
# %option G_OPT_R_INPUT
# % key: after_nir
# % required: no
# % description: Near infrared band of the second date
# % guisection: Dates
# %end
# %option G_OPT_STRDS_INPUT
# % key: strds
# % required: no
# % label: Space time raster dataset of a series of dates
# % description: For a model of a series: as many dates, of the same bands; NULL at some dates is a missing observation
# % guisection: Dates
# %end
# %option G_OPT_T_WHERE
# % required: no
# % label: Which maps of strds
# % description: WHERE condition without the word, such as start_time >= '2021-03-01'
# % guisection: Dates
# %end
# %option G_OPT_R_BASENAME_OUTPUT
# % key: probabilities
# % required: no
# % label: Prefix for output maps of class probabilities
# % description: One map PREFIX_VALUE per class; without imagery existing maps that are read instead of running the network
# % guisection: Output
# %end
# %option G_OPT_R_OUTPUT
# % key: confidence
# % required: no
# % description: Name for output map of the highest class probability
# % guisection: Output
# %end
# %option G_OPT_R_OUTPUT
# % key: uncertainty
# % required: no
# % label: Name for output map of the uncertainty
# % description: Normalised entropy of the class probabilities: 0 where one class is certain, 1 where all are equally probable
# % guisection: Output
# %end
# %option G_OPT_R_OUTPUT
# % key: disagreement
# % required: no
# % label: Name for output map of the disagreement between the models of an ensemble
# % description: Mutual information: 0 where all give the same probabilities, high where each is certain of another class
# % guisection: Output
# %end
# %option G_OPT_R_OUTPUT
# % key: novelty
# % required: no
# % label: Name for output map of the novelty of cells
# % description: Distance of its features from those of the training: 1 is the 99th percentile of the training
# % guisection: Output
# %end
# %option
# % key: threshold
# % type: double
# % required: no
# % label: Least probability of a class, 0 to 1
# % description: Cells whose most probable class stays below become NULL in the class map; of two classes the second is taken from this probability on, by default that stored in the model
# % guisection: Output
# %end
# %option G_OPT_V_OUTPUT
# % key: vector
# % required: no
# % label: Name for output vector map of areas
# % description: Areas of one class, or objects, with its value and label and their mean confidence
# % guisection: Output
# %end
# %option G_OPT_R_OUTPUT
# % key: objects
# % required: no
# % label: Name for output map of numbered objects
# % description: Connected cells of a class, which a model with a class of borders separates; vector then has one area for each
# % guisection: Output
# %end
# %option
# % key: object_classes
# % type: integer
# % multiple: yes
# % required: no
# % label: Values of the classes that have objects (all when empty)
# % description: By default all but background and borders; needed for a model without a class of borders, whose connected areas are the objects
# % guisection: Output
# %end
# %option
# % key: minsize
# % type: integer
# % required: no
# % label: Cells that an area or object has at least (all are kept when empty)
# % description: Smaller areas go to their largest neighbour, and the class maps keep them; smaller objects are dropped
# % guisection: Output
# %end
# %option
# % key: regularize
# % type: integer
# % multiple: yes
# % required: no
# % label: Values of classes whose objects get right angles (none when empty)
# % description: For buildings; an outline that would change by more than a fifth is kept
# % guisection: Output
# %end
# %option
# % key: generalize
# % type: double
# % required: no
# % label: Tolerance in map units for simpler outlines (not simplified when empty)
# % description: By v.generalize; those of regularize are right-angled instead
# % guisection: Output
# %end
# %option
# % key: normalization
# % type: string
# % required: no
# % options: model,maps
# % answer: model
# % label: Mean and deviation of the bands
# % description: For imagery of another bit depth or camera than that of the training
# % descriptions: model;Those of the training;maps;Those of the maps in the region
# % guisection: Bands
# %end
# %option G_OPT_R_INPUT
# % key: segments
# % required: no
# % label: Name of raster map of segments
# % description: Such as i.segment makes: cells of equal number belong to one segment
# % guisection: Segments
# %end
# %option G_OPT_R_OUTPUT
# % key: segment_output
# % required: no
# % description: Name for output class map with one class per segment
# % guisection: Segments
# %end
# %option
# % key: segment_method
# % type: string
# % required: no
# % options: mean,majority
# % answer: mean
# % label: How the cells of a segment decide on its class
# % descriptions: mean;The class of the highest mean probability;majority;The class that most cells have
# % guisection: Segments
# %end
# %option
# % key: segment_margin
# % type: double
# % required: no
# % answer: 0
# % label: Least margin of a segment, 0 to 1
# % description: Segments whose first class leads the second by less than this keep the classes of their cells
# % guisection: Segments
# %end
# %option G_OPT_F_OUTPUT
# % key: segment_stats
# % required: no
# % label: Name for output CSV file with the statistics of each segment
# % description: Joins the table of i.segment.stats and feeds v.class.mlR
# % guisection: Segments
# %end
# %option G_OPT_F_SEP
# % guisection: Segments
# %end
# %option G_OPT_V_OUTPUT
# % key: segment_vector
# % required: no
# % description: Name for output vector map of the segments, with the same as attributes
# % guisection: Segments
# %end
# %option
# % key: segment_features
# % type: string
# % required: no
# % label: Layer of the network whose features are averaged over each segment
# % description: Its name, or last for the last hidden layer; further columns feat_1, feat_2, ... of segment_stats and segment_vector
# % guisection: Segments
# %end
# %option
# % key: tiling
# % type: string
# % required: no
# % options: exact,blend
# % label: How tiles are joined
# % description: By default exact, or blend for a network whose receptive field is the whole image
# % descriptions: exact;As if the network were run once over the whole;blend;Tiles overlap by half and fade into each other
# % guisection: Computing
# %end
# %option
# % key: tile_size
# % type: integer
# % required: no
# % label: Edge of square tiles in cells, without their halo (automatic when empty)
# % description: By default tiles have the shape that computes least within memory; exact tiles of any shape give the same result
# % guisection: Computing
# %end
# %option G_OPT_MEMORYMB
# % label: Memory that tiles are chosen for in MB
# % description: Of the whole process, Keras or OpenVINO included; below 1000 the smallest tiles are taken, which may take up to that
# % guisection: Computing
# %end
# %option
# % key: engine
# % type: string
# % required: no
# % options: auto,keras,openvino
# % answer: auto
# % description: Engine that computes the network
# % descriptions: auto;Keras on a GPU, OpenVINO on a processor if it is installed;keras;Keras with its backend;openvino;OpenVINO on the processor
# % guisection: Computing
# %end
# %option
# % key: precision
# % type: string
# % required: no
# % options: float32,bfloat16,float16,auto
# % answer: float32
# % description: Precision to compute in
# % descriptions: float32;Single precision;bfloat16;Half the bits, on GPUs and with OpenVINO on processors that have it: some cells get another class;float16;Half the bits, on GPUs only: for those without bfloat16;auto;bfloat16 on GPUs that are fast in it, else float32
# % guisection: Computing
# %end
# %option
# % key: nprocs
# % type: integer
# % required: no
# % answer: 0
# % label: Number of threads to compute with; 0 for all cores
# % description: With scheduler=local the number of processes; where a GPU computes, of those that read the maps
# % guisection: Computing
# %end
# %option
# % key: scheduler
# % type: string
# % required: no
# % label: Address of a Dask scheduler whose workers compute the map
# % description: Such as tcp://host:8786; local starts workers on this machine; by default this process computes
# % guisection: Computing
# %end
# %option
# % key: format
# % type: string
# % required: no
# % options: plain,json
# % answer: plain
# % description: Format of the result on standard output
# % descriptions: plain;None: maps and messages are the result;json;One JSON object, for scripts
# % guisection: Computing
# %end
# %flag
# % key: a
# % label: Average over the eight flips and quarter turns (test-time augmentation)
# % description: Takes eight times as long
# % guisection: Computing
# %end
# %flag
# % key: r
# % label: Resume a run that ended early
# % description: With the same call as before; its finished rows are in the mapset
# % guisection: Computing
# %end
# %rules
# % exclusive: group,input,strds
# % required: group,input,strds,probabilities
# % requires: where,strds
# % exclusive: strds,dsm
# % exclusive: strds,dtm
# % exclusive: strds,red
# % exclusive: strds,nir
# % requires: subgroup,group
# % requires: minsize,vector,objects
# % requires: object_classes,objects
# % requires: objects,output
# % requires: regularize,vector
# % requires: regularize,objects
# % requires: generalize,vector
# % requires: vector,output
# % required: output,segment_output,segment_stats,segment_vector
# % requires: segment_output,segments
# % requires: segment_stats,segments
# % requires: segment_vector,segments
# % requires: segment_features,segment_stats,segment_vector
# % exclusive: after,after_input
# % requires: after,group,input
# % requires: after_input,group,input
# % requires: after_dsm,after,after_input
# % requires: after_dtm,after,after_input
# % requires: after_red,after,after_input
# % requires: after_nir,after,after_input
# % requires: scheduler,group,input,strds
# %end

from __future__ import annotations

import os
import sys

import grass.script as gs

# The library is in lib/ of a checkout, in etc/i.dl/ beside the installed scripts.
HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(HOME, "lib"), os.path.join(HOME, "etc", "i.dl")]


def main() -> int:
    options, flags = gs.parser()
    from grassdl.gis.session.messages import one_line_errors

    with one_line_errors():
        predict(options, flags)
    return 0


def predict(options: dict[str, str], flags: dict[str, bool]) -> None:
    """Make the maps row band by row band, from the network or from stored probabilities."""
    from grassdl.cluster.computer import strip_computer
    from grassdl.core.bands import names_imagery
    from grassdl.core.text import listed
    from grassdl.gis.inputs.prediction_inputs import ModelBands, StoredProbabilities
    from grassdl.gis.outputs.output_maps import checkpoint_folder
    from grassdl.gis.outputs.prediction_outputs import PredictionOutputs
    from grassdl.gis.raster.region import Region
    from grassdl.gis.session.messages import Progress, finished, print_json
    from grassdl.model.ensemble import open_model
    from grassdl.predict.checkpoint import check_checkpoint, open_checkpoint
    from grassdl.predict.patch_run import NETWORK_RUNS
    from grassdl.predict.run import PredictionRun, StoredProbabilitiesRun
    from grassdl.predict.settings import Settings

    card = open_model(options["model"]).card
    settings = Settings.from_options(options, flags, card)
    folder = checkpoint_folder(options)
    unfinished = check_checkpoint(folder, settings.resume)
    region = Region.current()
    grid = region.in_blocks(settings.block)
    wanted = settings.minsize, grid, unfinished, settings.outlines
    outputs = PredictionOutputs(options, card.target, *wanted)
    report = gs.message if settings.resume else gs.warning
    run: PredictionRun
    with strip_computer(options, flags, gs.message) as computer:
        if names_imagery(options):
            bands = ModelBands(options, card.bands, region)
            network_run = NETWORK_RUNS.of(card.target)
            run = network_run(card, settings, bands, outputs, gs.message, computer)
        else:
            stored = StoredProbabilities(options, card.classes.values, region)
            run = StoredProbabilitiesRun(card, settings, stored, outputs, gs.message)
        rows, fingerprint = grid.rows, run.fingerprint()
        with open_checkpoint(folder, fingerprint, rows, settings.resume, report) as checkpoint:
            run.execute(checkpoint, Progress(rows))
    if options["format"] == "json":
        print_json({"written": outputs.names, **run.record(), "notes": outputs.notes})
    classes = options["segment_output"] or options["output"]
    following = {"classification": classes, "reference": "REFERENCE", "dataset": "DATASET"}
    finished(f"Written: {listed(outputs.names)}", "i.dl.evaluate" if classes else "", **following)


if __name__ == "__main__":
    sys.exit(main())
