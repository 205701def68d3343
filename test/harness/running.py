# SPDX-License-Identifier: MIT
"""Runs one program within a time, and ends whatever it leaves behind."""
import contextlib
import os
import re
import select
import subprocess
import tempfile
import time
import typing

from harness.processes import end_with, kill_descendants

GRACE = 5  # seconds


class Ended(typing.NamedTuple):
    """How a program has ended."""

    code: int  # -N: killed by signal N
    answer: str  # its last line that is not about progress
    errors: str
    is_late: bool  # it was killed, as its time was over
    left: int  # processes that it left behind


def start(words, errors, environment):
    parent = os.getpid()

    def in_child():
        os.setpgid(0, 0)  # what a terminal sends is for the driver
        end_with(parent)

    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                            env=environment, preexec_fn=in_child)


def run(words, limit, environment=None, on_progress=lambda done, of: None):
    """Runs a program for at most `limit` seconds. This process sleeps meanwhile, but for lines
    "progress I N". Nothing that the program has started is left. Before: adopt_orphans()."""
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        try:
            process = start(words, errors, environment)
            output = Output(process.stdout, on_progress)
            in_time = wait_for(process.pid, output, time.monotonic() + limit)
            process.kill()  # if it still runs
            process.wait()
            left = kill_descendants()
        finally:
            kill_descendants()
        output.take()
        process.stdout.close()
        errors.seek(0)
        return Ended(process.returncode, output.last, errors.read(), not in_time, left)


def wait_for(pid, output, deadline):
    """Whether the process has ended in time. Takes its output, until that ends as well: those that
    the process leaves behind may be about to end."""
    end, out = os.pidfd_open(pid), output.fileno()
    waiting = select.poll()
    for each in (end, out):
        waiting.register(each, select.POLLIN)
    open_ones = {end, out}
    while open_ones and (left := deadline - time.monotonic()) > 0:
        for ready, _ in waiting.poll(1000 * left):
            if ready == out and output.take():
                continue
            open_ones.discard(ready)
            waiting.unregister(ready)
            if ready == end:
                deadline = min(deadline, time.monotonic() + GRACE)
    os.close(end)
    return end not in open_ones


class Output:
    """What a program writes to a pipe."""

    def __init__(self, stream, on_progress):
        os.set_blocking(stream.fileno(), False)
        self.fileno, self.last = stream.fileno, ""
        self._rest, self._on_progress = b"", on_progress

    def take(self):
        """Takes what there is, without waiting; false at the end."""
        with contextlib.suppress(BlockingIOError):
            while some := os.read(self.fileno(), 65536):
                *lines, self._rest = (self._rest + some).split(b"\n")
                for line in lines:
                    self._line(line.decode(errors="replace"))
            self._line(self._rest.decode(errors="replace"))
            self._rest = b""
            return False
        return True

    def _line(self, line):
        if found := re.fullmatch(r"progress (\d+) (\d+)\s*", line):
            self._on_progress(int(found[1]), max(int(found[2]), 1))
        elif line.strip():
            self.last = line
