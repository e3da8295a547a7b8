# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that are planned: their size is known, and nothing of it is taken."""

import resource
from functools import partial

import keras
import pytest

from grassdl import networks
from grassdl.networks.analysis.planned import number_of_weights, planned


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_network_that_no_machine_holds_takes_no_memory_now_or_later():
    before = peak_megabytes()
    network = planned(partial(networks.build, "unet", 64, 3, 4, filters=4096))
    assert number_of_weights(network) > 10**11
    networks.build("unet", 16, 3, 4, filters=1, depth=1)(keras.ops.zeros((1, 16, 16, 3)))
    assert peak_megabytes() - before < 500


def test_a_depth_whose_stride_fits_no_patch_is_refused_before_weights_are_made():
    before = peak_megabytes()
    with pytest.raises(ValueError, match="Patch size 32 does not fit network <unet>.*of 2048"):
        planned(partial(networks.build, "unet", 32, 3, 4, depth=11))
    assert peak_megabytes() - before < 500
