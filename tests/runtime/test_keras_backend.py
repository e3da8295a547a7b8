# SPDX-License-Identifier: GPL-2.0-or-later
"""How Keras comes in."""

import gc
import subprocess
import sys

import pytest

from grassdl.runtime import keras_backend
from paths import LIBRARY

PROGRAM = f"""
import sys
sys.path.insert(0, {str(LIBRARY)!r})
from grassdl.runtime import keras_backend as backend
backend.prepare()
print(backend.is_loaded(), *(name in sys.modules for name in backend.UNUSED))
from matplotlib.figure import Figure
from sklearn.ensemble import RandomForestClassifier
import matplotlib
with backend._hidden(["matplotlib", "sklearn"]):
    import matplotlib as known
print(known is matplotlib)
"""


def test_keras_comes_without_what_is_not_used_and_that_can_be_imported_afterwards():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False", "False", "True"], done.stderr


@pytest.mark.parametrize("collects", [True, False])
def test_garbage_is_collected_as_before_also_if_the_import_fails(collects):
    change = {True: gc.enable, False: gc.disable}
    change[collects]()
    try:
        with pytest.raises(ImportError), keras_backend._without_garbage():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() == collects
    finally:
        gc.unfreeze()
        gc.enable()
