#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers that are started with each set of their standard streams closed, under nohup and setsid,
with a full device for an output and a closed reader for another: the app's exit status is exact,
what it prints is where it belongs or nowhere, no frame is in it, and no descriptor of Remora's is a
standard stream's."""
import itertools
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import row

CLOSED = [set(each) for size in range(4) for each in itertools.combinations((0, 1, 2), size)]
PLACES = [[], ["nohup"], ["setsid"], ["full"], ["no reader"]]
LONG_ENOUGH = 1 << 30


class Life:
    """A server whose app prints and echoes, with some streams closed."""

    def __init__(self, chosen, directory, closed, place, count):
        self.outputs = {stream: tempfile.TemporaryFile("w+") for stream in (1, 2)}
        streams = dict(self.outputs)
        if place == ["full"]:
            streams[1] = open("/dev/full", "w")
        if place == ["no reader"]:
            reader, streams[2] = os.pipe()
            os.close(reader)
        close = " ".join(f"{stream}>&-" for stream in sorted(closed))
        launcher = [word for word in place if word in ("nohup", "setsid")]
        command = ["/bin/sh", "-c", f'exec "$@" {close}', "sh", *launcher,
                   chosen.programs / "test" / "server", "--", chosen.programs / "test" / "app",
                   "prints", str(count)]
        environment = dict(os.environ, XDG_RUNTIME_DIR=str(directory), TMPDIR=str(directory),
                           REMORA_TEST_TRANSPORT=chosen.transport)
        self.pid = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=streams[1],
                                    stderr=streams[2], env=environment).pid
        for stream in streams.values():
            os.close(stream) if isinstance(stream, int) else None

    def end(self):
        ends = row.reap()
        self.code = ends.pop(self.pid)[0]
        return [f"left: {ends}"] * bool(ends)

    def printed(self, stream):
        self.outputs[stream].seek(0)
        return self.outputs[stream].read()


def whole_life(chosen, directory, closed, place):
    """How it ends, and where what was printed went."""
    life = Life(chosen, directory, closed, place, 5)
    wrong = life.end()
    dies = place == ["no reader"] and 2 not in closed
    if life.code != (128 + signal.SIGPIPE if dies else 0):
        wrong.append(f"it has ended with {life.code}")
    for stream in (1, 2):
        text = life.printed(stream)
        belongs = stream not in closed and place != (["full"] if stream == 1 else ["no reader"])
        if ("printed\n" in text) != belongs or not text.replace("\n", "").isprintable():
            wrong.append(f"stream {stream} has {text!r}")
    return wrong


def lives_below(pid):
    return [int(each) for each in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ours(pid):
    """The standard streams of a process that are descriptors of Remora's."""
    links = {stream: pathlib.Path(f"/proc/{pid}/fd/{stream}") for stream in (0, 1, 2)}
    found = {stream: os.readlink(link) for stream, link in links.items() if link.is_symlink()}
    return [f"stream {stream} is {to}" for stream, to in found.items()
            if "/remora-" in to or "memfd:remora" in to or to == "anon_inode:[pidfd]"]


def middle_of_life(chosen, directory, closed, place):
    """What the standard streams of both are as long as they talk."""
    life = Life(chosen, directory, closed, place, LONG_ENOUGH)
    end = time.monotonic() + 5
    while time.monotonic() < end and not (row.left_in(directory) and lives_below(life.pid)):
        time.sleep(0.001)
    time.sleep(0.02)  # they meet, and the app prints
    wrong = [each for pid in [life.pid, *lives_below(life.pid)] for each in ours(pid)]
    os.kill(life.pid, signal.SIGTERM)
    wrong += life.end()
    if life.code not in (143, 128 + signal.SIGPIPE):
        wrong.append(f"it was stopped and has ended with {life.code}")
    return wrong


def main():
    chosen = row.options(__doc__)
    row.adopt_orphans()
    kinds = list(itertools.product((whole_life, middle_of_life), CLOSED, PLACES))
    problems = []
    with tempfile.TemporaryDirectory() as directory:
        for number in row.each_round(chosen.rounds):
            try_one, closed, place = kinds[number % len(kinds)]
            wrong = try_one(chosen, directory, closed, place)
            wrong += [f"left: {row.left_in(directory)}"] * bool(row.left_in(directory))
            problems += [f"{try_one.__name__} {closed} {place}: {each}" for each in wrong]
    row.verdict(chosen, chosen.rounds, "exact, with every set of streams", problems)


if __name__ == "__main__":
    main()
