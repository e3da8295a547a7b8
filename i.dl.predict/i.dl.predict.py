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
# % guisection: Bands
# %end
# %option G_OPT_I_SUBGROUP
# % required: no
# % guisection: Bands
# %end
# %option G_OPT_R_INPUTS
# % key: input
# % required: no
# % description: Name of input raster maps, one per band
# % guisection: Bands
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
# % description: For a model with the band ndvi; by default taken from where training had it
# % guisection: Bands
# %end
# %option G_OPT_R_INPUT
# % key: nir
# % required: no
# % description: Near infrared band
# % guisection: Bands
# %end
# %option G_OPT_M_DIR
# % key: model
# % description: Name of the model folder that i.dl.train made
# %end
# %option G_OPT_R_OUTPUT
# % required: no
# % description: Name for output class map
# %end
# %option G_OPT_R_BASENAME_OUTPUT
# % key: probabilities
# % required: no
# % label: Prefix for output maps of class probabilities
# % description: One map PREFIX_VALUE per class; without group and input the existing maps that are taken instead of running the network
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
# %option
# % key: threshold
# % type: double
# % required: no
# % label: Least probability of a class, 0 to 1
# % description: Cells whose most probable class stays below become NULL in the class map; of two classes the second is taken from this probability on
# % guisection: Output
# %end
# %option G_OPT_V_OUTPUT
# % key: vector
# % required: no
# % label: Name for output vector map of areas
# % description: Areas of one class with its value and label and their mean confidence
# % guisection: Output
# %end
# %option
# % key: minsize
# % type: integer
# % required: no
# % label: Cells that an area of the vector map has at least
# % description: Smaller ones go to their largest neighbour; the raster maps keep them
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
# % descriptions: model;Those of the training;maps;Those of the maps in the region take their place
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
# % description: Segments whose first class leads by less than this before the second keep the classes of their cells
# % guisection: Segments
# %end
# %option G_OPT_F_OUTPUT
# % key: segment_stats
# % required: no
# % label: Name for output CSV file of what the network tells of each segment
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
# % description: By default exact, or blend for a network that looks at the whole image at once
# % descriptions: exact;As if the network were run once over the whole;blend;Tiles overlap by half and fade into each other
# % guisection: Computing
# %end
# %option
# % key: tile_size
# % type: integer
# % required: no
# % label: Edge of square tiles in cells, without their halo
# % description: By default tiles have the shape that computes least within memory; exact tiles of any shape give the same result
# % guisection: Computing
# %end
# %option G_OPT_MEMORYMB
# % description: Of the whole process; below 1000 MB it makes no difference
# % guisection: Computing
# %end
# %option
# % key: engine
# % type: string
# % required: no
# % options: auto,keras,openvino
# % answer: auto
# % description: What computes the network
# % descriptions: auto;Keras on a GPU, OpenVINO on a processor if it is installed;keras;Keras with its backend;openvino;OpenVINO on the processor
# % guisection: Computing
# %end
# %option
# % key: precision
# % type: string
# % required: no
# % options: float32,bfloat16
# % answer: float32
# % description: Precision to compute in
# % descriptions: float32;Single precision;bfloat16;Half the bits, with OpenVINO on processors that have it: faster, some cells get another class
# % guisection: Computing
# %end
# %option
# % key: nprocs
# % type: integer
# % required: no
# % answer: 0
# % description: Number of threads to compute with; 0 for all cores
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
# % description: With the same call as before; its finished rows are kept in the mapset
# % guisection: Computing
# %end
# %rules
# % exclusive: group,input
# % required: group,input,probabilities
# % requires: subgroup,group
# % requires: minsize,vector
# % requires: vector,output
# % required: output,segment_output,segment_stats,segment_vector
# % requires: segments,segment_output,segment_stats,segment_vector
# % requires: segment_output,segments
# % requires: segment_stats,segments
# % requires: segment_vector,segments
# % requires: segment_features,segment_stats,segment_vector
# %end

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING

import grass.script as gs

if TYPE_CHECKING:
    from collections.abc import Callable

    from grassdl.gis.outputs.class_maps import ClassificationMaps
    from grassdl.gis.raster.region import Region
    from grassdl.model.card import ModelCard
    from grassdl.predict.checkpoint import Spool
    from grassdl.predict.decision import Decision, RowBands
    from grassdl.predict.settings import Settings

    Given = tuple[dict[str, str], ModelCard, Settings, Region, Decision, ClassificationMaps]
    Begin = Callable[[Spool, ExitStack], tuple[Region, str, RowBands]]
    """Begins to make row bands; tells the region that is read, and how they are made."""


