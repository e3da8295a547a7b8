# SPDX-License-Identifier: GPL-2.0-or-later
"""One class of a whole patch as a target.

The label of a patch is that of the cell at its centre; all its other cells are unlabelled, so that
counts, losses and scores of labelled cells are those of patches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from .classes import ClassScheme
from .schema import checked
from .target import PATCH


class _Record(TypedDict):
    """What `to_json` gives."""

    classes: list[dict[str, Any]]


class PatchClasses(ClassScheme):
    """Classes of whole patches, one for each: see `ClassScheme`."""

    kind = PATCH
    of_patches = True

    def labelled_part(self, size: int) -> tuple[int, int]:
        """See `Target.labelled_part`: the cell at the centre."""
        return size // 2, 1

    def only_labelled(self, labels: np.ndarray) -> np.ndarray:
        """See `Target.only_labelled`."""
        return self.relabelled(labels, labels)

    def relabelled(self, moved: np.ndarray, before: np.ndarray) -> np.ndarray:
        """See `Target.relabelled`: a patch keeps its class, even if its labelled cell was moved
        out."""
        first, _ = self.labelled_part(before.shape[-1])
        kept = np.where(self.codes.is_null(moved), moved, self.codes.unlabelled)
        kept[:, first, first] = before[:, first, first]
        return kept.astype(before.dtype)

    def joined(self, others: Sequence[ClassScheme]) -> PatchClasses:
        """See `Target.joined`."""
        return PatchClasses(super().joined(others))

    def scheme_of_cells(self, what: str) -> ClassScheme:
        """See `Target.scheme_of_cells`."""
        raise ValueError(
            f"{what} is of {self.summary}, and classes of cells are needed: give one of these"
        )

    @property
    def summary(self) -> str:
        """See `Target.summary`."""
        return f"{len(self)} classes of patches"

    @property
    def deciding(self) -> list[Any]:
        """See `Target.deciding`."""
        return [PATCH, *super().deciding]

    @property
    def hashed(self) -> Any:
        """See `Target.hashed`."""
        return {"kind": PATCH, "classes": ClassScheme(self).hashed}

    def to_json(self) -> Any:
        """The kind, and the classes as `ClassScheme.to_json` has them."""
        return {"kind": PATCH, "classes": super().to_json()}

    @classmethod
    def from_json(cls, content: Any) -> PatchClasses:
        """The reverse of `to_json`; raises `ValueError`."""
        return cls(ClassScheme.from_json(checked(content, _Record)["classes"]))
