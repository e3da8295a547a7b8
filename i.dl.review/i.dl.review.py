#!/usr/bin/env python3

############################################################################
#
# MODULE:       i.dl.review
# AUTHOR(S):    The i.dl developers
# PURPOSE:      Suggest what to label next, and which labels to look at again
# COPYRIGHT:    (C) 2026 by the i.dl developers
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
############################################################################

# % module
# % description: Suggests squares to label next, and finds labels that are probably wrong
# % keyword: imagery
# % keyword: classification
# % keyword: deep learning
# % keyword: training
# % keyword: sampling
# % keyword: active learning
# % end
# % option G_OPT_M_DIR
# % key: model
# % required: no
# % multiple: yes
# % label: Name of model folder made by i.dl.train
# % description: A model, an ensemble, or several models whose probabilities are averaged
# % guisection: Required
# % end
# % option G_OPT_M_DIR
# % key: dataset
# % required: no
# % multiple: yes
# % label: Name of one or more dataset folders with labelled patches
# % description: Squares are suggested outside of them; suspects are searched among their labels
# % guisection: Required
# % end
# % option G_OPT_V_OUTPUT
# % key: suggestions
# % required: no
# % label: Name for output vector map of squares to label next
# % description: Where the model is uncertain, with an empty column for the class
# % guisection: Required
# % end
# % option G_OPT_V_OUTPUT
# % key: suspects
# % required: no
# % label: Name for output vector map of labels that are probably wrong
# % description: By a model that was not trained on them
# % guisection: Required
# % end
# % option G_OPT_I_GROUP
# % required: no
# % guisection: Imagery
# % end
# % option G_OPT_I_SUBGROUP
# % required: no
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUTS
# % key: input
# % required: no
# % description: Name of input raster maps, one per band
# % guisection: Imagery
# % end
# % option
# % key: bands
# % type: string
# % multiple: yes
# % required: no
# % label: Names of the bands
# % description: Compared with the model's; by default the semantic label of each map
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUT
# % key: dsm
# % required: no
# % label: Digital surface model
# % description: For a model with the band ndsm
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUT
# % key: dtm
# % required: no
# % description: Digital terrain model
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUT
# % key: red
# % required: no
# % label: Red band
# % description: For a model with the band ndvi; by default the map at its position in the training
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUT
# % key: nir
# % required: no
# % description: Near infrared band
# % guisection: Imagery
# % end
# % option G_OPT_I_GROUP
# % key: after
# % required: no
# % label: Imagery group of a second date
# % description: For a model of two dates: the same bands in the same order as the first
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUTS
# % key: after_input
# % required: no
# % description: Name of raster maps of a second date, one per band
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUT
# % key: after_dsm
# % required: no
# % label: Digital surface model of the second date
# % description: With after_dtm: its band ndsm
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUT
# % key: after_dtm
# % required: no
# % description: Digital terrain model of the second date
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUT
# % key: after_red
# % required: no
# % label: Red band of the second date
# % description: With after_nir: its band ndvi; not needed where red and nir are bands themselves
# % guisection: Imagery
# % end
# % option G_OPT_R_INPUT
# % key: after_nir
# % required: no
# % description: Near infrared band of the second date
# % guisection: Imagery
# % end
# % option G_OPT_STRDS_INPUT
# % key: strds
# % required: no
# % label: Space time raster dataset of a series of dates
# % description: For a model of a series: as many dates, of the same bands
# % guisection: Imagery
# % end
# % option G_OPT_T_WHERE
# % required: no
# % label: Which maps of strds
# % description: WHERE condition without the word, such as start_time >= '2021-03-01'
# % guisection: Imagery
# % end
# % option
# % key: normalization
# % type: string
# % required: no
# % options: model,maps
# % answer: model
# % label: Mean and deviation of the bands
# % description: For imagery of another bit depth or camera than that of the training
# % descriptions: model;Those of the training;maps;Those of the maps in the region
# % guisection: Imagery
# % end
# % option
# % key: probabilities
# % type: string
# % required: no
# % label: Prefix of the raster maps of class probabilities
# % description: Maps PREFIX_VALUE as i.dl.predict writes them, instead of model and imagery
# % guisection: Imagery
# % end
# % option
# % key: size
# % type: integer
# % required: no
# % answer: 64
# % description: Edge of the squares in cells
# % guisection: Suggestions
# % end
# % option
# % key: npatches
# % type: integer
# % required: no
# % answer: 20
# % description: Number of squares to suggest
# % guisection: Suggestions
# % end
# % option
# % key: distance
# % type: double
# % required: no
# % label: Least distance between two squares in map units
# % description: By default the edge of a square; 0 lets them touch
# % guisection: Suggestions
# % end
# % option
# % key: seed
# % type: integer
# % required: no
# % answer: 1
# % description: Seed of the clustering of squares: same seed, same squares
# % guisection: Suggestions
# % end
# % option G_OPT_V_OUTPUT
# % key: templates
# % required: no
# % label: Name for output vector map of template areas within the suggested squares
# % description: Segments of i.segment, with an empty column for the class
# % guisection: Suggestions
# % end
# % option
# % key: threshold
# % type: double
# % required: no
# % answer: 0.05
# % label: How unlike neighbouring cells of a template area may be
# % description: As in i.segment: above 0 for equal cells only, below 1 for all
# % guisection: Suggestions
# % end
# % option
# % key: minsize
# % type: integer
# % required: no
# % answer: 10
# % label: Cells that a suspect or a template area has at least
# % description: Inexact outlines of objects give many small suspects
# % guisection: Suspects
# % end
# % option G_OPT_MEMORYMB
# % label: Memory that tiles are chosen for in MB
# % description: Of the whole process, Keras or OpenVINO included
# % guisection: Computing
# % end
# % option
# % key: nprocs
# % type: integer
# % required: no
# % answer: 0
# % label: Number of threads to compute with; 0 for all cores
# % guisection: Computing
# % end
# % rules
# % required: suggestions,suspects
# % required: model,probabilities
# % exclusive: model,probabilities
# % exclusive: group,input,strds,probabilities
# % requires: suggestions,group,input,strds,probabilities
# % requires: where,strds
# % exclusive: strds,dsm
# % exclusive: strds,dtm
# % exclusive: strds,red
# % exclusive: strds,nir
# % requires_all: suspects,model,dataset
# % requires_all: templates,suggestions,model
# % requires: subgroup,group
# % exclusive: after,after_input
# % requires: after,group,input
# % requires: after_input,group,input
# % requires: after_dsm,after,after_input
# % requires: after_dtm,after,after_input
# % requires: after_red,after,after_input
# % requires: after_nir,after,after_input
# % end

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import grass.script as gs

