# SPDX-License-Identifier: GPL-2.0-or-later
"""Does trials of a study that cost nothing, in one of several processes.

    python tune_in_turn.py STUDY TRIALS [die]

The score of a trial is its parameter. Each trial's number is printed, and in the end whether this
process was the last one. With `die` the process kills itself (by SIGKILL) in its second trial.
"""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))

from grassdl.tune.parameters import Range
from grassdl.tune.study import Study

DROPOUT = Range("dropout", 0, 1, log=False, whole=False)


def open_study(path: str | Path, trials: int) -> Study:
    return Study(Path(path), {"the data": "these"}, [DROPOUT], {"dropout": 0.5}, trials, seed=1)


def main(path: str, trials: str, *words: str) -> None:
    with open_study(path, int(trials)) as study:
        done = 0
        while (trial := study.next_trial()) is not None:
            print(trial.number, flush=True)
            time.sleep(0.05)
            if words == ("die",) and done:
                os.kill(os.getpid(), signal.SIGKILL)
            trial.report(trial.params["dropout"], 1)
            study.finish(trial, trial.params["dropout"])
            done += 1
        with study.last_one() as last:
            print("last" if last else "not last", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
