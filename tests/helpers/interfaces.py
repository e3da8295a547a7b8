# SPDX-License-Identifier: GPL-2.0-or-later
"""How GRASS describes the options of modules, and the tabs of the form that it makes of them."""

import subprocess
from xml.etree import ElementTree


def interface(project, module):
    """The description of a module as an XML element."""
    done = subprocess.run(
        [*project.command(module), "--interface-description"],
        env=project.environment,
        check=True,
        capture_output=True,
    )
    return ElementTree.fromstring(done.stdout)


def text(element, name):
    """What a parameter or flag tells under a name, in one line; empty if nothing."""
    return " ".join((element.findtext(name) or "").split())


def parameters(described):
    """The parameters of a module by name."""
    return {one.get("name"): one for one in described.iter("parameter")}


def tabs(described):
    """The tabs of the form, each with its parameters and flags, in the order of the GUI."""
    found = {}
    for one in [*described.iter("parameter"), *described.iter("flag")]:
        plain = "Required" if one.get("required") == "yes" else "Optional"
        found.setdefault(text(one, "guisection") or plain, []).append(one.get("name"))
    first = [name for name in ("Required",) if name in found]
    last = [name for name in ("Optional",) if name in found]
    between = [name for name in found if name not in (*first, *last)]
    return {name: found[name] for name in (*first, *between, *last)}
