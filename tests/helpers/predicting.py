# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of i.dl.predict on the maps `one` and `two`."""


def predict(project, model, **options):
    options = {"input": "one,two", "model": model[0], "output": "classes", **options}
    return project.run("i.dl.predict", **options)


def refused(project, model, *words, **options):
    """Status 1, one error with all the words, and no map made."""
    before = project.maps()
    result = predict(project, model, check=False, **options)
    assert result.returncode == 1
    head, *errors = " ".join(result.stderr.split()).split("ERROR: ")
    assert len(errors) == 1
    assert "Traceback" not in head
    for word in words:
        assert word in errors[0]
    assert project.maps() == before
