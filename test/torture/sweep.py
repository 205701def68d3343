#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""1,000 directories of dead servers and 10 of living ones: the next start removes the dead, leaves
the living alone, and is hardly delayed. In memory, as the usual XDG_RUNTIME_DIR is: on a disk it
takes as long as the disk takes to remove 1,000 directories."""
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import row

DEAD, LIVING = 1000, 10
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def start(chosen, directory):
    """The seconds of a whole short life, and its exit code."""
    demo = chosen.programs / "demo"
    began = time.monotonic()
    done = subprocess.run([demo / "1_maths_server", demo / "1_maths_app"], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          env=dict(os.environ, XDG_RUNTIME_DIR=str(directory)))
    return time.monotonic() - began, done.returncode


def make_dead(directory):
    """Most are empty; some died while a pipe was being made."""
    for number in range(DEAD):
        (dead := directory / f"remora-d{number:05}").mkdir(mode=0o700)
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


def main():
    chosen = row.options(__doc__)
    row.adopt_orphans()
    alone, delays, problems = [], [], []
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        directory = pathlib.Path(name)
        servers, theirs = living(chosen, directory)
        for _ in row.each_round(chosen.rounds):
            alone.append(start(chosen, directory)[0])
            make_dead(directory)
            seconds, code = start(chosen, directory)
            delays.append(max(seconds - sorted(alone)[len(alone) // 2], 0))
            if code != 0 or set(os.listdir(directory)) != theirs:
                problems.append(f"{code}, {len(os.listdir(directory))} directories are left")
        problems += end(servers)
        if left := row.left_in(directory):
            problems.append(f"left: {left}")
    if row.to_judge(delays) > 0.05:
        problems.append("the usual delay is over 50 ms")
    row.verdict(chosen, chosen.rounds, "delayed by " + row.times(delays), problems)


if __name__ == "__main__":
    main()
