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
# % description: Name of raster map of classes, or of values (floating point type), to assess
# % guisection: Required
# % end
# % option G_OPT_R_INPUT
# % key: reference
# % required: no
# % description: Name of raster map with the true classes or values
# % guisection: Required
# % end
# % option G_OPT_V_INPUT
# % key: points
# % required: no
# % label: Name of vector map with sample points of known class or value
# % description: They must have been drawn at random, see design
# % guisection: Reference
# % end
# % option G_OPT_V_INPUT
# % key: areas
# % required: no
# % label: Name of vector map with areas of known class or value
# % description: They are compared cell by cell
# % guisection: Reference
# % end
# % option G_OPT_V_FIELD
# % guisection: Reference
# % end
# % option G_OPT_DB_COLUMN
# % label: Name of column with the class or value of points or areas
# % description: Integers are class values, texts are labels of the classification; without it the categories are the class values. Values are numbers
# % guisection: Reference
# % end
# % option
# % key: background
# % type: integer
# % required: no
# % label: Class value for cells without reference (none when empty)
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
# % descriptions: census;Every cell: intervals by block bootstrap;random;At random: area-adjusted figures;stratified;At random within each mapped class or stratum: area-adjusted figures
# % guisection: Reference
# % end
# % option G_OPT_R_INPUT
# % key: strata
# % required: no
# % label: Name of raster map of the strata in which points of known value were drawn
# % description: For design=stratified of values; of classes the strata are the mapped classes
# % guisection: Reference
# % end
# % option G_OPT_M_DIR
# % key: model
# % required: no
# % multiple: yes
# % label: Name of model folder to score on patches, instead of a class map
# % description: A model, an ensemble, or several models whose probabilities are averaged
# % guisection: Held-back
# % end
# % option G_OPT_M_DIR
# % key: dataset
# % required: no
# % multiple: yes
# % label: Name of one or more dataset folders with the patches
# % description: With a class map only the cells of these patches are scored: those that were held back from training
# % guisection: Held-back
# % end
# % option
# % key: split
# % type: string
# % required: no
# % options: train,val,test
# % answer: test
# % description: Patches of the dataset to score on
# % guisection: Held-back
# % end
# % option
# % key: importance
# % type: integer
# % required: no
# % label: How often each band is permuted for its importance (not when empty)
# % description: 5 is usual; gives the loss of F1, for values of R2 and RMSE, with intervals from 2 on
# % guisection: Held-back
# % end
# % flag
# % key: s
# % label: Fit a threshold of the second of two classes to the validation patches and store it in the model
# % description: Of the wanted precision or recall, otherwise of the highest F1; i.dl.predict then decides by it
# % guisection: Held-back
# % end
# % flag
# % key: t
# % label: Fit a temperature to the validation patches and store it in the model
# % description: The probabilities of i.dl.predict are then calibrated
# % guisection: Held-back
# % end
# % option G_OPT_R_INPUT
# % key: compare
# % required: no
# % description: Name of a second raster map of classes or values to compare with the first
# % guisection: Comparison
# % end
# % option G_OPT_R_OUTPUT
# % key: difference
# % required: no
# % label: Name for output raster map of where which of the two maps is right
# % description: Of values by how much classification is closer to the reference than compare
# % guisection: Comparison
# % end
# % option G_OPT_R_OUTPUT
# % key: residuals
# % required: no
# % description: Name for output raster map of predicted values minus those of the reference
# % guisection: Details
# % end
# % option
# % key: distance
# % type: double
# % required: no
# % multiple: yes
# % label: Distances in cells for comparing borders of classes (none when empty)
# % description: Border accuracy is reported for each of them
# % guisection: Details
# % end
# % option
# % key: objects
# % type: integer
# % required: no
# % multiple: yes
# % label: Values of classes whose objects are counted (none when empty)
# % description: Objects are connected areas, such as buildings or tree crowns, or those of areas and object_areas
# % guisection: Details
# % end
# % option G_OPT_V_INPUT
# % key: object_areas
# % required: no
# % label: Name of vector map with the mapped objects
# % description: As i.dl.predict writes it with vector: its areas replace the connected areas of the classification
# % guisection: Details
# % end
# % option
# % key: minsize
# % type: integer
# % required: no
# % label: Cells that an object has at least (all are counted when empty)
# % description: Smaller ones count only if they match one that is large enough
# % guisection: Details
# % end
# % option G_OPT_R_INPUT
# % key: segments
# % required: no
# % label: Name of raster map of segments
# % description: Gives accuracy by segment, accuracy of borders with segments, and how well segments fit the reference
# % guisection: Details
# % end
# % option
# % key: probabilities
# % type: string
# % required: no
# % label: Prefix of the raster maps of class probabilities
# % description: Maps PREFIX_VALUE as i.dl.predict writes them: gives their calibration
# % guisection: Details
# % end
# % option
# % key: wanted_precision
# % type: double
# % required: no
# % label: Wanted precision of the second of two classes, for a threshold
# % description: With probabilities of a map or of a model, 0 to 1
# % guisection: Details
# % end
# % option
# % key: wanted_recall
# % type: double
# % required: no
# % label: Wanted recall of the second of two classes, for a threshold
# % description: With probabilities of a map or of a model, 0 to 1
# % guisection: Details
# % end
# % option
# % key: standard_error
# % type: double
# % required: no
# % answer: 0.01
# % description: Standard error of overall accuracy for which the sample size is reported
# % guisection: Intervals
# % end
# % option
# % key: block_size
# % type: integer
# % required: no
# % label: Edge of the bootstrap's blocks in cells (automatic when empty)
# % description: By default the region is divided into about 400 blocks
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
# % description: One self-contained file, for a browser or an appendix
# % guisection: Output
# % end
# % rules
# % required: classification,model
# % exclusive: classification,model
# % required: reference,points,areas,model
# % exclusive: reference,points,areas,model
# % requires: strata,points
# % requires: model,dataset
# % requires: importance,model
# % requires: -t,model
# % requires: -s,model
# % exclusive: column,reference
# % requires: difference,compare
# % requires: object_areas,objects
# % requires: minsize,objects
# % end

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import grass.script as gs

