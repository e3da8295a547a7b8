# SPDX-License-Identifier: GPL-2.0-or-later
"""What describes a small dataset, for the tests of datasets."""

from grassdl.core.bands import Band
from grassdl.core.classes import MapClass
from grassdl.dataset.manifest import Export

SIZE = 3
BANDS = [
    Band("red", True, {"map": "red@here"}, None, 0.5, "nearest", "DN", "uint8"),
    Band("nir.2", False, {"map": "nir.2@here"}, None, 1.0, "nearest", "", "uint16"),
]
WATER, FOREST, ROOF = (
    MapClass(2, "water", "0:0:255"),
    MapClass(5, "forest", "0:99:0"),
    MapClass(9, "roof", "200:0:0"),
)
COUNTS = {"train": 4, "val": 2, "test": 0}
EXPORT = Export(
    size=SIZE,
    stride=SIZE,
    sampling="grid",
    split_method="blocks",
    split_shares=(70.0, 15.0, 15.0),
    block_size=12,
    buffer=0.0,
    seed=1,
    region={"north": 24.0, "south": 0.0, "east": 24.0, "west": 0.0}
    | {"nsres": 0.5, "ewres": 0.5, "rows": 48, "cols": 48},
    crs="",
    grass_version="8.2.1",
    command="i.dl.patches group=a labels=b output=c",
)
