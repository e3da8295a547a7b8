#!/usr/bin/env python3

############################################################################
#
# MODULE:       i.dl.evaluate
# AUTHOR(S):    The i.dl developers
# PURPOSE:      Measure the accuracy of a class map against a reference map
# COPYRIGHT:    (C) 2026 by the i.dl developers
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
############################################################################

# % module
# % description: Measures the accuracy of a class map against a reference map
# % keyword: imagery
# % keyword: classification
# % keyword: accuracy
# % keyword: confusion matrix
# % keyword: kappa
# % keyword: deep learning
# % end
# % option G_OPT_R_INPUT
# % key: classification
# % description: Name of class raster map to assess
# % end
# % option G_OPT_R_INPUT
# % key: reference
# % description: Name of raster map with the true classes
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

import os
import sys

import grass.script as gs


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


def evaluate(options: dict[str, str]) -> None:
    """Compare the maps; write the files, and the report to stdout if it has no file."""
    from grassdl import plots
    from grassdl.evaluate import formats
    from grassdl.evaluate.outputs import check_output_files, write_files

    files = {key: options[key] for key in ("output", "matrix", "plot") if options[key]}
    targets = dict(zip(files, check_output_files(files.values(), gs.overwrite()), strict=True))

    report = compare_maps(options["classification"], options["reference"])
    as_text = {"plain": formats.plain, "json": formats.as_json, "csv": formats.as_csv}
    text = as_text[options["format"]](report)

    writers = {
        "output": lambda path: path.write_text(text, encoding="utf-8"),
        "matrix": lambda path: path.write_text(formats.matrix_csv(report), encoding="utf-8"),
        "plot": lambda path: plots.confusion_matrix(report, path),
    }
    write_files({target: writers[key] for key, target in targets.items()})
    for target in targets.values():
        gs.verbose(f"File <{target}> written")
    if "output" not in targets:
        sys.stdout.write(text)


def compare_maps(classification: str, reference: str) -> dict:
    """The report on two raster maps, with their names and the cells left out beside it."""
    from dataclasses import asdict

    from grassdl.gis.categories import map_classes
    from grassdl.gis.crosstab import cross_tabulate
    from grassdl.scores import report

    table = cross_tabulate(classification, reference)
    classes = map_classes(table.reference, table.values, fallback=table.classification)
    return {
        "classification": table.classification,
        "reference": table.reference,
        **report(table.counts, classes),
        "left_out": asdict(table.left_out),
    }


def main() -> int:
    options, _ = gs.parser()
    find_library()
    from grassdl.gis.messages import one_line_errors

    with one_line_errors():
        evaluate(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
