# SPDX-License-Identifier: GPL-2.0-or-later
"""What a module tells its user."""

import os
import subprocess
import sys

import pytest

from paths import LIBRARY

CALL = "    i.dl.predict input=red@PERMANENT,nir@PERMANENT model=/home/user/model output=classes"
PROGRAM = f"from grassdl.gis.session.messages import tell_next; tell_next([{CALL.strip()!r}])"


@pytest.mark.parametrize(("form", "before"), [("standard", ""), ("gui", "GRASS_INFO_MESSAGE(")])
def test_the_next_call_is_in_one_line_that_can_be_copied(grass_project, form, before):
    # The GUI wraps what it does not know as a message, and a terminal what g.message prints.
    path = os.pathsep.join([str(LIBRARY), grass_project.environment["PYTHONPATH"]])
    environment = grass_project.environment | {"PYTHONPATH": path, "GRASS_MESSAGE_FORMAT": form}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    (line,) = [one for one in done.stderr.splitlines() if CALL in one]
    assert line.endswith(CALL)
    assert line.startswith(before or CALL)