# The library is in lib/ of a checkout, in etc/i.dl/ beside the installed scripts.
HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(HOME, "lib"), os.path.join(HOME, "etc", "i.dl")]

if TYPE_CHECKING:
    from grassdl.dataset.patchset import PatchSet
    from grassdl.gis.outputs.listed_areas import ListedAreas
    from grassdl.model.ensemble import Model
    from grassdl.review.held_out import HeldOut
    from grassdl.review.settings import Settings
    from grassdl.review.suggestions import Suggestion

MAPS = ("suggestions", "templates", "suspects")


def review(options: dict[str, str]) -> str:
    """Make the named maps; returns their names and numbers of areas."""
    from grassdl.dataset.patchset import open_datasets
    from grassdl.dataset.seen import check_ground
    from grassdl.gis.outputs.listed_areas import check_names, make_maps
    from grassdl.gis.session.mapset import provenance
    from grassdl.model.ensemble import open_model
    from grassdl.review.held_out import held_out, leak_warnings
    from grassdl.review.settings import Settings

    settings = Settings.from_options(options)
    check_names([options[key] for key in MAPS if options[key]])
    patch_sets = open_datasets(options["dataset"]) if options["dataset"] else []
    place = provenance()
    for one in patch_sets:
        check_ground(one, place)
    model = open_model(options["model"]) if options["model"] else None
    parts = held_out(model, patch_sets) if model and options["suspects"] else []
    for line in leak_warnings(parts):
        gs.warning(line)
    maps = []
    # The region is predicted before Keras is loaded, since OpenVINO does not need it.
    if options["suggestions"]:
        maps += suggestions(options, settings, model, patch_sets, place)
    if model and options["suspects"]:
        maps.append(suspects(options["suspects"], settings, model, patch_sets, parts))
    make_maps(maps)
    return ", ".join(f"{one.name} ({len(one.areas)} areas)" for one in maps)


