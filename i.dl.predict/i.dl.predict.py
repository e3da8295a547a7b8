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
# % required: group,input,probabilities
# % requires: subgroup,group
# % required: output,segment_output,segment_stats,segment_vector
# % requires: segments,segment_output,segment_stats,segment_vector
# % requires: segment_output,segments
# % requires: segment_stats,segments
# % requires: segment_vector,segments
# %end

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import grass.script as gs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grassdl.gis.region import Region
    from grassdl.model import ModelCard
    from grassdl.predict.decision import Decision, RowBand
    from grassdl.predict.settings import Settings

    Source = tuple[Region, list[str], Callable[[Decision, ExitStack], Iterator[RowBand]]]
    """The region that is read, the maps that are, and what makes row bands of them."""


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
    """Make the maps row band by row band, out of the network or of stored probabilities."""
    from grassdl.gis.messages import Progress
    from grassdl.gis.output import ClassificationMaps
    from grassdl.gis.region import Region
    from grassdl.gis.segments import SegmentRows, SegmentTables
    from grassdl.gis.session import scratch_folder
    from grassdl.model import ModelCard
    from grassdl.predict.by_segment import BySegment
    from grassdl.predict.decision import Decision
    from grassdl.predict.segments import columns_of
    from grassdl.predict.settings import Settings

    card = ModelCard.load(options["model"])
    settings = Settings.from_options(options, flags, card)
    maps = ClassificationMaps.from_options(options, card.classes, card.provenance())
    tables = SegmentTables.from_options(options) if options["segments"] else None
    region = Region.current()
    source = computed if options["group"] or options["input"] else stored
    window, read, row_bands = source(options, card, settings, region)
    maps.check_inputs([*read, tables.raster] if tables else read)
    with_probabilities = maps.with_probabilities or tables is not None
    decision = Decision(
        len(card.classes), settings.threshold, maps.with_uncertainty, with_probabilities
    )
    with ExitStack() as cleanup:
        scratch = cleanup.enter_context(scratch_folder())
        maps.open(scratch)
        bands = row_bands(decision, cleanup)
        if tables:
            segments = cleanup.enter_context(closing(SegmentRows(tables.raster, region, window)))
            by_segment = BySegment(segments, decision, settings.segments, scratch / "codes")
            bands = by_segment.watched(bands)
        progress = Progress(region.rows)
        done, found = 0, False
        for band in bands:
            maps.write(**vars(band))
            found = found or not band.null.all()
            done += len(band.null)
            progress(done)
        if not found:
            raise ValueError("No cell of the region has data in all bands: nothing to classify")
        if tables:
            table = by_segment.table()
            maps.write_by_segment(by_segment.row_bands(table))
            tables.write(columns_of(table, card.classes.values))
        maps.make_maps(region)
    gs.message(f"Written: {', '.join(maps.names + (tables.names if tables else []))}")


def computed(
    options: dict[str, str], card: ModelCard, settings: Settings, region: Region
) -> Source:
    """Where class probabilities come from the network."""
    from grassdl.gis.bandstack import BandMaps, BandStack, bands_for_model, frame_of, sources_of
    from grassdl.predict.loading import load_engine
    from grassdl.predict.rowbands import row_bands
    from grassdl.predict.tiles import Span
    from grassdl.predict.windows import Windows

    bands = bands_for_model(BandMaps.from_options(options), card.bands, region)
    card.check_resolution(region.nsres, region.ewres)
    top, height, left, width = frame_of(bands, region)
    rows = settings.axis(height, Span(-top, region.rows - top))
    cols = settings.axis(width, Span(-left, region.cols - left))
    if not rows.cores or not cols.cores:
        raise ValueError("The region lies outside the input maps: set it with g.region")
    frame = region.window(top, height, left, width)
    window = frame.window(rows.input.start, len(rows.input), cols.input.start, len(cols.input))
    window.use()
    tell = gs.message if card.halo is None else gs.verbose
    tell(settings.tiling_told(card, len(rows.cores), len(cols.cores)))

    def compute(decision: Decision, cleanup: ExitStack) -> Iterator[RowBand]:
        stack = cleanup.enter_context(closing(BandStack(bands, window)))
        engine = load_engine(options["model"], card, settings)
        windows = Windows(stack, engine, card.fill_values, rows, cols)
        return row_bands(windows, decision, settings.tiling)

    return window, sources_of(bands), compute


def stored(options: dict[str, str], card: ModelCard, settings: Settings, region: Region) -> Source:
    """Where class probabilities are maps of an earlier run."""
    from grassdl.gis.probabilities import ProbabilityRows
    from grassdl.predict.stored import stored_bands

    region.use()
    maps = ProbabilityRows(options["probabilities"], card.classes.values)

    def read(decision: Decision, cleanup: ExitStack) -> Iterator[RowBand]:
        return stored_bands(cleanup.enter_context(closing(maps)), decision)

    return region, maps.names, read


if __name__ == "__main__":
    sys.exit(main())
