# SPDX-License-Identifier: GPL-2.0-or-later
"""Matplotlib beside that of a Debian package."""

import ast
import subprocess
import sys

from paths import CHECKOUT

PTH = (
    "import os, sys, types; place = os.path.join(sys._getframe(1).f_locals['sitedir'], "
    "'mpl_toolkits'); sys.modules['mpl_toolkits'] = types.ModuleType('mpl_toolkits'); "
    "sys.modules['mpl_toolkits'].__path__ = [place]\n"
)
"""What matplotlib-3.6.3-nspkg.pth of Debian 12 does at the start of Python."""

PROGRAM = """
import site, sys
site.addsitedir(sys.argv[1])
from grassdl.core.figures import new_figure
figure = new_figure(2, 2, dpi=50)
figure.subplots(subplot_kw={"projection": "3d"})
print(figure.axes[0].name)
"""


def test_the_toolkits_of_debians_matplotlib_cause_no_warning(tmp_path):
    toolkit = tmp_path / "mpl_toolkits" / "mplot3d"
    toolkit.mkdir(parents=True)
    (tmp_path / "mpl_toolkits" / "__init__.py").touch()
    (toolkit / "__init__.py").write_text("raise ImportError('built for another version')\n")
    (tmp_path / "matplotlib-nspkg.pth").write_text(PTH)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={"PYTHONPATH": str(CHECKOUT / "lib")},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout == "3d\n"


def test_matplotlibs_figures_are_imported_in_one_place():
    found = set()
    for path in (CHECKOUT / "lib" / "grassdl").rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                modules = {
                    one.module for one in ast.walk(function) if isinstance(one, ast.ImportFrom)
                }
                if modules & {"matplotlib.figure", "matplotlib.image", "matplotlib.pyplot"}:
                    found.add(path.name)
    assert found == {"figures.py"}
