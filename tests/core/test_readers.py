# SPDX-License-Identifier: GPL-2.0-or-later
"""What readers are held to."""

import numpy as np
import pytest

from grassdl.core.readers import check_probabilities


@pytest.mark.parametrize("values", [[], [0, 1], [-1e-6, 1 + 1e-6]])
def test_probabilities_run_from_0_to_1_but_for_rounding(values):
    check_probabilities(np.array(values))


@pytest.mark.parametrize("value", [-0.1, 1.1, 50, np.inf, np.nan])
def test_what_is_no_probability_is_refused_with_the_range_found(value):
    with pytest.raises(ValueError, match=r"run from 0 to 1, found \S+ to \S+: give the prefix"):
        check_probabilities(np.array([[0.5, value]]))
