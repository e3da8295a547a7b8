# SPDX-License-Identifier: GPL-2.0-or-later
"""Work for several processes.

They import it by its name, which that of a test file is not: packages bring a `tests` of their own.
"""

import os
import threading


class Square:
    """Squares numbers in two steps."""

    def read(self, job):
        return job * job, threading.current_thread() is threading.main_thread()

    def write(self, job, data):
        square, read_in_main_thread = data
        return square, read_in_main_thread, os.getpid()


class RefuseThree(Square):
    def write(self, job, data):
        if job == 3:
            raise ValueError("three is too many")
        return job


class End(Square):
    def read(self, job):
        os._exit(7)
