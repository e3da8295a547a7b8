# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of i.dl.train that a study varies: their ranges and choices, as `parameters=` has
them.

    learning_rate:0.0005..0.02:log,filters:8..32,loss:cross_entropy|focal,augmentation:flip|flip+noise
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, product

from ..core.options import whole
from ..core.target import CLASSES
from ..core.text import listed
from ..networks import registry
from ..train.config.options import LISTS, NUMERIC, settings_of, standard_words

FIXED = {
    "input": "a study is of one dataset: start another study for another one",
    "output": "only the best model is written",
    "nprocs": "the number of threads does not change the scores",
}
"""Options of i.dl.train that are the same for all trials, and why."""

FORMS = "name:low..high, name:low..high:log or name:a|b|c"

DIGITS = 6
"""Significant digits of a number that is tried, so that a call repeats it exactly."""

MOST_CHECKED = 4096
"""Combinations of ends of ranges and choices that are checked beforehand."""

NETWORK_CHOICES = ("network", "encoder")
"""Options that determine the network."""

Value = float | int | str


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, inclusive.

    Attributes:
        name: The option.
        low: The lowest.
        high: The highest.
        log: Whether orders of magnitude are as likely as each other.
        whole: Whether the option takes whole numbers only.
    """

    name: str
    low: float
    high: float
    log: bool
    whole: bool

    @property
    def ends(self) -> tuple[str, ...]:
        """The words at the ends."""
        return self.word(self.low), self.word(self.high)

    @property
    def values(self) -> int | None:
        """Number of values; None for a continuous range."""
        return int(self.high) - int(self.low) + 1 if self.whole else None

    def word(self, value: Value) -> str:
        """A value as a word of the option."""
        if self.whole:
            return str(int(value))
        word = f"{value:.{DIGITS}g}"
        return word if self.low <= float(word) <= self.high else repr(float(value))

    def value(self, word: str) -> Value | None:
        """The value of a word; None if it is out of the range."""
        value = float(word) if word else None
        if value is None or not self.low <= value <= self.high:
            return None
        return int(value) if self.whole else value

    def __str__(self) -> str:
        return f"{self.name}:{'..'.join(self.ends)}{':log' if self.log else ''}"


@dataclass(frozen=True)
class Choice:
    """Some words of an option.

    Attributes:
        name: The option.
        words: The words, with + for the commas of lists.
    """

    name: str
    words: tuple[str, ...]

    @property
    def ends(self) -> tuple[str, ...]:
        """All words, as the option takes them."""
        return tuple(self.word(one) for one in self.words)

    @property
    def values(self) -> int:
        """Number of words."""
        return len(self.words)

    def word(self, value: Value) -> str:
        """A value as a word of the option."""
        return str(value).replace("+", ",") if self.name in LISTS else str(value)

    def value(self, word: str) -> Value | None:
        """The value of a word; None if it is no choice."""
        return next((one for one in self.words if self.word(one) == word), None)

    def __str__(self) -> str:
        return f"{self.name}:{'|'.join(self.words)}"


Parameter = Range | Choice


def parsed(text: str, options: Mapping[str, str]) -> list[Parameter]:
    """The parameters of a study.

    Args:
        text: The words of `parameters=`.
        options: The words of the options of i.dl.train that hold for all trials.

    Raises:
        ValueError: One has another form, is no option that can be tried, is there twice, is given
            for all trials as well, or has values of another type.
    """
    parameters: list[Parameter] = []
    standard = standard_words()
    for one in text.split(","):
        name, _, values = (part.strip() for part in one.partition(":"))
        _check_name(name, options)
        if name in [other.name for other in parameters]:
            raise ValueError(f"Option parameters has <{name}> twice: name each option once")
        if options[name] not in ("", standard.get(name)):
            raise ValueError(
                f"<{name}> is among the parameters that are tried, and given as "
                f"{name}={options[name]} for all trials: leave one of them out"
            )
        parameters.append(_parameter(name, values))
    return parameters


def _check_name(name: str, options: Mapping[str, str]) -> None:
    if name in FIXED:
        raise ValueError(f"Option parameters cannot have <{name}>: {FIXED[name]}")
    if name not in options:
        known = ", ".join(sorted(set(options) - set(FIXED)))
        raise ValueError(
            f"Option parameters takes options of i.dl.train as {FORMS}; <{name}> is none of them: "
            f"{known}"
        )


def _parameter(name: str, values: str) -> Parameter:
    if ".." in values and "|" not in values:
        return _range(name, values)
    words = tuple(word.strip() for word in values.split("|"))
    if len(words) < 2 or not all(words):
        raise ValueError(
            f"Option parameters takes {FORMS}, with two values or more, not {name}:{values}"
        )
    if len(set(words)) < len(words):
        raise ValueError(f"Option parameters has a value of <{name}> twice: {'|'.join(words)}")
    return Choice(name, words)


def _range(name: str, values: str) -> Range:
    if name not in NUMERIC:
        raise ValueError(
            f"<{name}> is no number, so it has no range {values}: name the values to try, as in "
            f"{name}:a|b"
        )
    low, _, rest = values.partition("..")
    high, _, scale = rest.partition(":")
    if scale not in ("", "log"):
        raise ValueError(f"Option parameters takes {FORMS}, not {name}:{values}")
    parse = NUMERIC[name]
    lowest, highest = (parse({name: word.strip()}, name) for word in (low, high))
    if not lowest < highest:
        raise ValueError(
            f"The range of <{name}> must begin with its lower end, found {values}: exchange them, "
            "or leave the parameter out if they are the same"
        )
    if scale and not lowest > 0:
        raise ValueError(f"A range with :log must begin above 0, found {name}:{values}")
    return Range(name, lowest, highest, log=bool(scale), whole=parse is whole)


def words_of(parameters: Sequence[Parameter], values: Mapping[str, Value]) -> dict[str, str]:
    """The words of a trial's options, by name."""
    return {one.name: one.word(values[one.name]) for one in parameters}


