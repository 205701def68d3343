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
        except OSError as why:
            return Ended(127, "", str(why), False, 0)
        finally:
            kill_descendants()
        output.take()
        process.stdout.close()
        errors.seek(0)
        return Ended(process.returncode, output.last, errors.read(), not in_time, left)


def wait_for(pid, output, deadline):
    """Whether the process has ended in time. Keeps its pipe empty meanwhile."""
    end, waiting = os.pidfd_open(pid), select.poll()
    for each in (end, output):
        waiting.register(each, select.POLLIN)
    has_ended = False
    while not has_ended and (left := deadline - time.monotonic()) > 0:
        ready = [fd for fd, _ in waiting.poll(1000 * left)]
        if output.fileno() in ready and not output.take():
            waiting.unregister(output)
        has_ended = end in ready
    os.close(end)
    return has_ended


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
