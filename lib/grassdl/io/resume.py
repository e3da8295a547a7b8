# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether an unfinished run may be resumed: only by a call with the same fingerprint.

A fingerprint has a text for everything that the result depends on, by a name that users know:
an option, a map, the model. It is recorded when a run starts.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core.text import listed

START_ANEW = "leave out -r to start anew"
"""What to do if a run cannot be resumed."""

_READABLE = ("option ", "version of ")
"""Names of things whose text users understand; those of maps and models are hashes."""


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs between two fingerprints, with the former value where it is readable."""
    names = [*now, *(name for name in before if name not in now)]
    return [_described(name, before) for name in names if before.get(name) != now.get(name)]


def _described(name: str, before: Mapping[str, str]) -> str:
    if not name.startswith(_READABLE):
        return name
    return f"{name} (was {before.get(name) or 'not given'})"


def check_unchanged(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to resume a run that was started with another fingerprint.

    Args:
        before: That of the unfinished run.
        now: That of the call that is to resume it.

    Raises:
        ValueError: They differ; the message names in what.
    """
    changed = changes(before, now)
    if changed:
        raise ValueError(
            f"Cannot resume: {listed(changed)} {'has' if len(changed) == 1 else 'have'} changed. "
            f"Give what the unfinished run was given, or {START_ANEW}"
        )
