# SPDX-License-Identifier: GPL-2.0-or-later
"""A vector map of training areas or points, and the classes of its categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import grass.script as gs

from ...core.class_rules import ClassRules
from ...core.classes import MapClass, are_integers
from ...core.options import number, whole
from ..vector.attributes import class_texts, layer_number, require_vector
from ..vector.colors import colors_by_category

HIGHEST_RADIUS = 1_000_000_000
"""Map units; larger radii are typing errors."""


@dataclass(frozen=True)
class TrainingMap:
    """Training areas, or points if the map has no areas.

    Attributes:
        name: Fully qualified name of the map.
        layer: Number of its layer.
        has_areas: Whether it has areas.
        column: Column with the class: integers, also as texts, are class values; other texts
            become classes by `ClassRules.classes`. "" for the categories themselves.
        label_column: Column with the labels of class values, or "".
        value: Class value of all of them; None where they have classes of their own.
        radius: Distance in map units within which cells have the class of a point; None for the
            cell that it lies in.
    """

    name: str
    layer: str
    has_areas: bool
    column: str
    label_column: str
    value: int | None
    radius: float | None

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> TrainingMap:
        """Read training, layer, column, label_column, value and radius.

        Raises:
            ValueError: Map or layer is missing, or a radius is given with areas.
        """
        name = require_vector(options["training"])
        radius = number(options, "radius", 0, HIGHEST_RADIUS) if options["radius"] else None
        topology = gs.vector_info_topo(name)
        if not topology["areas"] and not topology["points"]:
            raise ValueError(f"Vector map <{name}> has no areas and no points to train from")
        if topology["areas"] and radius is not None:
            raise ValueError(f"Option radius goes with points, but <{name}> has areas")
        return cls(
            name,
            str(layer_number(name, options["layer"])),
            bool(topology["areas"]),
            options["column"],
            options["label_column"],
            whole(options, "value", 0) if options["value"] else None,
            radius,
        )

    def table(self, rules: ClassRules) -> dict[int, MapClass] | None:
        """The class of every category that has one, in the colours of the map; None if the
        categories are the classes.

        Raises:
            ValueError: A column is missing or holds no classes.
        """
        if self.value is not None:
            only = MapClass(self.value, str(self.value), "")
            return self.colored(dict.fromkeys(self._categories(), only))
        if not self.column:
            return None
        table = rules.classes(class_texts(self.name, self.layer, self.column))
        if self.label_column:
            table = self._labelled(table)
        return self.colored(table)

    def colored(self, table: dict[int, MapClass]) -> dict[int, MapClass]:
        """The classes in the colours that v.colors gave to their categories, where these agree."""
        colors = colors_by_category(self.name, self.layer)
        of_class: dict[MapClass, set[str]] = {}
        for category, one in table.items():
            if category in colors:
                of_class.setdefault(one, set()).add(colors[category])
        agreed = {one: color for one, (color, *more) in of_class.items() if not more}
        return {
            category: replace(one, color=agreed.get(one, one.color))
            for category, one in table.items()
        }

    def _categories(self) -> set[int]:
        """All categories of the layer."""
        listed = gs.read_command(
            "v.category",
            input=self.name,
            layer=self.layer,
            type="centroid" if self.has_areas else "point",
            option="print",
            quiet=True,
        )
        return {int(one) for one in listed.replace("/", "\n").split()}

    def _labelled(self, table: dict[int, MapClass]) -> dict[int, MapClass]:
        """Classes of integers with the labels of another column.

        Raises:
            ValueError: The classes are texts already, or a value has two labels.
        """
        if not are_integers(one.label for one in table.values()):
            raise ValueError(
                f"Option label_column goes with a column of class values, but <{self.column}> "
                "holds texts: they are the labels, leave out label_column"
            )
        label_of: dict[int, str] = {}
        for category, label in class_texts(self.name, self.layer, self.label_column).items():
            if category not in table:
                continue
            value = table[category].value
            if label_of.setdefault(value, label) != label:
                raise ValueError(
                    f"Class value {value} of <{self.name}> has the labels <{label_of[value]}> and "
                    f"<{label}> in column <{self.label_column}>: give each value one label"
                )
        return {
            category: replace(one, label=label_of.get(one.value, one.label))
            for category, one in table.items()
        }
