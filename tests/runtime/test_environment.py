# SPDX-License-Identifier: GPL-2.0-or-later
"""The toolset's Python environment: how modules find it, and what they tell where it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grassdl.runtime import environment
from paths import CHECKOUT

BARE = "/usr/bin/python3"
"""A Python without the packages of pip."""

PROGRAM = f"""
import sys
sys.path.insert(0, {str(CHECKOUT / "lib")!r})
from grassdl.runtime.environment import enter_environment
enter_environment()
print(sys.prefix, sys.argv[1:], sys.stdin.read())
"""


def run_bare(folder, named, *words):
    """Run `PROGRAM` by the bare Python."""
    (folder / "program.py").write_text(PROGRAM)
    given = {**os.environ, "I_DL_VENV": str(named), "HOME": str(folder)}
    return subprocess.run(
        [BARE, folder / "program.py", *words], env=given, capture_output=True, text=True, input="in"
    )


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """This Python is in no environment, and none has been made."""
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("I_DL_VENV", raising=False)
    return tmp_path / ".local/share/i.dl/venv"


def commands(*names):
    return environment.how_to_install(names)[1]


def test_a_program_begins_again_in_the_environment_with_its_words_and_its_input(tmp_path):
    done = run_bare(tmp_path, sys.prefix, "two words", "b=1")
    assert done.stdout == f"{sys.prefix} ['two words', 'b=1'] in\n"


def test_an_environment_whose_python_is_another_is_entered_once(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(BARE)
    done = run_bare(tmp_path, tmp_path, "a")
    assert done.stdout == "/usr ['a'] in\n"


def test_without_an_environment_the_program_goes_on_where_it_is(tmp_path):
    assert run_bare(tmp_path, "", "a").stdout == "/usr ['a'] in\n"


def test_a_named_environment_that_is_none_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("I_DL_VENV", str(tmp_path))
    with pytest.raises(ValueError, match=f"I_DL_VENV={tmp_path} is no Python environment"):
        environment.enter_environment()


def test_the_environment_is_the_named_one_or_that_of_this_python_or_the_usual(
    monkeypatch, elsewhere
):
    assert environment.environment() == elsewhere
    monkeypatch.setattr(sys, "prefix", "/opt/own")
    assert environment.environment() == Path("/opt/own")
    monkeypatch.setenv("I_DL_VENV", "~/named")
    assert environment.environment() == elsewhere.parents[3] / "named"


def test_all_that_is_missing_is_named_at_once_with_two_commands(monkeypatch, elsewhere):
    monkeypatch.setattr(environment, "_has", lambda name: name not in ("keras", "scikit-learn"))
    told, [make, install] = environment.how_to_install(["msgspec"])
    assert "Missing Python packages: keras, msgspec, scikit-learn. Two commands" in told
    assert make == f"python3 -m venv --system-site-packages {elsewhere}"
    assert install == f"{elsewhere}/bin/pip install -r {CHECKOUT}/requirements.txt"


def test_what_single_modules_need_is_in_a_file_of_its_own():
    pip = f"{sys.prefix}/bin/pip"
    assert commands("optuna")[1] == f"{pip} install -r {CHECKOUT}/requirements-optional.txt"
    assert commands("openvino")[1] == f"{pip} install -r {CHECKOUT}/requirements.txt"
    assert commands("jax")[1] == f"{pip} install jax"


def test_where_debian_cannot_make_environments_the_command_begins_with_its_package(monkeypatch):
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert commands("keras")[0].startswith(
        "sudo apt-get install -y python3-venv && python3 -m venv"
    )


def test_what_only_some_machines_can_have_is_not_required(monkeypatch):
    monkeypatch.setattr(environment, "_has", lambda name: name != "openvino")
    assert environment.absent("requirements.txt") == []


def test_a_module_under_a_bare_python_tells_all_it_lacks_and_two_commands(grass_project, tmp_path):
    script = CHECKOUT / "i.dl.patches" / "i.dl.patches.py"
    words = [BARE, script, "input=a", "labels=b", "output=o"]
    session = {**grass_project.environment, "HOME": str(tmp_path)}
    done = subprocess.run(words, env=session, capture_output=True, text=True)
    assert done.returncode == 1
    # GRASS wraps the first line.
    *wrapped, make, install = done.stderr.splitlines()
    message = " ".join(" ".join(wrapped).split())
    assert message.startswith("ERROR: Missing Python packages: ")
    for package in ("keras,", "msgspec,", "tensorflow."):
        assert f" {package}" in message
    assert make.endswith(
        f"python3 -m venv --system-site-packages {tmp_path}/.local/share/i.dl/venv"
    )
    assert install.endswith(f"venv/bin/pip install -r {CHECKOUT}/requirements.txt")


def test_a_module_under_a_bare_python_finds_the_environment(grass_project):
    script = CHECKOUT / "i.dl.export" / "i.dl.export.py"
    session = {**grass_project.environment, "I_DL_VENV": sys.prefix}
    words = [BARE, script, "model=absent", "output=o"]
    done = subprocess.run(words, env=session, capture_output=True, text=True)
    assert "absent" in done.stderr
    assert "not found" in done.stderr
