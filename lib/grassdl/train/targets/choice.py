# SPDX-License-Identifier: GPL-2.0-or-later
"""The one place where a training asks what its target is.

It stands alone since it imports both kinds of learning, which import what they have in common.
"""

from __future__ import annotations

from ...core.target import ByTarget, Target
from .classes import ClassLearning, PatchLearning
from .target_learning import TargetLearning
from .values import ValueLearning

_LEARNING: ByTarget[TargetLearning] = ByTarget(
    classes=ClassLearning(), value=ValueLearning(), patch=PatchLearning()
)


def learning_of(target: Target) -> TargetLearning:
    """How networks learn a target."""
    return _LEARNING.of(target)
