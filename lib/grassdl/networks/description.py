# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the description of a network in a file of Keras before Keras builds anything from it.

Keras looks up classes and functions by the names in that file, and calls them. Its safe mode
refuses Lambdas, but not a class in the place of a function that reads code from a path
in the file. So what a description may hold is listed, and everything else is refused: layers
and operations that only compute, numbers, and the names of activations, initialisers, regularisers
and constraints of Keras; `permitted` has the lists.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

from .permitted import (
    ACTIVATIONS,
    LAYERS,
    MODELS,
    NUMBER_TYPES,
    OBJECTS,
    OPERATIONS,
    OWN_LAYERS,
    POLICIES,
)

OBJECT_KEYS = {"module", "class_name", "config", "registered_name", "shared_object_id"}
LAYER_KEYS = OBJECT_KEYS | {"build_config", "compile_config", "name", "inbound_nodes"}

MOST_SHOWN = 60
"""Characters of a name that a message shows."""

Description = dict[str, Any]

Kind = tuple[str, str]
"""Module and name of a class."""


class Refused(ValueError):
    """A description has contents that no network needs."""


def check_description(description: object) -> None:
    """Refuse a network that may do more than compute when Keras builds it.

    Args:
        description: The content of `config.json` in a file of Keras, as `json` reads it.

    Raises:
        Refused: The message names the layer, and what is wrong with it.
    """
    _Check().model(description)


