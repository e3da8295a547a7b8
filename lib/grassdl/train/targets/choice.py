# SPDX-License-Identifier: GPL-2.0-or-later
"""The kind of learning of a target.

A module of its own, since the kinds that it imports share a base.
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
