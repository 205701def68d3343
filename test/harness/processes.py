# SPDX-License-Identifier: MIT
"""What becomes of this process, a driver or a row, and of those that it has started."""
import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import sys

from harness.rows import Malformed

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)


class Interrupted(Exception):
    """A signal that asks this process to end; its argument is the number."""


def exit_code(name, run):
    """Of a driver: whether `run` has reached what it should; it may be interrupted, or fail."""
    adopt_orphans()
    watch_signals()
    try:
        return 0 if run() else 1
    except Interrupted as ended:
        print("interrupted", file=sys.stderr)
        return 128 + ended.args[0]
    except (OSError, Malformed, subprocess.SubprocessError) as why:
        print(f"{name}: {why}", file=sys.stderr)
        return 1


def watch_signals():
    """From now on what asks this process to end raises Interrupted."""
    def interrupt(number, _):
        raise Interrupted(number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    # A shell starts what runs in its background without it, and an app would inherit that.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def adopt_orphans():
    """From now on the orphans among the descendants are children of this process."""
    if LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def children():
    found = []
    for task in pathlib.Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that ends
            found += (task / "children").read_text().split()
    return [int(pid) for pid in found]


def kill_descendants():
    """Ends all that this process has started or adopted. How many were left."""
    count = 0
    while living := children():
        for pid in living:
            try:
                os.kill(pid, signal.SIGKILL)
                count += os.waitpid(pid, 0)[0] == pid
            except (ProcessLookupError, ChildProcessError):
                pass
    return count


def end_with(parent):
    """In a child: it is killed when its parent ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(127)
