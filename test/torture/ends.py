#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How an app ends, and what its server makes of it: every exit code and every fatal signal; an app
that has left before it said hello; hosts that do not hear of their children's death."""
import os
import signal
import tempfile
import time

import row

# What does not end a process, and the two that the C library keeps for itself.
HARMLESS = {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN,
            signal.SIGTTOU, signal.SIGURG, signal.SIGWINCH, 32, 33}
FATAL = [number for number in range(1, 65) if number not in HARMLESS]
MESSAGES = 300
DEAF = [["ignores_children"], ["blocks_children"], ["handles_children"],
        ["handles_children_later"]]


class Life:
    """What has become of a server and its app."""

    def __init__(self, chosen, directory, app, words=()):
        server = row.Server(chosen, directory, app, words)
        lines = [server.line_with("started")]
        started = time.monotonic()
        lines += server.lines()
        self.code = os.waitstatus_to_exitcode(os.waitpid(server.pid, 0)[1])
        self.seconds = time.monotonic() - started
        server.release()
        self.ends = row.reap()
        self.output, self.errors = "".join(lines), server.rest()[1]
        self.app = row.result_of(self.output)
        self.wrong = []
        if (count := self.output.count("app ended")) != 1:
            self.wrong.append(f"{count} ends of the app: {self.output}")
        if len(self.ends) != (app == ["forks"]) or row.left_in(directory):
            self.wrong.append(f"left: {self.ends} {row.left_in(directory)}")


def fidelity(chosen, directory, number):
    """Every code and signal in turn, behind messages that may not be lost."""
    kind, value = chosen.kinds[number % len(chosen.kinds)]
    life = Life(chosen, directory, ["leave", str(MESSAGES), kind, str(value)])
    expected = (value, value) if kind == "code" else (-value, 128 + value)
    if (life.app, life.code) != expected:
        life.wrong.append(f"{life.app} {life.code} instead of {expected}: {life.errors}")
    if f"taken: {MESSAGES}\n" not in life.output.partition("result:")[0]:
        life.wrong.append(f"not after the last message: {life.output}")
    return life.seconds, [f"{kind} {value}: {each}" for each in life.wrong]


def early(chosen, directory, number):
    life = Life(chosen, directory, ["exit", "3"])
    if (life.app, life.code) != (3, 3):
        life.wrong.append(f"{life.app} {life.code} {life.errors}")
    return life.seconds, life.wrong


def deaf(chosen, directory, number):
    """The app ends, with a code or by a signal; in one of three, a child of it keeps its pipes."""
    words = DEAF[number % len(DEAF)]
    value = chosen.random.randrange(256)
    app, expected = [(["codes", str(value)], (value, value)), (["vanish", "9"], (-9, 137)),
                     (["forks"], (-9, 137))][number // len(DEAF) % 3]
    life = Life(chosen, directory, app, words)
    unknown = life.app is None and life.code == 125
    if (life.app, life.code) != expected and not unknown:
        life.wrong.append(f"{life.app} {life.code} instead of {expected}: {life.errors}")
    chosen.unknown += unknown
    return life.seconds, [f"{words} {app}: {each}" for each in life.wrong]


def add(parser):
    parser.add_argument("--case", choices=("fidelity", "early", "deaf"), default="fidelity")


def main():
    chosen = row.options(__doc__, add)
    chosen.unknown = 0
    chosen.kinds = [("code", code) for code in range(256)] + [("signal", sign) for sign in FATAL]
    chosen.random.shuffle(chosen.kinds)
    row.adopt_orphans()
    case = {"fidelity": fidelity, "early": early, "deaf": deaf}[chosen.case]
    seconds = []
    with tempfile.TemporaryDirectory() as directory:
        problems = row.wrong_transport(chosen, directory)
        for number in row.each_round(chosen.rounds):
            took, wrong = case(chosen, directory, number)
            seconds.append(took)
            problems += wrong
    problems += [f"{took:.3f} s until the end" for took in seconds if took > 1]
    problems += row.late(seconds, 0.1, 1.0 if chosen.case == "early" else 0.99)
    figures = "the result after " + row.times(seconds)
    if chosen.case == "deaf":
        figures += f"; {chosen.unknown} statuses unknown"
    if chosen.case == "fidelity":
        tried = min(chosen.rounds, len(chosen.kinds))
        figures += f"; {tried} of {len(chosen.kinds)} ways to end, seed {chosen.seed}"
    row.verdict(chosen, chosen.rounds, figures, problems)


if __name__ == "__main__":
    main()
