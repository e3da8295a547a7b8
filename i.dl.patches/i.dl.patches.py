#!/usr/bin/env python3

############################################################################
#
# MODULE:       i.dl.patches
# AUTHOR(S):    The i.dl developers
# PURPOSE:      Cut patches of imagery and labels for deep learning
# COPYRIGHT:    (C) 2026 by the i.dl developers
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
############################################################################

# %module
# % description: Cuts patches of imagery and labels for deep learning
# % keyword: imagery
# % keyword: deep learning
# % keyword: machine learning
# % keyword: segmentation
# % keyword: training
# % keyword: classification
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
# %option G_OPT_R_INPUT
# % key: labels
# % required: no
# % label: Raster map of classes (integers) or values
# % description: NULL is unlabelled
# % guisection: Required
# %end
# %option G_OPT_V_INPUT
# % key: training
# % required: no
# % label: Vector map of training areas or points
# % guisection: Required
# %end
# %option G_OPT_M_DIR
# % key: output
# % required: no
# % description: Name of the dataset folder to be made
# % guisection: Required
# %end
# %option
# % key: bands
# % type: string
# % multiple: yes
# % required: no
# % label: Names of the bands
# % description: By default the semantic label of each map, else its name
# % guisection: Bands
# %end
# %option G_OPT_R_INPUT
# % key: dsm
# % required: no
# % label: Digital surface model
# % description: With dtm: adds the band ndsm, height above ground
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
# % description: With nir: adds the band ndvi
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
# % description: For change: the same bands in the same order as the first
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
# % description: Maps of one start time are a date, with a band for each semantic label; NULL at some dates is a missing observation
# % guisection: Dates
# %end
# %option G_OPT_T_WHERE
# % required: no
# % label: Which maps of strds
# % description: WHERE condition without the word, such as start_time >= '2021-03-01'
# % guisection: Dates
# %end
# %option G_OPT_V_FIELD
# % guisection: Labels
# %end
# %option G_OPT_DB_COLUMN
# % required: no
# % label: Column with the class of each training area or point
# % description: Integer or text; by default the categories are the classes
# % guisection: Labels
# %end
# %option G_OPT_DB_COLUMN
# % key: label_column
# % required: no
# % label: Column with the label of each class value
# % description: Where column holds integers; by default they are the labels
# % guisection: Labels
# %end
# %option
# % key: value
# % type: integer
# % required: no
# % label: Class value of all training areas, points or segments (their categories when empty)
# % description: Also of all segments; for a map of one class, such as buildings, that has no column of classes
# % guisection: Labels
# %end
# %option
# % key: radius
# % type: double
# % required: no
# % label: Radius around training points in map units (one cell when empty)
# % description: By default only the cell that the point lies in has its class
# % guisection: Labels
# %end
# %option G_OPT_R_INPUT
# % key: segments
# % required: no
# % label: Raster map of segments
# % description: With segment_classes: segments of known class label their cells
# % guisection: Labels
# %end
# %option G_OPT_F_INPUT
# % key: segment_classes
# % required: no
# % label: CSV file with the classes of segments
# % description: Columns cat and class; integer or text
# % guisection: Labels
# %end
# %option
# % key: target
# % type: string
# % required: no
# % options: classes,value,patch
# % descriptions: classes;classes of cells;value;a value of cells, such as a height;patch;one class of each patch: that of the object at its centre
# % label: Kind of the labels (by the type of the raster map when empty)
# % description: By default values, by regression, for a raster map of floating type, else classes
# % guisection: Labels
# %end
# %option
# % key: background
# % type: integer
# % required: no
# % label: Class value for unlabelled cells (none when empty)
# % description: By default they stay unlabelled and do not count in training
# % guisection: Labels
# %end
# %option
# % key: borders
# % type: integer
# % required: no
# % label: Width in cells of a class between objects that nearly touch (none when empty)
# % description: Of training areas, or of segments that are objects: separates touching ones, see objects of i.dl.predict
# % guisection: Labels
# %end
# %option G_OPT_F_INPUT
# % key: class_values
# % required: no
# % label: File with value and label of each class, value|label on each line
# % description: Gives texts their class values, and class values their labels
# % guisection: Labels
# %end
# %option G_OPT_F_INPUT
# % key: class_colors
# % required: no
# % label: File with the colours of classes, value R:G:B or label R:G:B on each line
# % description: By default those of the map, else the usual ones of the labels
# % guisection: Labels
# %end
# %option
# % key: size
# % type: integer
# % required: no
# % answer: 64
# % description: Edge of a patch in cells
# % guisection: Sampling
# %end
# %option
# % key: stride
# % type: integer
# % required: no
# % label: Step between the patches of a grid in cells (size when empty)
# % description: By default patches touch each other
# % guisection: Sampling
# %end
# %option
# % key: sampling
# % type: string
# % required: no
# % options: grid,random,stratified,balanced,objects
# % answer: grid
# % descriptions: grid;every position of a regular grid;random;npatches positions at random;stratified;equal numbers of patches in every stratum;balanced;class shares as even as the labels allow;objects;one patch on every training area, segment or point, and negatives without any
# % description: Sampling design
# % guisection: Sampling
# %end
# %option
# % key: npatches
# % type: integer
# % required: no
# % label: Number of patches (for sampling=grid and objects empty)
# % description: Of all splits together; needed for sampling=random, stratified and balanced
# % guisection: Sampling
# %end
# %option G_OPT_R_INPUT
# % key: strata
# % required: no
# % label: Raster map of strata for sampling=stratified
# % description: By default the blocks of the region are the strata, or for values ranges of them
# % guisection: Sampling
# %end
# %option
# % key: negatives
# % type: double
# % required: no
# % answer: 2
# % description: Patches without object for each patch with one, for sampling=objects
# % guisection: Sampling
# %end
# %option
# % key: jitter
# % type: integer
# % required: no
# % label: Largest displacement of patches from their objects in cells (0 when empty)
# % description: For sampling=objects; by default every object is in the centre of its patch
# % guisection: Sampling
# %end
# %option
# % key: min_labelled
# % type: double
# % required: no
# % answer: 0
# % label: Least share of labelled cells of a patch in percent
# % description: A patch without any labelled cell is never kept
# % guisection: Sampling
# %end
# %option
# % key: split
# % type: string
# % required: no
# % multiple: yes
# % answer: 70,15,15
# % key_desc: train,val,test
# % description: Shares of the patches for training, validation and test
# % guisection: Split
# %end
# %option
# % key: split_method
# % type: string
# % required: no
# % options: blocks,map,none
# % answer: blocks
# % descriptions: blocks;whole square blocks go to one split;map;split_map sets the split;none;all patches go to training
# % description: How patches are assigned to the splits
# % guisection: Split
# %end
# %option
# % key: block_size
# % type: integer
# % required: no
# % label: Edge of the blocks in cells (automatic when empty)
# % description: By default four patches, fewer in a small region
# % guisection: Split
# %end
# %option G_OPT_R_INPUT
# % key: split_map
# % required: no
# % label: Raster map of splits for split_method=map
# % description: 1 is training, 2 validation, 3 test
# % guisection: Split
# %end
# %option
# % key: buffer
# % type: double
# % required: no
# % label: Least distance between patches of different splits in map units (0 when empty)
# % description: By default they may touch
# % guisection: Split
# %end
# %option
# % key: folds
# % type: integer
# % required: no
# % label: Number of folds for fold= of i.dl.train (none when empty)
# % description: Whole blocks that are not for test, separated like splits; the first is the split val
# % guisection: Split
# %end
# %option
# % key: resample
# % type: string
# % required: no
# % options: nearest,bilinear,bicubic,average
# % answer: nearest
# % descriptions: nearest;the cell that the centre lies in;bilinear;from four cells;bicubic;from sixteen cells;average;mean of all cells
# % label: How bands of another grid are resampled to that of the region
# % description: Labels are always resampled by nearest neighbour
# % guisection: Bands
# %end
# %option
# % key: transform
# % type: string
# % multiple: yes
# % required: no
# % key_desc: band:db
# % label: Bands whose values are transformed, with the transform
# % description: db is 10 log10 of the value, for radar backscatter; 0 and less become NULL
# % guisection: Bands
# %end
# %option
# % key: seed
# % type: integer
# % required: no
# % answer: 1
# % description: Seed of everything random: same seed, same dataset
# % guisection: Sampling
# %end
# %option
# % key: format
# % type: string
# % required: no
# % options: npy,geotiff,json
# % answer: npy
# % descriptions: npy;NumPy arrays, the fastest to train from;geotiff;georeferenced images, which other programs read;json;with -p: the plan as one JSON object, for scripts
# % description: Format of the patches, or of the plan
# % guisection: Output
# %end
# %option G_OPT_V_OUTPUT
# % key: footprints
# % required: no
# % description: Name for output vector map of the patches' outlines
# % guisection: Output
# %end
# %option G_OPT_MEMORYMB
# % label: Memory for maps and patches in MB
# % description: Of all processes together; the program itself takes some 150 MB more
# % guisection: Output
# %end
# %option G_OPT_M_NPROCS
# % answer: 1
# % label: Number of processes that read maps and cut patches; 0 for all cores
# % description: The dataset is the same
# % guisection: Output
# %end
# %flag
# % key: p
# % description: Print the plan and write nothing
# % guisection: Output
# %end
# %rules
# % exclusive: group,input,strds
# % required: group,input,strds
# % requires: where,strds
# % exclusive: strds,dsm
# % exclusive: strds,dtm
# % exclusive: strds,red
# % exclusive: strds,nir
# % requires: subgroup,group
# % exclusive: labels,training,segments
# % required: labels,training,segments
# % requires: segments,segment_classes,value
# % requires: segment_classes,segments
# % exclusive: segment_classes,value
# % requires: column,training
# % requires: value,training,segments
# % requires: label_column,column
# % exclusive: column,value
# % required: output,-p
# % exclusive: after,after_input
# % requires: after,group,input
# % requires: after_input,group,input
# % requires: after_dsm,after,after_input
# % requires: after_dtm,after,after_input
# % requires: after_red,after,after_input
# % requires: after_nir,after,after_input
# %end

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import grass.script as gs

