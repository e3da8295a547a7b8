# SPDX-License-Identifier: GPL-2.0-or-later
"""The process that computes strips: a session of GRASS with the network of the run.

    python -m grassdl.cluster.strip_process

It reads a pickled pair of `StripTask` and threads from its standard input, then the rows of strips
as lines of JSON, and answers each with a line. It ends with its input, or after some time without
requests, since a module that is killed does not end its processes.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

from ..core.text import one_line
from .job import DONE, Answer, Outcome
from .strip_writer import StripWriter

IDLE_SECONDS = 120
"""Time without requests after which the process ends; the worker starts another if needed."""


def main() -> None:
    """Answer requests until there are no more."""
    status = 0
    try:
        _serve()
    except Exception:
        # The worker reports its last line.
        traceback.print_exc()
        status = 1
    # Not a normal exit, which would abort since the listening thread holds standard input.
    os._exit(status)


def _serve() -> None:
    answers, requests = _own_stdout(), sys.stdin.buffer
    content, threads = pickle.load(requests)
    with ExitStack() as cleanup:
        try:
            writer = StripWriter(pickle.loads(content), threads, cleanup)
        except (ValueError, OSError, ImportError) as error:
            _answer(answers, Answer(Outcome.REFUSED, one_line(str(error))))
            return
        _answer(answers, DONE)
        for request in _requests(requests):
            try:
                writer.write(**request)
            except (ValueError, OSError, MemoryError) as error:
                why = one_line(str(error) or repr(error))
                _answer(answers, Answer(Outcome.LOST, f"has failed ({why})"))
            else:
                _answer(answers, DONE)


def _own_stdout() -> IO[str]:
    """Standard output for answers; output of libraries is redirected to standard error."""
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return kept


def _answer(answers: IO[str], answer: Answer) -> None:
    told = {"outcome": answer.outcome.value, "text": answer.text}
    print(json.dumps(told), file=answers, flush=True)


def _requests(lines: IO[bytes]) -> Iterator[dict[str, int]]:
    """The requests, until there are none for some time."""
    waiting: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(lines, waiting), daemon=True).start()
    while True:
        try:
            yield json.loads(waiting.get(timeout=IDLE_SECONDS))
        except queue.Empty:
            return


def _listen(lines: IO[bytes], waiting: queue.Queue[bytes]) -> None:
    """Pass requests on; end the process with the worker, also during a strip."""
    for line in lines:
        waiting.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
