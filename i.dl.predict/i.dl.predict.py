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
# % label: Edge of square tiles in cells, without their halo
# % description: By default tiles have the shape that computes least within memory; exact tiles of any shape give the same result
# % guisection: Computing
# %end
# %option G_OPT_MEMORYMB
# % description: Of the whole process, of which the software takes about 900 MB and the work 300 MB in any case
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
# %flag
# % key: r
# % label: Resume a run that ended early
# % description: With the same call as before; its finished rows are kept in the mapset
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
from dataclasses import replace
from typing import TYPE_CHECKING

import grass.script as gs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grassdl.bands import Band
    from grassdl.gis.region import Region
    from grassdl.predict.settings import Settings


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
    from grassdl.gis.bandstack import BandMaps, BandStack, bands_for_model, dtype_of, frame_of
    from grassdl.gis.messages import Progress
    from grassdl.gis.output import ClassificationMaps, spool_folder
    from grassdl.gis.region import Region
    from grassdl.model import ModelCard
    from grassdl.predict.decision import Decision
    from grassdl.predict.loading import load_engine
    from grassdl.predict.normalization import adjusted
    from grassdl.predict.plan import Frame
    from grassdl.predict.rowbands import row_bands
    from grassdl.predict.settings import MAPS, Settings
    from grassdl.predict.spool import open_spool, was_naming
    from grassdl.predict.start import start
    from grassdl.predict.windows import Windows

    card = ModelCard.load(options["model"])
    settings = Settings.from_options(options, flags, card)
    folder = spool_folder(options["output"])
    maps = ClassificationMaps(
        options["output"],
        card.classes,
        options["confidence"],
        options["uncertainty"],
        options["probabilities"],
        vector=options["vector"],
        minsize=settings.minsize,
        unfinished=settings.resumed and was_naming(folder),
    )
    region = Region.current()
    bands = bands_for_model(BandMaps.from_options(options), card.bands, region)
    maps.check_inputs(bands)
    card.check_resolution(region.nsres, region.ewres)
    frame = Frame(*frame_of(bands, region), region.rows, region.cols)
    frame.check_overlap()
    decision = Decision(
        len(card.classes), settings.threshold, maps.with_uncertainty, maps.with_probabilities
    )

    def told(line: str) -> None:
        gs.message(line)
        maps.notes.append(line)

    loaded = load_engine(options["model"], card, settings, gs.message)
    settings = replace(settings, engine=loaded.name)
    told(f"engine {settings.engine}, precision {settings.precision}")
    made_of = what_decides(options, settings, bands, region)
    with ExitStack() as cleanup:
        spool, notice = cleanup.enter_context(
            open_spool(folder, made_of, region.rows, settings.resumed)
        )
        if notice:
            (gs.message if settings.resumed else gs.warning)(notice)
        needs = (card, settings, frame, decision, dtype_of(bands))
        tiling = start(loaded, *needs, spool, gs.message)
        whole = region.window(frame.top, frame.rows, frame.left, frame.cols)
        rows, cols = tiling.rows.input, tiling.cols.input
        window = whole.window(rows.start, len(rows), cols.start, len(cols))
        window.use()
        stack = cleanup.enter_context(closing(BandStack(bands, window)))
        if settings.normalization == MAPS:
            gs.message("Reading the bands for their means and deviations...")
            names = [band.name for band in bands]
            stack = adjusted(stack, names, card, tiling.rows, tiling.cols, told)
        maps.open(folder, spool.rows, region.cols)
        cleanup.enter_context(closing(maps))
        progress = Progress(region.rows)
        windows = Windows(stack, loaded.engine, card.fill_values, tiling.rows, tiling.cols)
        finished = row_bands(windows, decision, settings.tiling, spool.rows)
        for band in cleanup.enter_context(closing(finished)):
            maps.write(**vars(band))
            maps.sync()
            spool.finish(len(band.null), found=not band.null.all())
            progress(spool.rows)
            # The next one is made before it takes its place.
            del band
        if not spool.found:
            spool.clear()
            raise ValueError("No cell of the region has data in all bands: nothing to classify")
        maps.make_maps(region, card.provenance(tiling.recorded()), spool.name_maps)
    gs.message(f"Raster map <{options['output']}> is written")


def what_decides(
    options: dict[str, str], settings: Settings, bands: Sequence[Band], region: Region
) -> dict[str, str]:
    """All that a result depends on, by the names that users know."""
    from grassdl import backend
    from grassdl.gis.stamps import stamps
    from grassdl.model import content_hash
    from grassdl.predict.settings import OPENVINO

    software = [OPENVINO] if settings.engine == OPENVINO else []
    outputs = ("confidence", "uncertainty", "probabilities", "vector")
    return {
        "the model": content_hash(options["model"]),
        **stamps(bands),
        "the bands": str([band.to_json() for band in bands]),
        "the region": str(region.to_json()),
        **{f"option {name}": options[name] for name in outputs},
        **settings.that_decide(),
        "the software": str(backend.versions(*software)),
    }


if __name__ == "__main__":
    sys.exit(main())
