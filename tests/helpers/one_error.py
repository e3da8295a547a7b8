# SPDX-License-Identifier: GPL-2.0-or-later
"""How a module refuses bad input: status 1, and one line."""


def fails_with(result, *words):
    """Status 1, nothing on stdout, and one error, which GRASS may wrap, with all the words."""
    assert result.returncode == 1
    assert result.stdout == ""
    before, *errors = " ".join(result.stderr.split()).split("ERROR: ")
    assert len(errors) == 1
    assert "Traceback" not in before
    for word in words:
        assert word in errors[0]
