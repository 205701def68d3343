#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""1,000 directories of dead servers and 10 of living ones: the next start removes the dead, leaves
the living alone, and is hardly delayed. In memory, as the usual XDG_RUNTIME_DIR is: on a disk it
takes as long as the disk takes to remove 1,000 directories. A sweep ends after 25 ms, so that on a
slow machine the last of the dead may be left to the starts after it: a few of them."""
import os
import pathlib
import signal
import subprocess
import time

import row

DEAD, LIVING = 1000, 10
STARTS = 4  # within which all the dead have to be gone
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def start(chosen, directory):
    """The seconds of a whole short life, and its exit code."""
    demo = chosen.programs / "demo"
    began = time.monotonic()
    done = subprocess.run([demo / "1_maths_server", demo / "1_maths_app"], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          env=dict(os.environ, XDG_RUNTIME_DIR=str(directory)))
    return time.monotonic() - began, done.returncode


def make_dead(directory, first):
    """Most are empty; some died while a pipe was being made."""
    for number in range(DEAD):
        (dead := pathlib.Path(directory, f"remora-{first + number:06}")).mkdir(mode=0o700)
        if number % 4 == 0:
            os.mkfifo(dead / "control.up", 0o600)
            os.mkfifo(dead / "control.down", 0o600)


def living(chosen, directory):
    """Servers whose apps wait, and their directories."""
    servers = [row.Server(chosen, directory, ["waits"]) for _ in range(LIVING)]
    for server in servers:
        server.line_with("message")
    return servers, set(os.listdir(directory))


def end(servers):
    """The living still live: they stop when they are told to."""
    for server in servers:
        os.kill(server.pid, signal.SIGTERM)
    ends = row.reap()
    wrong = []
    for server in servers:
        output, errors = server.rest()
        if ends.pop(server.pid)[0] != 143 or "stopped by goodbye" not in output:
            wrong.append(f"a living server has ended otherwise: {output} {errors}")
    return wrong + [f"left: {ends}"] * bool(ends)


def sweep(chosen, directory, theirs):
    """The seconds of the starts that it takes until the dead are gone, and what is wrong."""
    seconds = []
    while len(seconds) < STARTS:
        took, code = start(chosen, directory)
        seconds.append(took)
        left = set(os.listdir(directory))
        if code != 0 or not left >= theirs:
            return seconds, [f"{code}, {len(theirs - left)} of the living are gone"]
        if left == theirs:
            return seconds, []
    return seconds, [f"after {STARTS} starts {len(left - theirs)} of the dead are left"]


def main():
    chosen = row.options(__doc__)
    row.adopt_orphans()
    alone, delays, most, problems = [], [], 0, []
    with row.scratch(MEMORY) as name:
        directory = pathlib.Path(name)
        servers, theirs = living(chosen, directory)
        for number in row.each_round(chosen.rounds):
            alone.append(start(chosen, directory)[0])
            make_dead(directory, number * DEAD)
            seconds, wrong = sweep(chosen, directory, theirs)
            delays += [max(took - row.percentile(alone, 0.5), 0) for took in seconds]
            most = max(most, len(seconds))
            problems += wrong
        problems += end(servers)
        if left := row.left_in(directory):
            problems.append(f"left: {left}")
    # Whole lives of processes: on a busy machine the slowest tell of it alone.
    problems += row.late(delays, 0.05, 0.99)
    row.verdict(chosen, chosen.rounds, f"delayed by {row.times(delays)}; all gone after at most "
                f"{most} starts", problems)


if __name__ == "__main__":
    main()
