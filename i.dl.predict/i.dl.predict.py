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
# % description: Name for output class map
# %end
# %option G_OPT_R_BASENAME_OUTPUT
# % key: probabilities
# % required: no
# % label: Prefix for output maps of class probabilities
# % description: One map PREFIX_VALUE per class
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
# % answer: 512
# % label: Edge of a tile in cells, without its halo
# % description: Larger tiles need more memory and compute less twice; exact tiles of any size give the same result
# % guisection: Computing
# %end
# %option
# % key: engine
# % type: string
# % required: no
# % options: auto,keras,openvino
# % answer: auto
# % description: What computes the network
# % descriptions: auto;Keras on a GPU, OpenVINO on a processor if it is installed;keras;Keras with its backend;openvino;OpenVINO, an optional package, on the processor
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
# %rules
# % exclusive: group,input
# % required: group,input
# % requires: subgroup,group
# % requires: minsize,vector
# %end

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import grass.script as gs

if TYPE_CHECKING:
    from grassdl.bands import BandReader
    from grassdl.gis.bandstack import BandStack
    from grassdl.gis.output import ClassificationMaps
    from grassdl.model import ModelCard
    from grassdl.predict.settings import Settings
    from grassdl.predict.tiles import Axis


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


def main() -> int:
    options, flags = gs.parser()
    find_library()
    from grassdl.gis.messages import one_line_errors

    with one_line_errors():
        predict(options, flags)
    return 0


def predict(options: dict[str, str], flags: dict[str, bool]) -> None:
    """Check the inputs against the model, plan the tiles, and make the maps."""
    from grassdl.gis.bandstack import BandMaps, BandStack, bands_for_model, frame_of
    from grassdl.gis.messages import Progress
    from grassdl.gis.output import ClassificationMaps
    from grassdl.gis.region import Region
    from grassdl.gis.session import scratch_folder
    from grassdl.model import ModelCard
    from grassdl.predict.decision import Decision
    from grassdl.predict.loading import load_engine
    from grassdl.predict.rowbands import row_bands
    from grassdl.predict.settings import MAPS, Settings
    from grassdl.predict.tiles import Span
    from grassdl.predict.windows import Windows

    card = ModelCard.load(options["model"])
    settings = Settings.from_options(options, flags, card)
    maps = ClassificationMaps(
        options["output"],
        card.classes,
        options["confidence"],
        options["uncertainty"],
        options["probabilities"],
        support=provenance(card),
        vector=options["vector"],
        minsize=settings.minsize,
    )
    region = Region.current()
    bands = bands_for_model(BandMaps.from_options(options), card.bands, region)
    maps.check_inputs(bands)
    card.check_resolution(region.nsres, region.ewres)
    top, height, left, width = frame_of(bands, region)
    rows = settings.axis(height, Span(-top, region.rows - top))
    cols = settings.axis(width, Span(-left, region.cols - left))
    if not rows.cores or not cols.cores:
        raise ValueError("The region lies outside the input maps: set it with g.region")
    frame = region.window(top, height, left, width)
    window = frame.window(rows.input.start, len(rows.input), cols.input.start, len(cols.input))
    window.use()
    tell_tiling(card, settings, len(rows.cores), len(cols.cores))
    decision = Decision(
        len(card.classes), settings.threshold, maps.with_uncertainty, maps.with_probabilities
    )
    with ExitStack() as cleanup:
        stack = cleanup.enter_context(closing(BandStack(bands, window)))
        if settings.normalization == MAPS:
            stack = adjusted(stack, card, rows, cols, maps)
        maps.open(cleanup.enter_context(scratch_folder()))
        engine, settings = load_engine(options["model"], card, settings, gs.message)
        maps.notes.append(f"engine {settings.engine}, precision {settings.precision}")
        gs.verbose(f"Computing with {settings.engine} in {settings.precision}")
        progress = Progress(region.rows)
        done, found = 0, False
        windows = Windows(stack, engine, card.fill_values, rows, cols)
        for band in row_bands(windows, decision, settings.tiling):
            maps.write(**vars(band))
            found = found or not band.null.all()
            done += len(band.null)
            progress(done)
        if not found:
            raise ValueError("No cell of the region has data in all bands: nothing to classify")
        maps.make_maps(region)
    gs.message(f"Raster map <{options['output']}> is written")


def tell_tiling(card: ModelCard, settings: Settings, rows: int, cols: int) -> None:
    """Say how the region is tiled; aloud where it is not as exactly as users may expect."""
    if card.halo is None:
        gs.message(
            f"Network {card.network} looks at the whole image at once and cannot be tiled "
            f"exactly: its tiles of {settings.tile_size} cells overlap by half and are blended"
        )
    gs.verbose(
        f"{rows} x {cols} tiles of {settings.tile_size} cells with a halo of "
        f"{settings.halo} cells, tiling={settings.tiling}"
    )


def provenance(card: ModelCard) -> dict[str, str]:
    """Where the maps come from, as r.support takes it."""
    return {
        "description": "generated by i.dl.predict",
        "source1": f"model {card.name}, {card.network}",
        "source2": f"dataset {', '.join(one[:12] for one in card.dataset_ids)}",
    }


def adjusted(
    stack: BandStack, card: ModelCard, rows: Axis, cols: Axis, maps: ClassificationMaps
) -> BandReader:
    """The bands with mean and deviation of the training, told to user and maps."""
    from grassdl.predict.normalization import AdjustedReader, Adjustment, statistics_of

    gs.message("Reading the bands for their means and deviations...")
    names = [band.name for band in stack.bands]
    adjustment = Adjustment.of(card, names, statistics_of(stack, rows, cols))
    for line in adjustment.lines():
        gs.message(line)
        maps.notes.append(line)
    return AdjustedReader(stack, adjustment)


if __name__ == "__main__":
    sys.exit(main())
