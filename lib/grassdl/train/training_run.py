# SPDX-License-Identifier: GPL-2.0-or-later
"""A training around its epochs: phases, callbacks, and the state that a resumed run starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import keras

from ..core.epoch_scores import EpochScores
from ..runtime.multi_gpu import Team
from .callbacks.early_stopping import Best
from .callbacks.ema import Averaged
from .callbacks.first_steps import FirstSteps
from .callbacks.history import History
from .callbacks.tensorboard import Logs, command
from .callbacks.watch import Watch, Watched
from .config.settings import Settings
from .optimization import optimizers
from .optimization.phases import Phase, phases
from .resume.checkpoint import Checkpoint, State, assign, check_shapes
from .resume.fingerprint import check_resumable
from .resume.run_folder import Description, RunFolder

Report = Callable[[str], None]
"""Takes a line of text for the user."""


def open_run(
    run: RunFolder, description: Description, resume: bool, report: Report, warn: Report, team: Team
) -> State | None:
    """The state to resume from; None if the run is a new one.

    Args:
        run: The run folder.
        description: What the training depends on.
        resume: Whether to resume an unfinished training.
        report: Takes lines for the user.
        warn: Takes warnings.
        team: The processes that train together; only the first begins a new run.

    Raises:
        ValueError: The unfinished training is another one, or its state is damaged.
    """
    if not resume:
        if not team.leads:
            return None
        if run.checkpoint.is_file():
            warn("An unfinished training of this model is replaced: -r would have resumed it")
        run.start(description)
        return None
    check_resumable(run.description(), description, warn)
    state = State.load(run.checkpoint)
    report(f"Resuming after epoch {state.epochs}")
    return state


class Course:
    """Phases, callbacks and state of a training; a context manager, which closes the logs.

    Args:
        network: The network that is trained; it is given the values of `resumed`.
        settings: The recipe.
        monitor: The figure that epochs are compared by.
        mode: "max" if high figures are good, else "min".
        scores: The figures of each epoch.
        report: Takes a line per epoch.
        run: Where to keep logs, and the state after each epoch; None for nowhere.
        resumed: State to resume from, or None.
        watch: Takes the score of each epoch, see `callbacks.watch`; or None.
    """

    def __init__(
        self,
        network: keras.Model,
        settings: Settings,
        monitor: str,
        mode: str,
        scores: EpochScores,
        report: Report,
        run: RunFolder | None,
        resumed: State | None,
        watch: Watch | None = None,
    ):
        self.network = network
        self.settings = settings
        self.monitor, self.mode = monitor, mode
        self.report = report
        self.run = run
        self.resumed = resumed
        self.phases = phases(settings)
        rows = resumed.rows if resumed else ()
        self.history = History(settings.most_epochs, report, rows, scores)
        # A new head may learn slowly: patience counts once all layers learn.
        patience = settings.patience or settings.most_epochs
        self.averaged = Averaged(network)
        self.best = Best(self.averaged, monitor, mode, patience, self.phases[-1].first)
        self.logs = Logs(run.logs, self.history) if run else None
        self.watched = Watched(watch, monitor) if watch else None
        if resumed:
            assign(network.variables, resumed.network)
            if resumed.best_weights:
                check_shapes(network.weights, resumed.best_weights)
            self.best.resume(resumed.best, resumed.best_weights)

    def __enter__(self) -> Course:
        if self.logs:
            self.logs.open()
            self.report(f"Curves during the training: {command(self.logs.folder)}")
        return self

    def __exit__(self, *_: object) -> None:
        if self.logs:
            self.logs.close()

    @property
    def epochs(self) -> int:
        """Finished epochs."""
        return len(self.history.rows)

    def phases_left(self) -> Iterator[Phase]:
        """The unfinished phases, until patience is exhausted."""
        for phase in self.phases:
            if self.epochs < phase.end and not self.best.exhausted:
                yield phase

    def prepare(self, learner: keras.Model, phase: Phase) -> None:
        """Restore the state of a built optimiser if a training is resumed within a phase."""
        resumed = self._resumed_in(phase)
        if resumed is not None:
            assign(learner.optimizer.variables, resumed.optimizer)

    def callbacks(self, phase: Phase, steps: int) -> list[keras.callbacks.Callback]:
        """The callbacks of a phase, in order.

        Args:
            phase: The phase.
            steps: Steps of an epoch.
        """
        first_steps = FirstSteps(steps, self.settings.most_epochs - self.epochs, self.report)
        plateau = None
        if self.settings.schedule == "plateau":
            plateau = optimizers.plateau(self.monitor, self.mode)
        checkpoint = Checkpoint(
            self.network,
            self.history,
            self.best,
            plateau,
            self.run.checkpoint if self.run else None,
            self._resumed_in(phase),
        )
        watching = [
            self.averaged,
            first_steps,
            self.history,
            self.logs,
            self.best,
            plateau,
            checkpoint,
            self.watched,
        ]
        return [one for one in watching if one is not None]

    def _resumed_in(self, phase: Phase) -> State | None:
        """The state to resume from, if it lies within a phase."""
        resumed = self.resumed
        return resumed if resumed is not None and phase.has_begun(resumed.epochs) else None
