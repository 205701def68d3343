#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Targets that cannot be started, by the server of demo/1_maths: the exact error, soon, and no
child."""
import os
import pathlib
import subprocess
import tempfile
import time

import row


def make(path, text, mode):
    path.write_text(text)
    path.chmod(mode)
    return [path]


def words_of(size):
    return ["x" * min(100000, size - at) for at in range(0, size, 100000)]


def longest_list(chosen, program, environment):
    """Arguments that the server itself can just be started with, and so not its app."""
    fits, fails = 0, 8 << 20
    while fails - fits > 1:
        size = (fits + fails) // 2
        try:
            subprocess.run([chosen.programs / "demo" / "1_maths_server", *program, *words_of(size)],
                           env=environment, check=False, stderr=subprocess.DEVNULL)
            fits = size
        except OSError:
            fails = size
    return words_of(fits)


def targets(chosen, directory, environment):
    """What is started: its words, and the exit code and text of the failure."""
    program = make(directory / "program", "#!/bin/sh\nexit 0\n", 0o755)
    return {
        "missing": (["/no/such/app"], 127, "does not exist"),
        "not executable": (make(directory / "plain", "text", 0o644), 126, "is not executable"),
        "a directory": ([directory], 126, "is a directory"),
        "not a program": (make(directory / "text", "text", 0o755), 126,
                          "is not a program that this system runs"),
        "a bad interpreter": (make(directory / "script", "#!/no/interpreter\n", 0o755), 127,
                              'the interpreter "/no/interpreter", which does not exist'),
        "a list too long": (program + longest_list(chosen, program, environment), 125,
                            "arguments and environment have"),
    }


def try_one(chosen, runtime, environment, words, code, text):
    """The seconds that it took, and what is wrong."""
    command = [chosen.programs / "demo" / "1_maths_server", *words]
    with tempfile.TemporaryFile("w+") as errors:
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=errors, env=environment)
        process.returncode = 0
        ends = row.reap()
        errors.seek(0)
        said = errors.read().strip()
    ended, moment = ends.pop(process.pid)
    wrong = []
    if ended != code or text not in said:
        wrong.append(f"{ended} {said[-200:]}")
    if ends or row.left_in(runtime):
        wrong.append(f"left: {ends} {row.left_in(runtime)}")
    return moment - began, wrong


def main():
    chosen = row.options(__doc__)
    row.adopt_orphans()
    seconds, problems = [], []
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (runtime := directory / "runtime").mkdir(mode=0o700)
        environment = dict(os.environ, XDG_RUNTIME_DIR=str(runtime))
        kinds = targets(chosen, directory, environment)
        for number in row.each_round(chosen.rounds):
            kind = list(kinds)[number % len(kinds)]
            took, wrong = try_one(chosen, runtime, environment, *kinds[kind])
            seconds.append(took)
            problems += [f"{kind}: {each}" for each in wrong]
    # Whole lives of processes: on a busy machine the slowest tell of it alone.
    problems += row.late(seconds, 0.1, 0.99)
    row.verdict(chosen, chosen.rounds, "the error after " + row.times(seconds), problems)


if __name__ == "__main__":
    main()
