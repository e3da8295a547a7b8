# SPDX-License-Identifier: GPL-2.0-or-later
"""The only module that imports Matplotlib's figures, with its own toolkits of the same version.

Figures are built without pyplot: no display is needed, and no global state is changed.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


def new_figure(width_in: float, height_in: float, **options: Any) -> Figure:
    """An empty white figure.

    Args:
        width_in, height_in: Its size in inches.
        options: Other options of Matplotlib's `Figure`.
    """
    _use_own_toolkits()
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), facecolor="white", **options)


def png(picture: np.ndarray) -> bytes:
    """A picture (rows, cols, 3) uint8 as PNG file."""
    _use_own_toolkits()
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, picture, format="png")
    return file.getvalue()


def _use_own_toolkits() -> None:
    """Make `mpl_toolkits` the folder beside Matplotlib.

    Where an environment includes the system's packages, the package of Debian's Matplotlib, which
    the GUI of GRASS depends on, sets its own folder there at the start of Python. Matplotlib of
    another version then warns that it cannot import Axes3D.
    """
    import matplotlib

    own = Path(matplotlib.__file__).parents[1] / "mpl_toolkits"
    toolkits = sys.modules.setdefault("mpl_toolkits", ModuleType("mpl_toolkits"))
    toolkits.__path__ = [str(own)]