# The library is in lib/ of a checkout, in etc/i.dl/ beside the installed scripts.
HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(HOME, "lib"), os.path.join(HOME, "etc", "i.dl")]

if TYPE_CHECKING:
    from grassdl.core.target import Target
    from grassdl.gis.inputs.label_source import Labels
    from grassdl.gis.raster.region import Region
    from grassdl.io.folders import Reservation
    from grassdl.patches.export import PatchCutter
    from grassdl.patches.label_spool import CodeSpool
    from grassdl.patches.plan import Plan
    from grassdl.patches.settings import Settings
    from grassdl.runtime.workers import Workers


def main() -> int:
    options, flags = gs.parser()
    from grassdl.gis.session.messages import one_line_errors

    with one_line_errors(), ExitStack() as cleanup:
        cut_patches(options, flags["p"], cleanup)
    return 0


def cut_patches(options: dict[str, str], only_plan: bool, cleanup: ExitStack) -> None:
    """Read the maps, make the plan and print it; write the dataset unless only the plan counts."""
    from grassdl.dataset.manifest import DATASET_FOLDER
    from grassdl.dataset.preview import OVERVIEW_NAME
    from grassdl.dataset.writer import PatchSetWriter
    from grassdl.gis.inputs.bands import bands_from_options, open_bands
    from grassdl.gis.inputs.labels import labels_from_options
    from grassdl.gis.raster.region import Region
    from grassdl.gis.session.mapset import provenance, scratch_folder
    from grassdl.gis.session.messages import Progress, command_line, finished
    from grassdl.gis.session.output_names import check_not_read, check_vector_output
    from grassdl.io.folders import reserved_output
    from grassdl.patches.export import PatchCutter, expected_seconds
    from grassdl.patches.label_spool import spool_codes
    from grassdl.patches.plan_report import report
    from grassdl.patches.settings import Settings, format_of_patches
    from grassdl.runtime.workers import Workers

    region = Region.current()
    settings = Settings.from_options(options)
    file_format = format_of_patches(options["format"], only_plan)
    grid = settings.grid(region.rows, region.cols)
    if options["footprints"]:
        check_vector_output(options["footprints"], gs.overwrite())
        check_not_read([options["footprints"]], [options["training"]], "vector")
    bands = bands_from_options(options, region)
    region.use()
    workers = cleanup.enter_context(Workers(settings.nprocs))
    # Processes that were started before do not hold its locks when this one is killed.
    wanted = options["output"], gs.overwrite(), DATASET_FOLDER
    output = None if only_plan else cleanup.enter_context(reserved_output(*wanted))
    source = cleanup.enter_context(labels_from_options(options, region))
    label_bytes = region.rows * region.cols * source.codes.coding.dtype.itemsize
    scratch = cleanup.enter_context(scratch_folder(label_bytes, f"the labels of {region.size}"))
    stack = cleanup.enter_context(open_bands(bands, region))
    beside = cleanup.enter_context(ThreadPoolExecutor(1))
    session = beside.submit(provenance)

    gs.message(f"Reading labels and looking for NULL in {region.size}...")
    cells = settings.strip_cells(stack)
    progress = Progress(region.rows)
    found = spool_codes(stack, source.codes, scratch / "codes", cells, workers, progress)
    labels = source.labels(found)
    codes = replace(found.codes, index_of=labels.index_of)
    plan = choose_patches(settings, region, labels, codes, found.lost)
    writer = PatchSetWriter(
        folder=scratch / "trial",
        bands=stack.bands,
        target=labels.target,
        counts=plan.split_counts,
        dtype=stack.dtype,
        value_range=stack.value_range,
        folds=settings.folds,
        file_format=file_format,
        export=settings.export(grid, region.to_json(), command_line(), **session.result()),
    )
    cutter = PatchCutter(stack, codes, writer, cells)
    seconds = expected_seconds(cutter, plan, settings.nprocs) if only_plan else None
    if not only_plan:
        write(output, cutter, plan, workers, options["footprints"])
    told = plan, labels.target.counted, grid, writer.bytes_needed, seconds
    print(report(options["format"], *told), flush=True)
    if not only_plan:
        written = f"Dataset <{output.target}> is written; {OVERVIEW_NAME} in it shows patches"
        finished(written, "i.dl.train", input=output.target, output="MODEL")


