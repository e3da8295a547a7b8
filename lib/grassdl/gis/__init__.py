# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that talks to GRASS: region, raster rows, groups, vectors, categories, messages."""

import os
from pathlib import Path

from grass.lib.ctypes_loader import add_library_search_dirs

# Else grass.lib looks for each of its libraries by way of the compiler, which takes 0.2 s.
add_library_search_dirs([str(Path(os.environ["GISBASE"], "lib"))])