# The library is in lib/ of a checkout, in etc/i.dl/ beside the installed scripts.
HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(HOME, "lib"), os.path.join(HOME, "etc", "i.dl")]

if TYPE_CHECKING:
    from collections.abc import Callable

    from grassdl.dataset.patchset import PatchSet
    from grassdl.evaluate.settings import Settings

    Write = Callable[..., None]


def evaluate(options: dict[str, str], fit: str) -> None:
    """Score maps or a model; write the files, and the report to standard output without one."""
    from grassdl.dataset.patchset import open_datasets
    from grassdl.evaluate.report.files import FILE_OPTIONS, FORMATS, writers
    from grassdl.evaluate.settings import Settings
    from grassdl.io.atomic import check_output_files, write_files

    settings = Settings.from_options(options)
    keys = [key for key in FILE_OPTIONS if options[key]]
    paths = check_output_files([options[key] for key in keys], gs.overwrite())
    files = dict(zip(keys, paths, strict=True))
    patch_sets = open_datasets(options["dataset"]) if options["dataset"] else []

    def write(report: dict, page: Callable[[], str], plot: Callable | None = None) -> None:
        write_file = writers(report, page, options["format"], plot)
        write_files({path: write_file[key] for key, path in files.items()})

    if options["model"]:
        report = score_model(options, settings, patch_sets, write, fit)
    else:
        report = score_maps(options, settings, patch_sets, write)
    if "output" not in files:
        sys.stdout.write(FORMATS[options["format"]](report))
        sys.stdout.flush()
    if files:
        gs.message(f"Written: {', '.join(map(str, paths))}")
    if options["format"] == "plain" and not options["report"]:
        gs.message("With report=FILE.html the report is also written as a page with pictures")


def score_maps(
    options: dict[str, str], settings: Settings, patch_sets: list[PatchSet], write: Write
) -> dict:
    """The report on a map of classes or values; it is written while the maps are open."""
    from grassdl.evaluate.held_back import HeldBackCells
    from grassdl.evaluate.leaks import leaks_of_map, tell
    from grassdl.evaluate.provenance import model_of
    from grassdl.evaluate.targets import EVALUATION
    from grassdl.gis.inputs.evaluation_inputs import evaluation_maps
    from grassdl.gis.outputs.difference_map import check_difference, write_difference
    from grassdl.gis.outputs.residual_map import check_residuals, write_residuals

    with evaluation_maps(options) as maps:
        evaluation = EVALUATION.named(maps.kind)
        if patch_sets:
            card = model_of(maps.description())
            cells = HeldBackCells.of(patch_sets, options["split"], maps.place(), card)
            maps.restrict_to(cells)
        if options["difference"]:
            check_difference(options["difference"], maps.names, settings.probabilities)
        if options["residuals"]:
            check_residuals(options["residuals"], maps.names)
        report = evaluation.assess(maps, settings)
        report |= leaks_of_map(maps)
        tell(report, gs.warning)
        html = partial(evaluation.page, report, maps)
        write(report, html, partial(evaluation.plot, report, maps))
        if options["difference"]:
            how = maps.reference_raster, maps.names, report
            write_difference(maps.kind, options["difference"], *how)
        if options["residuals"]:
            how = maps.reference_raster, maps.names, report["rmse"]
            write_residuals(options["residuals"], *how)
    return report


def score_model(
    options: dict[str, str],
    settings: Settings,
    patch_sets: list[PatchSet],
    write: Write,
    fit: str,
) -> dict:
    """The report on a model, which is fitted first if `fit` names flags of fits.

    Keras is imported only after the checks.
    """
    from grassdl.evaluate.band_importance import band_importance
    from grassdl.evaluate.fitting import fitted_model
    from grassdl.evaluate.leaks import tell
    from grassdl.evaluate.model_targets import MODEL_EVALUATION
    from grassdl.evaluate.provenance import describe
    from grassdl.evaluate.report.html import page
    from grassdl.gis.session.messages import Progress
    from grassdl.model.ensemble import open_model
    from grassdl.model.folder import save_card
    from grassdl.runtime import keras_backend

    model = open_model(options["model"])
    asked = patch_sets, options["split"], settings, fit
    evaluation = MODEL_EVALUATION.of(model.card.target)(model, *asked)
    keras_backend.prepare()
    model, lines = fitted_model(model, patch_sets, settings.wanted, settings.seed, fit)
    scored = model.predictor(), model.card
    report = evaluation.score(*scored)
    for sentence in evaluation.patches.far_dates():
        gs.warning(sentence)
    if settings.importance:
        patches = evaluation.patches
        gs.message(f"Permuting {len(model.card.bands)} bands in {len(patches)} patches...")
        how = settings.importance, settings.seed, Progress(len(patches))
        report["importance"] = band_importance(*scored, patches, *how)
    tell(report, gs.warning)
    write(
        report,
        lambda: page(report, [], evaluation.pictures(report), describe(model.card)),
        partial(evaluation.plot, report),
    )
    for one in model.members if fit else ():
        save_card(one.card, one.folder)
    for line in lines:
        gs.message(line)
    return report


def main() -> int:
    options, flags = gs.parser()
    from grassdl.gis.session.messages import one_line_errors

    with one_line_errors():
        evaluate(options, "".join(flag for flag in "ts" if flags[flag]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
