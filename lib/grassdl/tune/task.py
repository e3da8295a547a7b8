# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of a tuning, checked before Keras is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..core.options import number, positive
from ..dataset.patchset import JoinedPatchSets, PatchSet, datasets_to_train_on
from ..io.atomic import check_output_files
from ..train.config.options import names_of, settings_of
from ..train.config.settings import Settings
from ..train.resume.run_folder import check_target
from .parameters import Parameter, check, parsed
from .study_file import ANOTHER_FILE, check_study_file

OWN = ("parameters", "trials", "time", "study")
"""Options that i.dl.train does not have."""

STANDARD_TRIALS = 20
"""Trials where neither their number nor a time is given."""

STUDY_ENDING = ".study"


@dataclass(frozen=True)
class Task:
    """The settings of a tuning.

    Attributes:
        options: The words of the options of i.dl.train, those of the parameters empty or standard.
        freeze: Whether flag -f was given.
        parameters: What is varied.
        target: The model folder that is to be written.
        study: The file of the study.
        trials: Trials at most, over all calls; None for any number.
        seconds: Time after which no further trial starts; None for any.
    """

    options: Mapping[str, str]
    freeze: bool
    parameters: list[Parameter]
    target: Path
    study: Path
    trials: int | None
    seconds: float | None

    @classmethod
    def of(cls, options: Mapping[str, str], freeze: bool, overwrite: bool) -> Task:
        """The task by the options of i.dl.tune, checked.

        Args:
            options: What the parser gives.
            freeze: Whether flag -f was given.
            overwrite: Whether the model folder may exist, and a table that is not of a study.

        Raises:
            ValueError: An option is not allowed, see `parameters.parsed` and `parameters.check`.
        """
        plain = {name: words for name, words in options.items() if name not in OWN}
        parameters = parsed(options["parameters"], plain)
        task = cls(
            plain,
            freeze,
            parameters,
            check_target(options["output"], overwrite, resume=False),
            _study_file(options, overwrite),
            _trials(options),
            60 * number(options, "time", 0) if options["time"] else None,
        )
        task._check_data()
        check(parameters, plain, freeze, task.kind)
        return task

    def settings(self, words: Mapping[str, str]) -> Settings:
        """The settings of a trial that has these words for its parameters."""
        return settings_of({**self.options, **words}, self.freeze, self.kind)

    def data(self, words: Mapping[str, str]) -> JoinedPatchSets:
        """The data of a trial that has these words for its parameters."""
        bands = {**self.options, **words}["bands"]
        return JoinedPatchSets(self._datasets, names_of(bands))

    @property
    def kind(self) -> str:
        """Of the target of the datasets."""
        return self._datasets[0].manifest.target.kind

    @property
    def first_words(self) -> dict[str, str]:
        """Words of some trial."""
        return {one.name: one.ends[0] for one in self.parameters}

    @cached_property
    def _datasets(self) -> list[PatchSet]:
        return datasets_to_train_on(self.options["input"])

    def _check_data(self) -> None:
        """Open the datasets with all bands that are tried.

        Raises:
            ValueError: They cannot be opened, are not of classes, or no validation patch has labels
                to score trials by.
        """
        choices = [one.ends for one in self.parameters if one.name == "bands"]
        for bands in choices[0] if choices else [self.options["bands"]]:
            data = self.data({"bands": bands})
        data.target.scheme("The input")
        if not data.pixels("val").any():
            raise ValueError(
                "No pixel of the validation patches is labelled, by which trials are compared: cut "
                "a dataset with a share for validation (split= of i.dl.patches)"
            )


def _trials(options: Mapping[str, str]) -> int | None:
    if not options["trials"] and options["time"]:
        return None
    return positive(options, "trials", STANDARD_TRIALS)


def _study_file(options: Mapping[str, str], overwrite: bool) -> Path:
    """The file of the study, by default beside the model; its table and picture lie beside it."""
    target = Path(options["output"]).expanduser().absolute()
    file = check_study_file(options["study"] or f"{target}{STUDY_ENDING}")
    if target in (file, table_of(file), picture_of(file)):
        raise ValueError(
            f"The study <{file}>, its table or picture has the name of the output: {ANOTHER_FILE}"
        )
    is_known = file.exists()
    check_output_files([str(table_of(file)), str(picture_of(file))], overwrite or is_known)
    return file


def table_of(study: Path) -> Path:
    """The table of a study."""
    return study.with_name(f"{study.name}.csv")


def picture_of(study: Path) -> Path:
    """The picture of a study."""
    return study.with_name(f"{study.name}.png")
