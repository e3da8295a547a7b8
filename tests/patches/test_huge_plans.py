# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan that no disk holds."""

import numpy as np


def test_a_region_whose_labels_no_disk_holds_is_refused_before_a_map_is_read(
    grass_project, write_raster, run
):
    write_raster("red", np.arange(144).reshape(12, 12) % 3)
    run("g.region", res=0.00001)
    call = {"input": "red", "labels": "red", "sampling": "random", "npatches": 3, "flags": "p"}
    result = run("i.dl.patches", check=False, **call)
    assert (result.returncode, result.stdout) == (1, "")
    told = " ".join(result.stderr.split())
    assert "ERROR: Disk full: the labels of 1200000 x 1200000 cells needs 1440000.0 MB" in told
    assert "MB are free. Free some space, or take a smaller region or larger cells" in told
    assert "Reading" not in told
    assert not (grass_project.mapset / ".i_dl_scratch").exists()
