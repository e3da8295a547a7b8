#!/usr/bin/env python3

############################################################################
#
# MODULE:       i.dl.evaluate
# AUTHOR(S):    The i.dl developers
# PURPOSE:      Measure the accuracy of a class map or of a model against reference data
# COPYRIGHT:    (C) 2026 by the i.dl developers
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
############################################################################

# % module
# % description: Measures the accuracy of a class map or of a model against reference data
# % keyword: imagery
# % keyword: classification
# % keyword: accuracy
# % keyword: confusion matrix
# % keyword: kappa
# % keyword: deep learning
# % end
# % option G_OPT_R_INPUT
# % key: classification
# % required: no
# % description: Name of class raster map to assess
# % end
# % option G_OPT_R_INPUT
# % key: reference
# % required: no
# % description: Name of raster map with the true classes
# % guisection: Reference
# % end
# % option G_OPT_V_INPUT
# % key: points
# % required: no
# % label: Name of vector map with sample points of known class
# % description: They must have been drawn at random, see design
# % guisection: Reference
# % end
# % option G_OPT_V_INPUT
# % key: areas
# % required: no
# % description: Name of vector map with areas of known class
# % guisection: Reference
# % end
# % option G_OPT_V_FIELD
# % guisection: Reference
# % end
# % option G_OPT_DB_COLUMN
# % label: Name of column with the class of points or areas
# % description: Integers are class values, texts are labels of the classification; without it the categories are the class values
# % guisection: Reference
# % end
# % option
# % key: background
# % type: integer
# % required: no
# % label: Class value for cells outside the areas, or NULL in the reference
# % description: By default they are not compared
# % guisection: Reference
# % end
# % option
# % key: design
# % type: string
# % required: no
# % options: census,random,stratified
# % label: How the cells or points of the reference were chosen
# % description: By default census for raster map and areas, random for points
# % descriptions: census;Every cell: intervals by block bootstrap;random;At random: area-adjusted figures;stratified;At random within each mapped class: area-adjusted figures
# % guisection: Reference
# % end
# % option
# % key: standard_error
# % type: double
# % required: no
# % answer: 0.01
# % description: Standard error of overall accuracy for which the sample size is told
# % guisection: Intervals
# % end
# % option
# % key: block_size
# % type: integer
# % required: no
# % label: Edge of the bootstrap's blocks in cells
# % description: By default the region is parted into about 400 blocks
# % guisection: Intervals
# % end
# % option
# % key: seed
# % type: integer
# % required: no
# % answer: 1
# % description: Seed of the bootstrap: same seed, same intervals
# % guisection: Intervals
# % end
# % option G_OPT_R_INPUT
# % key: compare
# % required: no
# % description: Name of a second class raster map to compare with the first
# % guisection: Comparison
# % end
# % option G_OPT_R_OUTPUT
# % key: difference
# % required: no
# % description: Name for output raster map of where which of the two maps is right
# % guisection: Comparison
# % end
# % option
# % key: distance
# % type: double
# % required: no
# % multiple: yes
# % description: Distances in cells at which the borders of classes are compared
# % guisection: Details
# % end
# % option
# % key: objects
# % type: integer
# % required: no
# % multiple: yes
# % label: Values of classes whose objects are counted
# % description: Objects are connected areas, such as buildings or tree crowns
# % guisection: Details
# % end
# % option G_OPT_R_INPUT
# % key: segments
# % required: no
# % label: Name of raster map of segments
# % description: Tells accuracy by segment, what segments do to borders, and how well they fit the reference
# % guisection: Details
# % end
# % option
# % key: probabilities
# % type: string
# % required: no
# % label: Prefix of the raster maps of class probabilities
# % description: Maps PREFIX_VALUE as i.dl.predict writes them: tells how far they can be trusted
# % guisection: Details
# % end
# % option G_OPT_M_DIR
# % key: model
# % required: no
# % multiple: yes
# % label: Name of model folder to score on patches, instead of a class map
# % description: A model, an ensemble, or several models whose probabilities are averaged
# % guisection: Model
# % end
# % option G_OPT_M_DIR
# % key: dataset
# % required: no
# % multiple: yes
# % description: Name of one or more dataset folders with the patches
# % guisection: Model
# % end
# % option
# % key: split
# % type: string
# % required: no
# % options: train,val,test
# % answer: test
# % description: Patches to score the model on
# % guisection: Model
# % end
# % flag
# % key: t
# % label: Fit a temperature to the validation patches and store it in the model
# % description: The probabilities of i.dl.predict then mean what they say
# % guisection: Model
# % end
# % option
# % key: format
# % type: string
# % required: no
# % options: plain,json,csv
# % answer: plain
# % label: Format of the report
# % descriptions: plain;Listing of 80 columns to read;json;One JSON object, undefined figures are null;csv;One figure a line: metric,class,label,value
# % guisection: Output
# % end
# % option G_OPT_F_OUTPUT
# % required: no
# % label: Name for output file of the report
# % description: Without it the report goes to standard output
# % guisection: Output
# % end
# % option G_OPT_F_OUTPUT
# % key: matrix
# % required: no
# % label: Name for output CSV file of the confusion matrix
# % description: Rows are the classification, columns the reference
# % guisection: Output
# % end
# % option G_OPT_F_OUTPUT
# % key: plot
# % required: no
# % label: Name for output PNG file with a picture of the confusion matrix
# % description: Shares of each reference class, with F1 by class
# % guisection: Output
# % end
# % option G_OPT_F_OUTPUT
# % key: report
# % required: no
# % label: Name for output HTML file with all figures, the maps and the errors
# % description: One file that needs nothing else, for a browser or an appendix
# % guisection: Output
# % end
# % rules
# % required: classification,model
# % exclusive: classification,model
# % required: reference,points,areas,model
# % exclusive: reference,points,areas,model
# % collective: model,dataset
# % requires: -t,model
# % exclusive: column,reference
# % requires: difference,compare
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
    from collections.abc import Callable
    from pathlib import Path

    from grassdl.evaluate.settings import Settings

    Writer = Callable[[Path], object]
    Write = Callable[[dict, Callable[[], str]], None]


