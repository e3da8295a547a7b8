# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of a run of i.dl.predict."""

import re

from grassdl.model.card import OnnxRecord
from grassdl.predict.settings import MODEL, OUTPUTS, Settings
from model_cards import card_of
from paths import CHECKOUT


def test_every_raster_map_that_the_module_makes_is_among_what_a_run_is_resumed_by():
    script = (CHECKOUT / "i.dl.predict" / "i.dl.predict.py").read_text(encoding="utf-8")
    blocks = re.findall(
        r"^# % ?option G_OPT_R_(?:BASENAME_)?OUTPUT\n((?:(?!# % ?end).*\n)*)", script, re.M
    )
    keys = [
        key[1] if (key := re.search("^# % key: (.+)", block, re.M)) else "output"
        for block in blocks
    ]
    assert {"output", "probabilities"} < set(keys)
    lacking = set(keys) - set(OUTPUTS)
    assert not lacking, f"add {', '.join(lacking)} to OUTPUTS of predict/settings.py"


def test_a_run_without_maps_has_tiles_that_a_network_of_one_size_takes():
    onnx = OnnxRecord("net.onnx", "0" * 64, 50, [1.0] * 3, [0.0] * 3, "none")
    card = card_of(onnx=onnx, halo=None, stride=4)
    how = Settings.without_maps("model", card, normalization=MODEL, memory=1000, nprocs=0)
    assert (how.tiling, how.tile_size) == ("blend", 48)
