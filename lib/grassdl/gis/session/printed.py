# SPDX-License-Identifier: GPL-2.0-or-later
"""What GRASS modules print, as text.

It stands alone since `mapset` asks it, which `modules` asks.
"""

from __future__ import annotations

import subprocess

import grass.script as gs
from grass.exceptions import CalledModuleError


def read_text(module: str, **options: object) -> str:
    """What a GRASS module prints, as UTF-8 whatever the locale says: batch jobs often run in the C
    locale.

    GRASS's own `read_command` gives bytes or text for the same call, by its version.

    Raises:
        CalledModuleError: It failed.
    """
    process = gs.start_command(module, quiet=True, stdout=subprocess.PIPE, **options)
    told = process.communicate()[0]
    if process.returncode:
        raise CalledModuleError(module, repr(options), process.returncode)
    return told.decode("utf-8", errors="replace") if isinstance(told, bytes) else told
