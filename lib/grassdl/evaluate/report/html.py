# SPDX-License-Identifier: GPL-2.0-or-later
"""The report as one self-contained HTML file without scripts.

Every figure is in a `data` element with its full value and its path in the JSON report.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...core.classes import MapClass
from ...core.text import printable
from .sections import facts, headline, sections
from .thumbnails import NOT_COMPARED, RIGHT, WRONG

_NAMES = {"comments": "history", "source1": "source", "source2": "second source"}
"""Names of the metadata of a map in the report."""

MAX_MATRIX_CLASSES = 40
"""With more classes the matrix is left to its CSV table, and the worst confusions are shown."""


def page(
    report: dict[str, Any],
    classes: Sequence[MapClass],
    pictures: Mapping[str, bytes],
    description: Mapping[str, str],
) -> str:
    """The report as a page.

    Args:
        report: What `assess` returns.
        classes: The classes of the pictures.
        pictures: PNG files as `overview` makes them; none for patches.
        description: How the classification was made.
    """
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=f"Accuracy of {report['classification']}",
            facts=facts(report),
            headline=headline(report),
            pictures={
                name.capitalize(): base64.b64encode(content).decode()
                for name, content in pictures.items()
            },
            legends=_legends(classes, "errors" in pictures),
            sections=sections(report, MAX_MATRIX_CLASSES),
            description={_NAMES.get(key, key): one for key, one in description.items()},
        )
    )


def _environment() -> Environment:
    """A Jinja2 environment that escapes markup and control characters in labels and names."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_without_controls,
    )


def _without_controls(shown: object) -> object:
    if isinstance(shown, str) and not isinstance(shown, Markup):
        return printable(shown)
    return shown


def _legends(classes: Sequence[MapClass], with_errors: bool) -> list[list[tuple[str, str]]]:
    """Colour and name of each entry of the legends below the maps."""
    of_classes = [(one.color.replace(":", " "), one.full_name) for one in classes]
    if not with_errors:
        return [of_classes]
    colors = [" ".join(map(str, color)) for color in (RIGHT, WRONG, NOT_COMPARED)]
    return [of_classes, list(zip(colors, ("right", "wrong", "not compared"), strict=True))]
