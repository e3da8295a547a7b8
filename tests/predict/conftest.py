# SPDX-License-Identifier: GPL-2.0-or-later
"""Small models with random weights, saved as i.dl.train saves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import pytest
from small_model import write_model


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., tuple[Path, keras.Model]]:
    """Makes a model folder of a U-Net, or of another network; returns it and the network."""

    def make(*description, **changes) -> tuple[Path, keras.Model]:
        folder = tmp_path / "model"
        folder.mkdir()
        return folder, write_model(folder, *description, **changes)

    return make
