# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told before a training and soon after it has begun: what, memory, time per epoch."""

from __future__ import annotations

import keras

from ..dataset.manifest import SPLITS
from ..dataset.patchset import JoinedPatchSets
from ..networks.analysis.receptive_field import reach
from .config.settings import Settings
from .memory import PROGRAM_BYTES, megabytes, memory_needed


def plan(network: keras.Model, data: JoinedPatchSets, settings: Settings) -> str:
    """One line on what will be trained on what, and the memory it takes."""
    patches = ", ".join(f"{data.count(split)} {split}" for split in SPLITS)
    field = reach(network).receptive_field
    seen = f"{field} x {field} cells" if field else "the whole image"
    batch_size = min(settings.batch_size, data.count("train"))
    memory = megabytes(memory_needed(network, data.size, batch_size))
    return (
        f"Network <{settings.network_name}> with {network.count_params()} parameters, receptive "
        f"field {seen}; {len(data.bands)} bands, {len(data.classes)} classes; patches of "
        f"{data.size} x {data.size} cells: {patches}; about {memory} of memory for batches of "
        f"{batch_size}, and {megabytes(PROGRAM_BYTES)} for the program"
    )
