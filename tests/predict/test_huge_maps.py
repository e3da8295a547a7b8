# SPDX-License-Identifier: GPL-2.0-or-later
"""A map that no disk holds."""

import numpy as np

from small_model import CLASSES, plain_band, write_model


def test_a_region_whose_maps_no_disk_holds_is_refused_at_the_start(
    grass_project, write_raster, run, tmp_path
):
    (tmp_path / "model").mkdir()
    write_model(tmp_path / "model", [plain_band("red")], [1.0], [1.0])
    for value in CLASSES.values:
        write_raster(f"p_{value}", np.full((12, 12), 1 / len(CLASSES), np.float32))
    run("g.region", res=0.00001)
    maps = {"model": tmp_path / "model", "probabilities": "p", "output": "c", "confidence": "sure"}
    result = run("i.dl.predict", check=False, **maps)
    assert (result.returncode, result.stdout) == (1, "")
    told = " ".join(result.stderr.split())
    # A byte for the class, four for the confidence.
    assert "ERROR: Disk full: the output of 1200000 x 1200000 cells needs 7200000.0 MB" in told
    assert "MB are free" in told
    assert not (grass_project.mapset / ".i_dl_predict").exists()
