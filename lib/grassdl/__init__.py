# SPDX-License-Identifier: GPL-2.0-or-later
"""The library behind the GRASS modules i.dl.patches, i.dl.train, i.dl.predict and i.dl.evaluate.

Only `grassdl.gis` imports grass; everything else runs and is tested without it.
"""

__version__ = "0.2.0"
"""The version of the toolset: a test holds what else names it against this."""
