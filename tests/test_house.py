# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules of the house: imports, style, manual pages, thin scripts, quick interfaces."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import grassdl
from paths import CHECKOUT

MODULES = """
    i.dl.patches i.dl.train i.dl.tune i.dl.predict i.dl.evaluate i.dl.review
    i.dl.export i.dl.import
""".split()


def check(*words: str, **environment: str) -> None:
    """Run a tool in the checkout; its complaints are the test's."""
    done = subprocess.run(
        words,
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.lint
def test_imports_run_one_way():
    linter = Path(sys.executable).parent / "lint-imports"
    check(str(linter), "--no-cache", PYTHONPATH=str(CHECKOUT / "lib"))


@pytest.mark.lint
def test_code_is_clean_and_formatted():
    check(sys.executable, "-m", "ruff", "check", "--no-cache", ".")
    check(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.lint
def test_types_of_the_library_are_right():
    check(sys.executable, "-m", "mypy")


@pytest.mark.lint
def test_options_and_manual_tables_list_what_the_library_offers():
    check(sys.executable, "tools/interface.py", "--check")


@pytest.mark.lint
def test_html_manual_pages_are_those_of_the_markdown_ones():
    check(sys.executable, "tools/manual.py", "--check")


@pytest.mark.lint
def test_tables_of_benchmarks_are_those_of_the_newest_records():
    check(sys.executable, "benchmarks/tables.py", "--check")


@pytest.mark.parametrize("module", MODULES)
def test_a_script_holds_no_algorithm(module):
    lines = (CHECKOUT / module / f"{module}.py").read_text().splitlines()
    header_end = max(place for place, line in enumerate(lines) if line.startswith("# %"))
    assert len(lines) - header_end - 1 <= 150


@pytest.mark.parametrize("module", MODULES)
def test_the_manual_page_tells_every_option(module):
    script = (CHECKOUT / module / f"{module}.py").read_text()
    page = (CHECKOUT / module / f"{module}.md").read_text()
    own = re.findall(r"^# % key: (\w+)$", script, re.MULTILINE)
    untold = [key for key in own if len(key) > 1 and f"**{key}**" not in page]
    assert not untold, f"write what **{untold[0]}** does into {module}.md"


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("question", ["--help", "--interface-description"])
def test_interfaces_answer_at_once_and_without_keras(grass_project, tmp_path, module, question):
    # A Python that cannot import them shows that nobody tries.
    for name in ("keras", "tensorflow", "sklearn", "matplotlib", "optuna"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported a heavy package')")
    path = f"{tmp_path}{os.pathsep}{grass_project.environment['PYTHONPATH']}"
    done = subprocess.run(
        [*grass_project.command(module), question],
        env={**grass_project.environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert module in done.stdout + done.stderr
    assert "heavy" not in done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES)
def test_a_strangers_library_in_the_current_folder_is_left_alone(grass_project, tmp_path, module):
    for place in ("lib/grassdl", "grassdl", "etc/i.dl/grassdl"):
        folder = tmp_path / "here" / place
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("raise SystemExit('a stranger was imported')")
    given = {
        "i.dl.patches": {"input": "absent", "labels": "absent", "output": "out", "size": 4},
        "i.dl.train": {"input": "absent", "output": "out"},
        "i.dl.tune": {"input": "absent", "output": "out", "parameters": "epochs:1..2"},
        "i.dl.predict": {"input": "absent", "model": "absent", "output": "out"},
        "i.dl.evaluate": {"classification": "absent", "reference": "absent"},
        "i.dl.review": {"model": "absent", "dataset": "absent", "suspects": "out"},
        "i.dl.export": {"model": "absent", "output": "out"},
        "i.dl.import": {"input": "absent", "output": "out"},
    }[module]
    paths = [".", "lib", grass_project.environment["PYTHONPATH"]]
    done = subprocess.run(
        grass_project.command(module, **given),
        cwd=tmp_path / "here",
        env={**grass_project.environment, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "not found" in done.stderr
    assert "stranger" not in done.stdout + done.stderr


def test_the_hooks_of_pre_commit_are_the_tools_of_make_lint():
    [recipe] = re.findall(r"^lint: .*\n((?:\t.*\n)+)", (CHECKOUT / "Makefile").read_text(), re.M)
    hooks = (CHECKOUT / ".pre-commit-config.yaml").read_text()
    tools = re.findall(r"-m (\w+(?: \w+)?)|(\w+/\w+\.py --check)|bin/([\w-]+)", recipe)
    assert len(tools) == recipe.count("\n")
    told = [next(filter(None, tool)) for tool in tools]
    assert [tool for tool in told if tool not in hooks] == []


def test_the_citation_names_the_version_of_the_library():
    citation = (CHECKOUT / "CITATION.cff").read_text()
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [grassdl.__version__]


def test_the_readme_leaves_nothing_to_fill_in():
    assert "@@" not in (CHECKOUT / "README.md").read_text()


def test_files_of_keras_are_loaded_in_one_place_which_checks_them_first():
    loads = re.compile(r"load_model|load_weights|model_from_json|deserialize")
    found = {
        f"{path.relative_to(CHECKOUT / 'lib/grassdl')}: {line.strip()}"
        for path in sorted((CHECKOUT / "lib").rglob("*.py"))
        for line in path.read_text().splitlines()
        if loads.search(line)
    }
    assert found == {
        "model/weights.py: network = keras.saving.load_model(path, compile=False, safe_mode=True)",
        # The user's own network, as it was just written.
        "networks/user_network.py: keras.models.model_from_json(description)",
        # A name that is not among the activations.
        'networks/permitted.py: "deserialize",',
    }
