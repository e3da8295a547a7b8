#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the notebooks of `tutorials/` from their first cell to their last, and keep what they show.

    python tools/tutorials.py                  # all
    python tools/tutorials.py 1_shrubs         # some

The modules must be installed. tests/test_tutorials.py runs the notebooks with small settings.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

TUTORIALS = Path(__file__).resolve().parent.parent / "tutorials"
NOTEBOOKS = tuple(sorted(path.stem for path in TUTORIALS.glob("*.ipynb")))
TIMEOUT_S = 1800
"""For one cell."""

PICTURE_WIDTH = 640
PICTURE_COLORS = 64


def execute(name: str, folder: Path, **environment: str) -> nbformat.NotebookNode:
    """Run a notebook in a fresh kernel of this interpreter.

    Args:
        name: Of its file, without `.ipynb`.
        folder: For its data, projects and models.
        environment: Variables for the kernel besides.

    Returns:
        The notebook with its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    notebook = nbformat.read(TUTORIALS / f"{name}.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(TUTORIALS)}},
    )
    variables = {**os.environ, "I_DL_TUTORIALS_FOLDER": str(folder), **environment}
    return client.execute(env=variables)


def shrink(notebook: nbformat.NotebookNode) -> None:
    """Give pictures few colours and pixels, so that the repository stays small."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = base64.b64encode(small_png(data["image/png"])).decode()


def small_png(encoded: str) -> bytes:
    """A PNG of at most `PICTURE_WIDTH` pixels across, in `PICTURE_COLORS` colours."""
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    if picture.width > PICTURE_WIDTH:
        height = round(picture.height * PICTURE_WIDTH / picture.width)
        picture = picture.resize((PICTURE_WIDTH, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    # An octree keeps colours that few pixels have, such as those of outlines.
    few = picture.quantize(PICTURE_COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(file, format="PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"among {', '.join(NOTEBOOKS)} (default: all)")
    parser.add_argument("--folder", type=Path, help="for data and models (default: temporary)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.names or NOTEBOOKS:
            begun = time.monotonic()
            notebook = execute(name, arguments.folder or Path(scratch))
            shrink(notebook)
            nbformat.write(notebook, TUTORIALS / f"{name}.ipynb")
            print(f"{name}: {(time.monotonic() - begun) / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