def check(
    parameters: Sequence[Parameter],
    options: Mapping[str, str],
    freeze: bool,
    kind: str = CLASSES,
) -> None:
    """Check that i.dl.train accepts every combination of ends and choices.

    Args:
        parameters: The parameters.
        options: The words of all other options of i.dl.train.
        freeze: Whether flag -f was given.
        kind: Of the target.

    Raises:
        ValueError: It refuses one; the message names it, unless the parameters are not the cause.
    """
    own = _complaint(options, freeze, kind)
    for words in islice(combinations(parameters), MOST_CHECKED):
        found = _complaint({**options, **words}, freeze, kind)
        if found is not None:
            with allowed({} if found == own else words):
                raise ValueError(found)


def _complaint(options: Mapping[str, str], freeze: bool, kind: str) -> str | None:
    """The error of i.dl.train for options; None if it accepts them."""
    try:
        settings_of(options, freeze, kind)
    except ValueError as error:
        return str(error)
    return None


def combinations(parameters: Sequence[Parameter]) -> Iterator[dict[str, str]]:
    """Every combination of the words at the ends of ranges and in choices."""
    names = [one.name for one in parameters]
    for ends in product(*(one.ends for one in parameters)):
        yield dict(zip(names, ends, strict=True))


@contextmanager
def allowed(words: Mapping[str, str]) -> Iterator[None]:
    """Add the words of the parameters to the message of a ValueError."""
    try:
        yield
    except ValueError as error:
        if not words:
            raise
        tried = listed(f"{name}={word}" for name, word in words.items())
        raise ValueError(f"{error} (option parameters allows {tried})") from None


def number_of_combinations(parameters: Sequence[Parameter]) -> int | None:
    """Number of different trials; None if it is unlimited."""
    number = 1
    for one in parameters:
        if one.values is None:
            return None
        number *= one.values
    return number


def standard_values(
    parameters: Sequence[Parameter],
    options: Mapping[str, str],
    freeze: bool,
    kind: str = CLASSES,
) -> dict[str, Value]:
    """The standard values of the parameters that have one among the tried values; arguments as
    `check` has them."""
    if _complaint(options, freeze, kind) is not None:
        # Options of networks depend on the network and encoder that are tried.
        firsts = {one.name: one.ends[0] for one in parameters if one.name in NETWORK_CHOICES}
        options = {**options, **firsts}
    plain = settings_of(options, freeze, kind)
    own = {}
    if not plain.network_file:
        own = registry.completed(plain.network, plain.network_options)
    standard = {
        **{name: str(value) for name, value in own.items()},
        **standard_words(),
        "network": plain.network,
        "loss": plain.loss,
        "activation": plain.activation,
        "learning_rate": f"{plain.highest_rate:g}",
    }
    values = {one.name: one.value(standard.get(one.name, "")) for one in parameters}
    return {name: value for name, value in values.items() if value is not None}
