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
# %option G_OPT_R_INPUT
# % key: labels
# % required: no
# % label: Raster map of classes
# % description: Integer categories; NULL is unlabelled
# % guisection: Labels
# %end
# %option G_OPT_V_INPUT
# % key: training
# % required: no
# % label: Vector map of training areas
# % guisection: Labels
# %end
# %option G_OPT_V_FIELD
# % guisection: Labels
# %end
# %option G_OPT_DB_COLUMN
# % required: no
# % label: Column with the class of each training area
# % description: Integer or text; by default the categories are the classes
# % guisection: Labels
# %end
# %option
# % key: background
# % type: integer
# % required: no
# % label: Class value for unlabelled cells
# % description: By default they stay unlabelled and weigh nothing in training
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
# % label: Step between the patches of a grid in cells
# % description: By default the size of a patch
# % guisection: Sampling
# %end
# %option
# % key: sampling
# % type: string
# % required: no
# % options: grid,random
# % answer: grid
# % descriptions: grid;every position of a regular grid;random;npatches positions at random
# % description: Sampling design
# % guisection: Sampling
# %end
# %option
# % key: npatches
# % type: integer
# % required: no
# % description: Number of patches for sampling=random
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
# % options: blocks,none
# % answer: blocks
# % descriptions: blocks;whole square blocks go to one split;none;all patches go to training
# % description: How patches are dealt to the splits
# % guisection: Split
# %end
# %option
# % key: block_size
# % type: integer
# % required: no
# % label: Edge of the blocks in cells
# % description: By default four patches, fewer in a small region
# % guisection: Split
# %end
# %option
# % key: seed
# % type: integer
# % required: no
# % answer: 1
# % description: Seed of everything random: same seed, same dataset
# % guisection: Sampling
# %end
# %option G_OPT_M_DIR
# % key: output
# % required: no
# % description: Name of the dataset folder to be made
# %end
# %flag
# % key: p
# % description: Print the plan and write nothing
# %end
# %rules
# % exclusive: group,input
# % required: group,input
# % requires: subgroup,group
# % exclusive: labels,training
# % required: labels,training
# % requires: column,training
# % required: output,-p
# %end

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import grass.script as gs

if TYPE_CHECKING:
    import numpy as np

    from grassdl.dataset.manifest import Export
    from grassdl.gis.region import Region
    from grassdl.patches.sampling import Grid, SamplingDesign
    from grassdl.patches.splits import BlockSplit, NoSplit


def sampling_design(options: dict[str, str], size: int) -> SamplingDesign:
    """The sampling design that the options ask for."""
    from grassdl.gis.options import positive
    from grassdl.patches.sampling import GridSampling, RandomSampling

    if options["sampling"] == "random":
        if options["stride"]:
            raise ValueError("Option stride goes with sampling=grid")
        if not options["npatches"]:
            raise ValueError("sampling=random needs the option npatches")
        return RandomSampling(positive(options, "npatches"))
    if options["npatches"]:
        raise ValueError("Option npatches goes with sampling=random")
    return GridSampling(positive(options, "stride", size))


def split_scheme(options: dict[str, str]) -> tuple[BlockSplit | NoSplit, np.ndarray]:
    """The split scheme that the options ask for, and the shares."""
    from grassdl.patches.splits import BlockSplit, NoSplit, parse_shares

    shares = parse_shares(options["split"].split(","))
    return (NoSplit() if options["split_method"] == "none" else BlockSplit(shares)), shares


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

    with one_line_errors(), ExitStack() as cleanup:
        cut_patches(options, flags["p"], cleanup)
    return 0


def cut_patches(options: dict[str, str], only_plan: bool, cleanup: ExitStack) -> None:
    """Read the maps, make the plan and print it; write the dataset unless only the plan counts."""
    from grassdl.dataset.manifest import MANIFEST_NAME
    from grassdl.files import check_output_folder, new_folder
    from grassdl.gis.bandstack import BandMaps, BandStack, describe_bands
    from grassdl.gis.labels import labels_from_options
    from grassdl.gis.messages import Progress
    from grassdl.gis.options import number
    from grassdl.gis.region import Region
    from grassdl.gis.session import scratch_folder
    from grassdl.patches.export import bytes_needed, check_disk, write_dataset
    from grassdl.patches.plan import describe, make_plan, shortcomings
    from grassdl.patches.survey import CodeArray, spool_codes

    region = Region.current()
    grid = read_grid(options, region)
    design = sampling_design(options, grid.size)
    split, shares = split_scheme(options)
    seed = number(options, "seed", lowest=0)
    min_labelled = number(options, "min_labelled", lowest=0, highest=100)
    if not only_plan:
        target = check_output_folder(options["output"], gs.overwrite(), MANIFEST_NAME)
    bands = describe_bands(BandMaps.from_options(options))
    region.use()
    labels = cleanup.enter_context(labels_from_options(options))
    stack = cleanup.enter_context(closing(BandStack(bands)))
    scratch = cleanup.enter_context(scratch_folder())

    gs.message("Reading labels and looking for NULL...")
    codes, lost = spool_codes(stack, labels, scratch / "codes.bin", Progress(region.rows))
    plan = make_plan(CodeArray(codes), labels.classes, grid, design, split, min_labelled, int(seed))
    needed = bytes_needed(plan, grid.size, len(bands), stack.dtype)
    for sentence in shortcomings(plan, labels.classes, design, lost):
        gs.warning(sentence)
    if not only_plan:
        check_disk(target.parent, needed)
        export = provenance(options, region, grid, shares)
        progress = Progress(len(plan.splits))
        gs.message("Writing patches...")
        with new_folder(target, MANIFEST_NAME) as folder:
            write_dataset(folder, stack, codes, bands, labels.classes, plan, export, progress)
        gs.message(f"Dataset <{target}> is written")
    print(describe(plan, labels.classes, grid, needed))


def read_grid(options: dict[str, str], region: Region) -> Grid:
    """The cells of the region, the patch size, and the blocks of the split."""
    from grassdl.gis.options import positive
    from grassdl.patches.sampling import Grid, default_block_size

    size = positive(options, "size")
    if options["split_method"] == "none":
        block_size = max(region.rows, region.cols, size)
    else:
        usual = default_block_size(region.rows, region.cols, size)
        block_size = positive(options, "block_size", usual)
    return Grid(region.rows, region.cols, size, block_size)


def provenance(options: dict[str, str], region: Region, grid: Grid, shares: np.ndarray) -> Export:
    """How the patches were cut, for the manifest."""
    from grassdl.dataset.manifest import Export
    from grassdl.gis.messages import command_line
    from grassdl.gis.session import crs_wkt

    return Export(
        size=grid.size,
        stride=int(options["stride"] or grid.size) if options["sampling"] == "grid" else 0,
        sampling=options["sampling"],
        split_method=options["split_method"],
        split_shares=tuple((100 * shares).round(6).tolist()),
        block_size=grid.block_size if options["split_method"] == "blocks" else 0,
        buffer=0.0,
        seed=int(options["seed"]),
        region=region.to_json(),
        crs=crs_wkt(),
        grass_version=gs.version()["version"],
        command=command_line(),
    )


if __name__ == "__main__":
    sys.exit(main())
