# SPDX-License-Identifier: GPL-2.0-or-later
"""The process chains of demo/service, and the Containerfile beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache

import pytest

from interfaces import interface, parameters
from paths import CHECKOUT

SERVICE = CHECKOUT / "demo" / "service"

# Last, since names of these files are names of other things, too.
sys.path += [str(SERVICE), str(CHECKOUT / "tools")]
import chains  # noqa: E402
import run as service_run  # noqa: E402
import run_containerfile  # noqa: E402
from client import reason  # noqa: E402

VALUES = service_run.values(CHECKOUT, epochs=1)


@pytest.fixture(scope="module")
def described(new_project, tmp_path_factory):
    """Gives the parameters of a module."""
    project = new_project(tmp_path_factory.mktemp("service"))
    return cache(lambda module: parameters(interface(project, module)))


def options(step):
    """What a step of a chain gives to its module."""
    return {one["param"]: one["value"] for one in [*step["inputs"], *step.get("outputs", [])]}


def test_there_is_a_chain_for_training_prediction_and_evaluation():
    assert chains.names() == ["evaluate", "predict", "train"]


@pytest.mark.parametrize("name", chains.names())
def test_a_chain_calls_modules_of_the_user_by_options_that_they_have(described, name):
    for step in chains.chain(name, VALUES)["list"]:
        assert step["module"] in service_run.MODULES
        known = described(step["module"])
        given = options(step)
        assert set(given) <= set(known)
        required = {key for key, one in known.items() if one.get("required") == "yes"}
        assert required <= set(given)
        for key, value in given.items():
            choices = {one.findtext("name") for one in known[key].iter("value")}
            numbers = any("-" in one for one in choices)
            assert not choices or numbers or value in choices


@pytest.mark.parametrize("name", chains.names())
def test_maps_of_the_project_are_named_with_their_mapset(name):
    """Only then actinia links the mapset, and checks that the user may read it."""
    made = {"classes"}
    for step in chains.chain(name, VALUES)["list"]:
        maps = "group dsm dtm red nir labels classification reference".split()
        named = [options(step).get(key) for key in maps]
        assert all(one.endswith("@PERMANENT") for one in named if one and one not in made)


def test_values_are_data_whatever_they_hold():
    values = {**VALUES, "model": 'a "b", {group} \\ é'}
    [step] = chains.chain("predict", values)["list"]
    assert options(step)["model"] == 'a "b", {group} \\ é'


def test_a_word_without_value_is_refused():
    values = {key: one for key, one in VALUES.items() if key not in ("model", "dsm")}
    with pytest.raises(ValueError, match="The chain <predict> has no value for dsm, model: give"):
        chains.chain("predict", values)


def test_the_reason_of_a_failure_is_the_error_of_the_module():
    log = [
        {"return_code": 0, "stderr": ["all well"]},
        {"return_code": 1, "stderr": ["reading", "ERROR: Group <a> not found", ""]},
    ]
    assert reason({"process_log": log, "message": "failed"}) == "ERROR: Group <a> not found"
    assert reason({"message": "Module <r.univar> is not supported"}) == (
        "Module <r.univar> is not supported"
    )


def test_the_containerfile_installs_by_make_install_and_calls_grass():
    followed = run_containerfile.instructions((SERVICE / "Containerfile").read_text())
    assert [word for word, _ in followed] == "FROM ENV RUN COPY RUN ENTRYPOINT CMD".split()
    told = dict(followed)
    assert run_containerfile.release(told["FROM"]) == "trixie"
    assert "make -C /usr/local/src/i.dl install" in told["RUN"]
    assert told["ENTRYPOINT"] == '["grass"]'


def test_continued_lines_and_comments_of_a_containerfile_are_read():
    text = "# a\nFROM debian:12\n\nRUN one && \\\n    two\n  # b\nCMD []\n"
    assert run_containerfile.instructions(text) == [
        ("FROM", "debian:12"),
        ("RUN", "one &&      two"),
        ("CMD", "[]"),
    ]


def test_an_image_that_is_no_debian_is_refused():
    with pytest.raises(ValueError, match="FROM alpine:3: expected debian:NUMBER"):
        run_containerfile.release("alpine:3")


def what_is_missing():
    """What the service needs and this machine lacks; None if it can run."""
    if sys.version_info < (3, 12):
        return "Python 3.12, which actinia 7 needs"
    if not shutil.which("valkey-server") and not shutil.which("redis-server"):
        return "Valkey or Redis"
    if "I_DL_ACTINIA" not in os.environ:
        return "I_DL_ACTINIA in the environment, the folder of actinia's Python environment"
    return None


def test_the_service_trains_predicts_and_evaluates_and_refuses_the_rest(tmp_path):
    if missing := what_is_missing():
        pytest.skip(f"the real run of actinia needs {missing}; demo/service/run.py makes it")
    words = ["--folder", tmp_path, "--environment", os.environ["I_DL_ACTINIA"], "--epochs", "1"]
    done = subprocess.run(
        [sys.executable, SERVICE / "run.py", *words, "--python", sys.executable],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results" / "evaluate" / "classes.tif").exists()
    assert (tmp_path / "results" / "evaluate" / "report.html").exists()
