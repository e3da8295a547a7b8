# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.export as its user runs it."""

import pytest

from small_model import plain_band, write_model


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    write_model(folder, [plain_band("one"), plain_band("two")], [100.0, 40.0], [30.0, 10.0])
    return folder


def test_a_model_is_written_for_openvino_and_the_user_told_where(grass_project, model, tmp_path):
    done = grass_project.run("i.dl.export", model=model, output=tmp_path / "out", format="openvino")
    told = " ".join(done.stderr.split())
    assert "100 % of the cells get the class that the model gives them" in told
    assert f"Written: {tmp_path}/out/model.xml; README.md beside it" in told
    assert f"Next, for example, in <{tmp_path}/out>:" in told
    assert '    network = openvino.Core().compile_model("model.xml", "CPU")\n' in done.stderr
    names = sorted(one.name for one in (tmp_path / "out").iterdir())
    assert names == ["README.md", "export.json", "model.bin", "model.xml"]


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"model": "absent"}, "Model folder <absent> not found"),
        ({"format": "deepness"}, "band <one> is of type float32"),
        ({"size": 10}, "Size 10 is no multiple of 4"),
        ({"size": "8.5"}, "Option size takes a whole number of 1 to 8192, not 8.5"),
        ({"size": 99999999999999}, "takes a whole number of 1 to 8192"),
        ({"output": "model"}, "exists: choose another one or use --overwrite"),
    ],
)
def test_bad_input_ends_in_one_line_and_nothing_is_written(
    grass_project, model, tmp_path, monkeypatch, options, complaint
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    words = {"model": "model", "output": "out", "format": "savedmodel", **options}
    done = grass_project.run("i.dl.export", check=False, **words)
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert told.count("ERROR") == 1
    assert complaint in told
    assert sorted(tmp_path.rglob("*")) == before