def find_library() -> None:
    """Make grassdl importable, a checkout's or the installed one, never the current folder's."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = [os.path.join(here, "lib"), os.path.join(here, "etc", "i.dl")]
    found = [one for one in places if os.path.isdir(os.path.join(one, "grassdl"))]
    if not found:
        gs.fatal(f"The library of i.dl is not installed in <{here}>: run 'make install' again")
    sys.path.insert(0, found[0])


def main() -> int:
    options, flags = gs.parser()
    find_library()
    from grassdl.gis.session.messages import one_line_errors

    with one_line_errors():
        predict(options, flags)
    return 0


def predict(options: dict[str, str], flags: dict[str, bool]) -> None:
    """Make the maps row band by row band, out of the network or of stored probabilities."""
    from grassdl.core.text import listed
    from grassdl.gis.outputs.class_maps import ClassificationMaps, spool_folder
    from grassdl.gis.outputs.segment_tables import SegmentRows, SegmentTables
    from grassdl.gis.raster.region import Region
    from grassdl.gis.session.messages import Progress
    from grassdl.model.folder import load_card
    from grassdl.predict.checkpoint import check_spool, open_spool
    from grassdl.predict.decision import Decision
    from grassdl.predict.segments.classification import BySegment
    from grassdl.predict.settings import Settings

    card = load_card(options["model"])
    settings = Settings.from_options(options, flags, card)
    folder = spool_folder(options)
    unfinished = check_spool(folder, settings.resumed)
    maps = ClassificationMaps.from_options(options, card.classes, settings.minsize, unfinished)
    tables = SegmentTables.from_options(options, unfinished) if options["segments"] else None
    maps.check_inputs([tables.raster] if tables else [])
    region = Region.current()
    kept = {**maps.figures, "with_probabilities": maps.with_probabilities or tables is not None}
    decision = Decision(len(card.classes), settings.threshold, **kept)
    prepare = from_network if options["group"] or options["input"] else from_probabilities
    made_of, begin = prepare((options, card, settings, region, decision, maps))
    with ExitStack() as cleanup:
        tell = gs.message if settings.resumed else gs.warning
        opened = open_spool(folder, made_of, region.rows, settings.resumed, tell)
        spool = cleanup.enter_context(opened)
        window, how, bands = begin(spool, cleanup)
        maps.open(folder, spool.rows, region)
        cleanup.enter_context(closing(maps))
        keepers, before_naming = [maps.keep], [spool.name_maps]
        if tables:
            segments = cleanup.enter_context(closing(SegmentRows(tables.raster, region, window)))
            by_segment = BySegment(segments, decision, settings.segments, folder, spool.rows)
            cleanup.enter_context(closing(by_segment))
            keepers.append(by_segment.add)
        spool.keep(bands, keepers, Progress(region.rows))
        rows_by_segment, beside = (), []
        if tables:
            columns, rows_by_segment = by_segment.outcome(card.classes.values)
            table = cleanup.enter_context(tables.in_work(columns))
            beside.append(table.write)
            before_naming.append(table.finish)
        maps.make_maps(region, card.provenance(how), rows_by_segment, beside, before_naming)
    gs.message(f"Written: {listed(maps.names + (tables.names if tables else []))}")


def from_network(given: Given) -> tuple[dict[str, str], Begin]:
    """Row bands that the network computes, and what decides on them."""
    from grassdl.gis.inputs import bands as bandstack
    from grassdl.gis.raster.fingerprints import input_stamps
    from grassdl.predict.engines.selection import load_engine
    from grassdl.predict.fingerprint import made_of
    from grassdl.predict.network_bands import network_bands
    from grassdl.predict.start import start
    from grassdl.predict.tiling_plan import Frame

    options, card, settings, region, decision, maps = given
    bands = bandstack.bands_for_model(bandstack.BandMaps.from_options(options), card.bands, region)
    sources = bandstack.sources_of(bands)
    maps.check_inputs(sources)
    card.check_resolution(region.nsres, region.ewres)
    frame = Frame(*bandstack.frame_of(bands, region), region.rows, region.cols)
    frame.check_overlap()
    loaded = load_engine(options["model"], card, settings, gs.message)
    decision = replace(decision, features=loaded.facts.features)

    def begin(spool: Spool, cleanup: ExitStack) -> tuple[Region, str, RowBands]:
        needs = (card, settings, frame, decision, bandstack.dtype_of(bands))
        tiling = start(loaded, *needs, spool, gs.message)
        window = region.window(*frame.window(tiling))
        window.use()
        stack = cleanup.enter_context(bandstack.open_bands(bands, window))
        what = (stack, [one.name for one in bands], loaded, card, settings, tiling, decision)
        return window, tiling.recorded(), network_bands(*what, spool.rows, maps.tell, gs.message)

    inputs = {**input_stamps(options, sources, region), "the bands": bandstack.described(bands)}
    return made_of(options, replace(settings, engine=loaded.name), inputs), begin


def from_probabilities(given: Given) -> tuple[dict[str, str], Begin]:
    """Row bands out of the probabilities that an earlier run wrote, and what decides on them."""
    from grassdl.gis.raster.fingerprints import input_stamps
    from grassdl.gis.raster.probabilities import ProbabilityRows
    from grassdl.predict.fingerprint import made_of
    from grassdl.predict.from_probabilities import stored_bands

    options, card, settings, region, decision, maps = given
    region.use()
    reader = ProbabilityRows(options["probabilities"], card.classes.values)
    maps.check_inputs(reader.names)

    def begin(spool: Spool, cleanup: ExitStack) -> tuple[Region, str, RowBands]:
        cleanup.enter_context(closing(reader))
        return region, "out of stored probabilities", stored_bands(reader, decision, spool.rows)

    return made_of(options, settings, input_stamps(options, reader.names, region)), begin


if __name__ == "__main__":
    sys.exit(main())