def choose_patches(
    settings: Settings, region: Region, labels: Labels[Target], codes: CodeSpool, lost: int
) -> Plan:
    """Choose the patches and their splits, and tell what they lack."""
    from grassdl.dataset.manifest import SPLITS
    from grassdl.gis.raster.class_codes import split_codes, strata_codes
    from grassdl.patches.label_spool import CountedLabels, usual_strata
    from grassdl.patches.plan import make_plan, shortcomings

    counted, classes = CountedLabels(codes, labels.target), labels.target.counted
    strata = strata_codes(settings.strata) if settings.strata else usual_strata(counted)
    split_map = split_codes(settings.split_map, len(SPLITS)) if settings.split_map else None
    design = settings.design(strata, labels.places, labels.background)
    split = settings.split(split_map, region.nsres, region.ewres)
    grid = settings.grid(region.rows, region.cols)
    plan = make_plan(counted, classes, grid, design, split, settings.min_labelled, settings.seed)
    for sentence in labels.notes + shortcomings(plan, classes, design, lost):
        gs.warning(sentence)
    return plan


def write(
    output: Reservation, cutter: PatchCutter, plan: Plan, workers: Workers, vector: str
) -> None:
    """Write the dataset, its picture and the map of the patches."""
    from grassdl.dataset.footprints import FOOTPRINTS_NAME
    from grassdl.dataset.patchset import PatchSet
    from grassdl.dataset.preview import OVERVIEW_NAME, dataset_overview
    from grassdl.gis.session.messages import Progress
    from grassdl.gis.vector.footprints import check_room, import_footprints
    from grassdl.patches.export import write_dataset

    check_room(len(plan.splits) if vector else 0)
    gs.message("Writing patches...")
    with output.new_folder() as folder:
        there = replace(cutter, writer=replace(cutter.writer, folder=folder))
        write_dataset(there, plan, workers, Progress(len(plan.splits)))
        dataset_overview(PatchSet.open(folder), plan.counts_by_split(), folder / OVERVIEW_NAME)
        if vector:
            import_footprints(folder / FOOTPRINTS_NAME, vector)


if __name__ == "__main__":
    sys.exit(main())