class _Check:
    """One walk through a description; it keeps the layer that it is at, and shared objects."""

    def __init__(self) -> None:
        self._layer = "the network"
        self._shared: dict[int, Kind] = {}

    def model(self, told: object) -> None:
        """A model as a whole."""
        if not isinstance(told, dict) or self._kind(told) not in MODELS:
            raise Refused("it describes no network of Keras")
        self.layer(told)

    def layer(self, told: object) -> None:
        """A layer, an operation, or a model, with its settings and where it is called."""
        if not isinstance(told, dict):
            raise Refused(f"{self._layer} holds a layer that is none")
        before, self._layer = self._layer, _name_of(told)
        kind = self._kind(told)
        self._registered(told, kind)
        self._keys(told, LAYER_KEYS)
        if told.get("compile_config"):
            self._refuse("is compiled, which no network for prediction is")
        self._settings(told, of_model=kind in MODELS)
        self._numbers("build_config", told.get("build_config"), with_names=True)
        nodes = told.get("inbound_nodes", [])
        if not isinstance(nodes, list):
            self._refuse("is called in an unknown way")
        for node in nodes:
            self._call(node)
        self._layer = before

    def _kind(self, told: Description) -> Kind:
        module, name = told.get("module"), told.get("class_name")
        if not isinstance(module, str) or not isinstance(name, str):
            self._refuse("has no class")
        return module, name

    def _registered(self, told: Description, kind: Kind) -> None:
        """A class of a layer that is listed, by its own name alone."""
        module, name = kind
        registered = told.get("registered_name")
        if isinstance(registered, str) and registered in OWN_LAYERS:
            known = registered.partition(">")[2] == name
        else:
            known = registered in (None, name) and (
                kind in MODELS
                or (module == "keras.layers" and name in LAYERS)
                or name in OPERATIONS.get(module, ())
            )
        if not known:
            self._refuse(
                f"is of class <{_shown(f'{module}.{name}')}>, which is none of the layers and "
                "operations of Keras that only compute"
            )
        self._same_if_shared(told, kind)

    def _same_if_shared(self, told: Description, kind: Kind) -> None:
        """Objects of one number are one object for Keras: it must not be a layer here, a function
        there."""
        if "shared_object_id" in told:
            number = told["shared_object_id"]
            if not isinstance(number, int) or self._shared.setdefault(number, kind) != kind:
                self._refuse("shares an object of another class")

    def _keys(self, told: Description, known: set[str]) -> None:
        unknown = [name for name in told if name not in known]
        if unknown:
            self._refuse(f"has an unknown entry <{_shown(unknown[0])}>")

    def _settings(self, told: Description, of_model: bool) -> None:
        settings = told.get("config")
        if not isinstance(settings, dict):
            self._refuse("has no settings")
        for name, value in settings.items():
            kind = name.rpartition("_")[2]
            if name == "dtype":
                self._number_type(value)
            elif kind == "activation":
                if value is not None and not (isinstance(value, str) and value in ACTIVATIONS):
                    self._refuse(
                        f"has in <{_shown(name)}> what is no name of an activation of Keras"
                    )
            elif kind in OBJECTS:
                self._object(name, kind, value)
            elif of_model and name == "layers":
                if not isinstance(value, list):
                    self._refuse("has no layers")
                for one in value:
                    self.layer(one)
            else:
                self._plain(name, value, with_names=of_model)

    def _number_type(self, told: object) -> None:
        if isinstance(told, dict):
            self._keys(told, OBJECT_KEYS)
            if self._kind(told) not in POLICIES or told.get("registered_name") is not None:
                self._refuse("computes with a type of numbers that is unknown")
            self._same_if_shared(told, self._kind(told))
            settings = told.get("config")
            if not isinstance(settings, dict) or set(settings) - {"name"}:
                self._refuse("computes with a type of numbers that is unknown")
            told = settings.get("name")
        if told is not None and not (isinstance(told, str) and told in NUMBER_TYPES):
            self._refuse("computes with a type of numbers that is unknown")

    def _object(self, name: str, kind: str, told: object) -> None:
        """An initialiser, regulariser or constraint: by name, or as Keras writes its own."""
        if told is None or (isinstance(told, str) and _plain_name(told) in _PLAIN_NAMES[kind]):
            return
        if (
            not isinstance(told, dict)
            or told.get("module") != f"keras.{kind}s"
            or told.get("class_name") not in OBJECTS[kind]
            or told.get("registered_name") not in (None, told.get("class_name"))
        ):
            self._refuse(f"has in <{_shown(name)}> what is no {kind} of Keras")
        self._keys(told, OBJECT_KEYS)
        self._same_if_shared(told, self._kind(told))
        self._plain(name, told.get("config"), with_names=True)

    def _call(self, node: object) -> None:
        """Where a layer is called: on results of other layers, and on numbers."""
        if not isinstance(node, dict) or set(node) != {"args", "kwargs"}:
            self._refuse("is called in an unknown way")
        self._argument(node["args"])
        self._argument(node["kwargs"])

    def _argument(self, told: object) -> None:
        if isinstance(told, str):
            self._refuse(f"is called on the text <{_shown(told)}>")
        if isinstance(told, list):
            for one in told:
                self._argument(one)
        elif isinstance(told, dict) and "class_name" in told:
            self._special(told)
        elif isinstance(told, dict):
            for one in told.values():
                self._argument(one)
        else:
            self._plain("a call", told)

    def _special(self, told: Description) -> None:
        """What Keras writes for a tensor, an array, or part of an index."""
        kind, content = told["class_name"], told.get("config")
        if set(told) != {"class_name", "config"} or not isinstance(content, dict):
            self._refuse("is called on an object of an unknown kind")
        if kind == "__keras_tensor__":
            self._keys(content, {"shape", "dtype", "keras_history"})
            self._numbers("a tensor", content.get("shape"))
            self._number_type(content.get("dtype"))
            source = content.get("keras_history")
            is_place = isinstance(source, list) and [type(one) for one in source] == [str, int, int]
            if not is_place:
                self._refuse("is called on what is no result of a layer")
        elif kind == "__slice__":
            self._keys(content, {"start", "stop", "step"})
            self._argument(list(content.values()))
        elif kind in ("__numpy__", "__tensor__"):
            self._array(content)
        elif kind != "__ellipsis__" or content:
            self._refuse("is called on an object of an unknown kind")

    def _array(self, content: Description) -> None:
        self._keys(content, {"value", "dtype"})
        self._numbers("an array", content.get("value"))
        self._number_type(content.get("dtype"))

    def _numbers(self, name: str, told: object, *, with_names: bool = False) -> None:
        """Numbers in lists; with names also in dictionaries, as shapes are."""
        if isinstance(told, str):
            self._refuse(f"has a text in <{_shown(name)}>")
        self._plain(name, told, with_names=with_names, with_text=False)

    def _plain(
        self, name: str, told: object, *, with_names: bool = False, with_text: bool = True
    ) -> None:
        """Allow numbers, texts and lists of them, from which Keras makes no object."""
        if isinstance(told, float) and not math.isfinite(told):
            self._refuse(f"has in <{_shown(name)}> a number that is not finite")
        if told is None or isinstance(told, (bool, int, float)):
            return
        if isinstance(told, str) and with_text:
            return
        if isinstance(told, list):
            for one in told:
                self._plain(name, one, with_names=with_names, with_text=with_text)
        elif isinstance(told, dict) and told.get("class_name") in ("__numpy__", "__tensor__"):
            self._special(told)
        elif isinstance(told, dict) and with_names and "class_name" not in told:
            for one in told.values():
                self._plain(name, one, with_names=with_names, with_text=with_text)
        else:
            self._refuse(f"has in <{_shown(name)}> what is no number and no text")

    def _refuse(self, why: str) -> NoReturn:
        raise Refused(f"{self._layer} {why}")


def _plain_name(name: str) -> str:
    """The common form of all spellings of a name of Keras: he_normal, HeNormal."""
    return name.replace("_", "").lower()


_PLAIN_NAMES = {kind: {_plain_name(one) for one in names} for kind, names in OBJECTS.items()}


def _name_of(told: Description) -> str:
    settings = told.get("config")
    own = settings.get("name") if isinstance(settings, dict) else None
    return f"layer <{_shown(told.get('name') or own or told.get('class_name'))}>"


def _shown(name: object) -> str:
    """A name for a message, without unprintable characters."""
    text = "".join(one if one.isprintable() else "?" for one in str(name))
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
