#!/usr/bin/env python3

############################################################################
#
# MODULE:       i.dl.export
# AUTHOR(S):    The i.dl developers
# PURPOSE:      Write a model of i.dl.train for other tools
# COPYRIGHT:    (C) 2026 by the i.dl developers
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
############################################################################

# % module
# % description: Writes a model of i.dl.train for other tools
# % keyword: imagery
# % keyword: classification
# % keyword: deep learning
# % keyword: export
# % keyword: ONNX
# % end
# % option G_OPT_M_DIR
# % key: model
# % multiple: yes
# % label: Name of model folder made by i.dl.train
# % description: A model, an ensemble, or several models whose probabilities are averaged
# % guisection: Required
# % end
# GRASS offers --overwrite for outputs of age "new" only, and looks for a map of the name, except for
# mapsets; a path is no name of a map.
# % option G_OPT_M_DIR
# % key: output
# % gisprompt: new,mapset,dir
# % label: Name for output folder
# % description: It appears when the exported network has given the same probabilities as the model
# % guisection: Required
# % end
# % option
# % key: format
# % type: string
# % required: no
# % options: onnx,deepness,openvino,savedmodel
# % answer: onnx
# % label: Format
# % descriptions: onnx;Open Neural Network Exchange: runs nearly everywhere;deepness;ONNX for Deepness, the plugin of QGIS: bands of 8 bits;openvino;OpenVINO: fast on processors of Intel and others;savedmodel;SavedModel of TensorFlow: TensorFlow Serving, Earth Engine, tf.js
# % guisection: Output
# % end
# % option
# % key: size
# % type: integer
# % required: no
# % options: 1-
# % label: Edge of the other tool's images in cells (automatic when empty)
# % description: By default any size; 512 for deepness; networks that interpolate need one
# % guisection: Output
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
    from grassdl.exchange.export import Exported


def export_model(options: dict[str, str]) -> Exported:
    """Check what was given, then export; Keras is imported only in between."""
    from grassdl.core.options import whole
    from grassdl.exchange.export import LARGEST_SIZE, Export
    from grassdl.runtime import keras_backend

    size = whole(options, "size", 1, LARGEST_SIZE) if options["size"] else None
    planned = Export.planned(
        options["model"], options["output"], options["format"], size, gs.overwrite()
    )
    keras_backend.prepare(exact=True)
    return planned.run()


def main() -> int:
    options, _ = gs.parser()
    from grassdl.gis.session.messages import message, one_line_errors, tell_next

    with one_line_errors():
        exported = export_model(options)
        message(
            f"On a sample {100 * exported.same_class:.4g} % of the cells get the class that the "
            f"model gives them, and probabilities differ by at most {exported.largest:.2g}"
        )
        message(f"Written: {exported.path}; README.md beside it says how to run it")
        tell_next(exported.calling.splitlines(), str(exported.path.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
