# SPDX-License-Identifier: GPL-2.0-or-later
"""The output of GRASS modules as text.

A separate module, since `mapset` depends on it, and `modules` on `mapset`.
"""

from __future__ import annotations

import subprocess

import grass.script as gs
from grass.exceptions import CalledModuleError


def read_text(module: str, **options: object) -> str:
    """The standard output of a GRASS module, as UTF-8 in any locale: batch jobs often run in the C
    locale.

    GRASS's own `read_command` returns bytes or text for the same call, depending on its version.

    Raises:
        CalledModuleError: It failed.
    """
    process = gs.start_command(module, quiet=True, stdout=subprocess.PIPE, **options)
    told = process.communicate()[0]
    if process.returncode:
        raise CalledModuleError(module, repr(options), process.returncode)
    return told.decode("utf-8", errors="replace") if isinstance(told, bytes) else told
