# SPDX-License-Identifier: GPL-2.0-or-later
"""The report in the files and the format that the options name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...core import plots
from ...io.json_records import as_json
from . import formats, text

FORMATS: dict[str, Callable[[dict[str, Any]], str]] = {
    "plain": text.plain,
    "json": as_json,
    "csv": formats.as_csv,
}
"""The report as text by value of the option `format`."""

FILE_OPTIONS = ("output", "matrix", "plot", "report")
"""Options that name a file."""


def writers(
    report: dict[str, Any],
    page: Callable[[], str],
    form: str,
    plot: Callable[[Path], None] | None = None,
) -> dict[str, Callable[[Path], object]]:
    """For each of `FILE_OPTIONS` a function that writes its file.

    Args:
        report: The report.
        page: Makes the HTML page, which takes longer than all else.
        form: Value of the option `format`.
        plot: Writes the picture; None for that of classes.
    """

    def write(path: Path, content: str) -> None:
        path.write_text(content, encoding="utf-8")

    return {
        "output": lambda path: write(path, FORMATS[form](report)),
        "matrix": lambda path: write(path, formats.matrix_csv(report)),
        "plot": plot or (lambda path: plots.confusion_matrix(report, path)),
        "report": lambda path: write(path, page()),
    }
