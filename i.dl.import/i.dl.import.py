#!/usr/bin/env python3

############################################################################
#
# MODULE:       i.dl.import
# AUTHOR(S):    The i.dl developers
# PURPOSE:      Make a model of a segmentation network in ONNX from elsewhere
# COPYRIGHT:    (C) 2026 by the i.dl developers
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
############################################################################

# % module
# % description: Makes a model of a segmentation network in ONNX from elsewhere, for i.dl.predict
# % keyword: imagery
# % keyword: classification
# % keyword: deep learning
# % keyword: import
# % keyword: ONNX
# % end
# % option G_OPT_F_INPUT
# % gisprompt: old,bin,file
# % label: Name of ONNX file
# % description: Of another toolkit, of the QGIS plugin Deepness, or of i.dl.export
# % guisection: Required
# % end
# GRASS offers --overwrite for outputs of age "new" only, and looks for a map of the name, except for
# mapsets; a path is no name of a map.
# % option G_OPT_M_DIR
# % key: output
# % gisprompt: new,mapset,dir
# % label: Name for output model folder
# % description: It appears when the network has been computed on a sample
# % guisection: Required
# % end
# % option
# % key: bands
# % type: string
# % required: no
# % multiple: yes
# % key_desc: name
# % label: Names of the bands in the order in which the network takes them
# % description: By default those in the file, or any maps in that number
# % guisection: Bands
# % end
# % option
# % key: scale
# % type: double
# % required: no
# % multiple: yes
# % label: Factor of the bands' values: one, or one for each band
# % description: By default that in the file, or 1
# % guisection: Bands
# % end
# % option
# % key: offset
# % type: double
# % required: no
# % multiple: yes
# % label: Offset of the scaled values: one number, or one for each band
# % description: By default that in the file, or 0
# % guisection: Bands
# % end
# % option
# % key: resolution
# % type: double
# % required: no
# % multiple: yes
# % label: Size of the cells of the training, in map units
# % description: One number, or height and width; by default that in the file
# % guisection: Bands
# % end
# % option
# % key: classes
# % type: string
# % required: no
# % multiple: yes
# % key_desc: value:label:colour
# % label: Classes in the order of the network's outputs
# % description: Such as 1:water:blue,2:roof:213:94:0; by default those in the file; colours may be left out
# % guisection: Classes
# % end
# % option G_OPT_F_INPUT
# % key: class_values
# % required: no
# % label: File with value and label of each class, value|label on each line
# % description: In the order of the network's outputs; instead of classes
# % guisection: Classes
# % end
# % option G_OPT_F_INPUT
# % key: class_colors
# % required: no
# % label: File with the colours of classes, value R:G:B or label R:G:B on each line
# % description: By default those that suit the labels
# % guisection: Classes
# % end
# % option
# % key: activation
# % type: string
# % required: no
# % options: auto,softmax,sigmoid,none
# % answer: auto
# % label: Turns the network's outputs into probabilities
# % descriptions: auto;By their values on a sample;softmax;A softmax of the scores of all classes;sigmoid;A sigmoid of each score;none;Nothing: they are probabilities or class indices
# % guisection: Classes
# % end
# % option
# % key: halo
# % type: integer
# % required: no
# % options: 0-4096
# % label: Cells around a tile that it depends on (blended when empty)
# % description: For networks that take images of any size; by default that in the file
# % guisection: Tiles
# % end
# % option
# % key: stride
# % type: integer
# % required: no
# % options: 1-4096
# % label: Cells on whose multiples tiles begin (automatic when empty)
# % description: For networks that take images of any size; by default that in the file, or 32
# % guisection: Tiles
# % end
# % rules
# % exclusive: classes,class_values
# % end

from __future__ import annotations

import os
import sys

import grass.script as gs

# The library is in lib/ of a checkout, in etc/i.dl/ beside the installed scripts.
HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(HOME, "lib"), os.path.join(HOME, "etc", "i.dl")]


def import_network(options: dict[str, str]) -> None:
    """Check what was given, then import; tell how the network is going to be tiled."""
    from grassdl.exchange.import_options import wanted_of
    from grassdl.exchange.importing import Import
    from grassdl.gis.session.mapset import crs_wkt
    from grassdl.gis.session.messages import command_line, finished, message

    wanted = wanted_of(options, "" if options["resolution"] else crs_wkt())
    planned = Import.planned(options["input"], options["output"], wanted, gs.overwrite())
    message("Trying the network on a sample...")
    imported = planned.run(command_line(), {"grass": gs.version()["version"]})
    message(imported.summary)
    written = f"Model <{imported.folder}> is written; README.md in it describes it"
    finished(written, "i.dl.predict", **imported.maps, model=imported.folder, output="classes")


def main() -> int:
    options, _ = gs.parser()
    from grassdl.gis.session.messages import one_line_errors

    with one_line_errors():
        import_network(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