def suggestions(
    options: dict[str, str],
    settings: Settings,
    model: Model | None,
    patch_sets: list[PatchSet],
    place: dict[str, str],
) -> list[ListedAreas]:
    """The squares to label next, and the template areas in them if they are wanted."""
    from grassdl.gis.inputs.prediction_inputs import ModelBands, StoredProbabilities
    from grassdl.gis.outputs.listed_areas import ListedAreas
    from grassdl.gis.raster.info import class_values_of
    from grassdl.gis.raster.region import Region
    from grassdl.gis.session import messages
    from grassdl.review.next_squares import next_squares, patched
    from grassdl.review.squares import SquareGrid
    from grassdl.review.tables import SUGGESTION_COLUMNS, suggestion_areas
    from grassdl.review.uncertainty import of_imagery, of_probabilities

    region = Region.current()
    grid = SquareGrid(region.rows, region.cols, settings.size)
    grid.check()
    taken = patched(grid, patch_sets, place, region.to_json())
    progress = messages.Progress(region.rows)
    if model:
        bands = ModelBands(options, model.card.bands, region)
        how = settings.prediction(options["model"], model.card)
        figures = of_imagery(model.card, how, bands, grid, messages, progress)
    else:
        values = class_values_of(options["probabilities"])
        with StoredProbabilities(options, values, region).open(None) as reader:
            figures = of_probabilities(reader, len(values), grid, progress)
    found = next_squares(grid, figures, taken, settings, region.to_json())
    if len(found) < settings.npatches:
        gs.warning(
            f"{len(found)} of {settings.npatches} squares are suggested: no more are free and far "
            "enough apart; use a smaller distance or size, or a larger region"
        )
    areas = suggestion_areas(found, settings.size, region.to_json(), figures.measure)
    title = f"Squares to label next, by {figures.measure}"
    maps = [ListedAreas(options["suggestions"], title, SUGGESTION_COLUMNS, areas)]
    if options["templates"]:
        maps.append(templates(options["templates"], settings, bands.imagery, found))
    return maps


def templates(
    name: str, settings: Settings, imagery: list[list[str]], found: list[Suggestion]
) -> ListedAreas:
    """The segments in the suggested squares, whose class is to be filled in."""
    from grassdl.gis.outputs.listed_areas import ListedAreas
    from grassdl.gis.raster.region import Region
    from grassdl.gis.raster.square_segments import square_segments
    from grassdl.review.tables import TEMPLATE_COLUMNS, template_areas

    segments = square_segments(imagery, settings)
    areas = template_areas(found, settings.size, Region.current().to_json(), segments)
    return ListedAreas(name, "Segments in the suggested squares", TEMPLATE_COLUMNS, areas)


def suspects(
    name: str,
    settings: Settings,
    model: Model,
    patch_sets: list[PatchSet],
    parts: list[HeldOut],
) -> ListedAreas:
    """The labels that are probably wrong."""
    from grassdl.gis.outputs.listed_areas import ListedAreas
    from grassdl.gis.session.messages import Progress
    from grassdl.review.suspects import PASSES, find_suspects
    from grassdl.review.tables import SUSPECT_COLUMNS, suspect_areas
    from grassdl.runtime import keras_backend

    if not keras_backend.is_loaded():
        keras_backend.prepare(settings.nprocs)
    progress = Progress(PASSES * sum(map(len, parts)))
    found = find_suspects(parts, settings.minsize, progress)
    areas = suspect_areas(found, model.card.classes, patch_sets)
    return ListedAreas(name, "Labels that are probably wrong", SUSPECT_COLUMNS, areas)


def main() -> int:
    options, _ = gs.parser()
    from grassdl.gis.session.messages import finished, one_line_errors

    with one_line_errors():
        finished(f"Written: {review(options)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