def evaluate(options: dict[str, str], warm: bool) -> None:
    """Score maps or a model; write the files, and the report to stdout if it has no file."""
    from grassdl.evaluate.settings import Settings
    from grassdl.io.atomic import check_output_files, write_files

    settings = Settings.from_options(options)
    keys = [key for key in ("output", "matrix", "plot", "report") if options[key]]
    paths = check_output_files([options[key] for key in keys], gs.overwrite())
    writers = dict(zip(keys, paths, strict=True))

    def write(report: dict, page: Callable[[], str]) -> None:
        content = contents(report, page, options["format"])
        write_files({path: content[key] for key, path in writers.items()})

    if options["model"]:
        report = score_model(options, settings, write, warm)
    else:
        report = score_maps(options, settings, write)
    for path in paths:
        gs.verbose(f"File <{path}> written")
    if "output" not in writers:
        sys.stdout.write(as_text(report, options["format"]))


def score_maps(options: dict[str, str], settings: Settings, write: Write) -> dict:
    """The report on a class map; it is written while the maps are open."""
    from grassdl.evaluate.leaks import leaks_of_map, tell
    from grassdl.evaluate.map_assessment import assess
    from grassdl.evaluate.provenance import with_model
    from grassdl.evaluate.report.html import page
    from grassdl.evaluate.report.thumbnails import overview
    from grassdl.gis.inputs.evaluation_maps import evaluation_maps
    from grassdl.gis.outputs.difference_map import check_difference, write_difference

    with evaluation_maps(options) as maps:
        if options["difference"]:
            check_difference(options["difference"], maps.names, settings.probabilities)
        report = assess(maps, settings)
        report |= leaks_of_map(maps)
        tell(report, gs.warning)

        def html() -> str:
            # A sample may have missed mapped classes, which the areas know.
            shown = report.get("area_adjusted", report)["classes"]
            classes = maps.classes([one["value"] for one in shown])
            pictures = overview(maps.classification, maps.reference, classes)
            description, problem = with_model(maps.description())
            if problem:
                maps.warn(problem)
            return page(report, classes, pictures, description)

        write(report, html)
        if options["difference"]:
            write_difference(options["difference"], maps.reference_raster, maps.names)
    return report


def score_model(options: dict[str, str], settings: Settings, write: Write, warm: bool) -> dict:
    """The report on a model, which gets a temperature first if it is to be `warm`.

    Keras is imported only when all else is checked.
    """
    from grassdl.dataset.patchset import PatchSet
    from grassdl.evaluate.leaks import tell
    from grassdl.evaluate.patch_assessment import score_patches, warmed
    from grassdl.evaluate.provenance import describe
    from grassdl.evaluate.report.html import page
    from grassdl.model.ensemble import open_model
    from grassdl.model.folder import save_card
    from grassdl.runtime import keras_backend

    model = open_model(options["model"])
    names = options["dataset"]
    folders = [names] if os.path.isdir(names) else names.split(",")
    patch_sets = [PatchSet.open(folder) for folder in folders]
    keras_backend.prepare()
    if warm:
        model = warmed(model, patch_sets, settings.seed)
    scored = model.predictor(), model.card, patch_sets
    report = score_patches(*scored, options["split"], settings.seed)
    tell(report, gs.warning)
    write(report, lambda: page(report, [], {}, describe(model.card)))
    for one in model.members if warm else ():
        save_card(one.card, one.folder)
        gs.message(f"Temperature {one.card.temperature:.3f} is stored in model <{one.folder}>")
    return report


def as_text(report: dict, form: str) -> str:
    """The report in one of the formats of the option."""
    from grassdl.evaluate.report import formats, text

    return {"plain": text.plain, "json": formats.as_json, "csv": formats.as_csv}[form](report)


def contents(report: dict, page: Callable[[], str], form: str) -> dict[str, Writer]:
    """For each option that names a file a function that writes it."""
    from grassdl.core import plots
    from grassdl.evaluate.report import formats

    return {
        "output": lambda path: path.write_text(as_text(report, form), encoding="utf-8"),
        "matrix": lambda path: path.write_text(formats.matrix_csv(report), encoding="utf-8"),
        "plot": lambda path: plots.confusion_matrix(report, path),
        "report": lambda path: path.write_text(page(), encoding="utf-8"),
    }


def main() -> int:
    options, flags = gs.parser()
    from grassdl.gis.session.messages import one_line_errors

    with one_line_errors():
        evaluate(options, flags["t"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
