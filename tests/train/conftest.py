# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes tiny datasets for the tests of training."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tiny_dataset import scene, write_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Path]:
    """Writes a dataset of the given numbers of patches and returns its folder."""

    def write(name: str = "dataset", train: int = 24, val: int = 8, test: int = 8) -> Path:
        numbers = {"train": train, "val": val, "test": test}
        arrays = {
            split: scene(number, seed) for seed, (split, number) in enumerate(numbers.items())
        }
        return write_dataset(tmp_path / name, arrays)

    return write
