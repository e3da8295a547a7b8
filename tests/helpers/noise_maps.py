# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps to predict on, which no tile and no row band has alike."""

from __future__ import annotations

import numpy as np


def write_noise_and_stripes(project, edge: int) -> None:
    """Maps <one> and <two> of floating type, NULL here and there, and <segments>: diagonal stripes,
    which cross all row bands."""
    rng = np.random.default_rng(2)
    for name in ("one", "two"):
        values = rng.normal(100, 30, (edge, edge)).astype(np.float32)
        values[rng.random(values.shape) < 0.02] = np.nan
        project.write_raster(name, values)
    project.write_raster("segments", np.add.outer(np.arange(edge), np.arange(edge)) // 50)
