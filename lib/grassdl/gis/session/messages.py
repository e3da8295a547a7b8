# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages to the user: one line for an error, and progress at no cost."""

from __future__ import annotations

import errno
import locale
import os
import shlex
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import grass.script as gs
from grass.exceptions import CalledModuleError

from ...core.text import one_line, within_bytes
from ...runtime.environment import enter_environment, how_to_install
from ...runtime.workers import Terminated

LONGEST_PATH = 200
"""Most bytes of a path in a message."""

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn exceptions of the library into one line of `fatal`, and exit status 1.

    All that a module does after its parser is in this block. Before it begins, the module enters
    the environment that has the toolset's packages, if its Python lacks them.

    The unfinished outputs of the block have been removed by the time the line is printed: the
    library cleans up as an exception leaves it, also after Ctrl-C and SIGTERM.
    """
    signal.signal(signal.SIGTERM, _terminate)
    # A terminal without a character of some label must not make the module fail.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    _use_utf8()
    try:
        enter_environment()
        yield
    except ValueError as error:
        fatal(_one_line(error))
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith(("grass", "grassdl")):
            raise
        told, commands = how_to_install(error.name.split())
        fatal("; ".join([*_notes(error), told]), commands)
    except CalledModuleError as error:
        told = f"{_one_line(error)} (the message of the called module is above)"
        fatal("; ".join([told, *_notes(error)]))
    except KeyboardInterrupt as error:
        fatal(f"Interrupted: {_what_is_left(error)}")
    except MemoryError as error:
        fatal(f"Out of memory: {_what_is_left(error)} ({_one_line(error) or 'size unknown'})")
    except OSError as error:
        if error.errno in _DISK_FULL:
            fatal(f"Disk full: free some space and try again; {_what_is_left(error)} ({error})")
        fatal("; ".join([_file_error(error), *_notes(error)]))


def has_session() -> bool:
    """Whether the GRASS session still exists.

    When `grass --exec` is interrupted, it removes the session without waiting for the module
    that it runs: first the content of its file, then the file.
    """
    try:
        return "LOCATION_NAME" in Path(os.environ["GISRC"]).read_text(encoding="utf-8")
    except (KeyError, OSError):
        return False


def message(text: str) -> None:
    """Print a message, unless messages are switched off."""
    if not _told_by_grass(text, "") and _talks():
        print(text, file=sys.stderr)


def print_json(result: dict[str, Any]) -> None:
    """Print a result to stdout as the only JSON object there."""
    # It needs a package of pip, which is missing before the environment is entered.
    from ...io.json_records import as_json

    sys.stdout.write(as_json(result))
    sys.stdout.flush()


def finished(written: str, module: str = "", **options: object) -> None:
    """Report what a module has written, and the call that usually follows.

    Args:
        written: A sentence.
        module: The module that usually follows; none if empty.
        options: Its options; capitals mark values that only the user knows.
    """
    message(written)
    if module:
        words = [module, *(f"{name}={value}" for name, value in options.items())]
        tell_next([shlex.join(words)])


def tell_next(lines: Iterable[str], place: str = "") -> None:
    """Print what usually follows: lines that GRASS does not wrap, so that they can be copied.

    Args:
        lines: Of a shell or of Python.
        place: The folder in which they must be run; empty for any.
    """
    if _talks():
        message(f"Next, for example, in <{place}>:" if place else "Next, for example:")
        _print_unwrapped(lines)


def _talks() -> bool:
    """Whether messages are switched on."""
    return int(os.environ.get("GRASS_VERBOSE", "2")) >= 2


def warning(text: str) -> None:
    """Print a warning."""
    if not _told_by_grass(text, "w"):
        print(f"WARNING: {text}", file=sys.stderr)


def fatal(text: str, commands: Iterable[str] = ()) -> NoReturn:
    """Print an error, with helpful commands on lines of their own; end with exit status 1."""
    if not _told_by_grass(text, "e"):
        print(f"ERROR: {text}", file=sys.stderr)
    _print_unwrapped(commands)
    sys.exit(1)


def _print_unwrapped(lines: Iterable[str]) -> None:
    """Print lines to copy: a terminal shows them as they are, and the GUI if they are messages."""
    in_gui = os.environ.get("GRASS_MESSAGE_FORMAT") == "gui"
    for line in lines:
        shown = f"    {line}".rstrip()
        if not (in_gui and shown and _told_by_grass(shown, "")):
            print(shown, file=sys.stderr)


def _told_by_grass(text: str, flag: str) -> bool:
    """Print a line as GRASS does, also in its GUI, which requires a session.

    Returns:
        Whether it was printed.
    """
    if not has_session():
        return False
    failed = gs.run_command("g.message", flags=flag, message=text, errors="status")
    # After an error the status is 1 in any case.
    return not failed or has_session()


def _what_is_left(error: BaseException) -> str:
    """What was noted on the exception about outputs that are left."""
    return "; ".join(_notes(error)) or "nothing was written"


def _file_error(error: OSError) -> str:
    """The system's error about a file or folder, as a sentence."""
    if error.filename is None or error.strerror is None:
        return _one_line(error)
    name = within_bytes(one_line(os.fsdecode(error.filename)), LONGEST_PATH)
    return (
        f"The system refuses to read or write <{name}>: {one_line(error.strerror)}. Check path, "
        "permissions and disk"
    )


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def _terminate(signal_number: int, frame: FrameType | None) -> None:
    if not Terminated.heeded:
        Terminated.asked = True
        raise Terminated


def _use_utf8() -> None:
    """Make GRASS's Python library read and write UTF-8 also where LC_ALL is C.

    Labels and titles are UTF-8; in other C locales of batch jobs Python does so itself.
    """
    if locale.nl_langinfo(locale.CODESET) == "ANSI_X3.4-1968":
        with suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")


def _one_line(error: Exception) -> str:
    return one_line(str(error))


class Progress:
    """Percent done, as GRASS prints it, by steps."""

    STEP = 5

    def __init__(self, total: int):
        self.total = max(total, 1)
        self.shown = -1

    def __call__(self, done: int) -> None:
        """Report that `done` of `total` is done."""
        percent = 100 * done // self.total // self.STEP * self.STEP
        if percent > self.shown:
            # gs.percent starts a program each time.
            import grass.lib.gis as libgis

            libgis.G_percent(percent, 100, self.STEP)
            self.shown = percent


def command_line() -> str:
    """The call of the running module, as in the history of its maps."""
    return os.environ.get("CMDLINE") or " ".join(sys.argv)
