#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGKILL to the app, or to its server, 0 to 50 ms after the start; what is left, and when."""
import collections
import os
import re
import signal
import tempfile
import time

import row

APP_LIVES = [["echo", "1000000000"], ["echo", "5"], ["leave", "300"], ["many", "20"], ["waits"],
             ["fills"]]
# The server of one that comes to its end by itself cannot be killed reliably.
SERVER_LIVES = [["echo", "1000000000"], ["waits"], ["fills"], ["waits_for_name"],
                ["spins", "spins"]]
OWN_CODES = {"echo": 0, "leave": 3, "many": 0}


def unfinished(events):
    """The connections that do not have exactly one end."""
    made = re.findall(r"^connected pipe \"\w+\" #(\d+)", events, re.M)
    ended = collections.Counter(re.findall(r"^(?:closed|service failed) pipe \"\w+\" #(\d+)",
                                           events, re.M))
    return [number for number in made if ended[number] != 1]


def kill_app(chosen, directory, life):
    """The seconds until the server was gone, and what is wrong."""
    server = row.Server(chosen, directory, life)
    app = row.app_of(server.line_with("started"))
    time.sleep(max(0.0, server.began + chosen.random.uniform(0, 0.05) - time.monotonic()))
    killed = time.monotonic()
    try:
        os.kill(app, signal.SIGKILL)
    except ProcessLookupError:
        pass
    ends = row.reap()
    code, moment = ends.pop(server.pid)
    events, errors = server.rest()
    wrong = []
    if code not in (137, OWN_CODES.get(life[0])):
        wrong.append(f"the server has ended with {code}: {errors[-200:]}")
    if ends:
        wrong.append("a child was left")
    if open_ends := unfinished(events):
        wrong.append(f"without one end: connections {open_ends}")
    if left := row.left_in(directory):
        wrong.append(f"left: {left}")
    return moment - killed, wrong


def kill_server(chosen, directory, life):
    """The seconds until all were gone, and what is wrong."""
    server = row.Server(chosen, directory, life)
    time.sleep(chosen.random.uniform(0, 0.05))
    killed = time.monotonic()
    os.kill(server.pid, signal.SIGKILL)
    ends = row.reap()
    wrong = []
    if ends.pop(server.pid)[0] != -signal.SIGKILL:
        wrong.append("the server has ended by itself")
    server.rest()
    wrong += [f"the app has ended with {code}" for code, _ in ends.values() if code != 69]
    left = row.left_in(directory)
    # An app that has begun to live removes it; the one that is ended while it spins does not.
    if len(left) > (not ends or life[0] == "spins"):
        wrong.append(f"left: {left}")
    return max((moment for _, moment in ends.values()), default=killed) - killed, wrong


def next_server(chosen, directory):
    """Sweeps what the killed have left, and works."""
    server = row.Server(chosen, directory, ["echo", "5"])
    code = row.reap()[server.pid][0]
    server.rest()
    return [f"the next server: {code}, left {row.left_in(directory)}"] \
        if code != 0 or row.left_in(directory) else []


def main():
    chosen = row.options(__doc__, lambda parser: parser.add_argument(
        "--who", choices=("app", "server"), default="app"))
    row.adopt_orphans()
    kill, lives = (kill_app, APP_LIVES) if chosen.who == "app" else (kill_server, SERVER_LIVES)
    seconds, problems = collections.defaultdict(list), []
    with tempfile.TemporaryDirectory() as directory:
        for number in row.each_round(chosen.rounds):
            life = lives[number % len(lives)]
            took, wrong = kill(chosen, directory, life)
            seconds["spinning" if life[0] == "spins" else "all"].append(took)
            wrong += [f"{took:.3f} s until the end"] * (took > 1)
            problems += [f"{life[0]}: {each}" for each in wrong]
        problems += next_server(chosen, directory)
    every = [took for kind in seconds.values() for took in kind]
    limit = 0.1 if chosen.who == "app" else 0.5
    if row.to_judge(every) > limit:
        problems.append(f"the usual time is over {1e3 * limit:.0f} ms")
    figures = "until the end " + row.times(seconds["all"])
    if seconds["spinning"]:
        figures += "; of apps that spin " + row.times(seconds["spinning"])
    row.verdict(chosen, chosen.rounds, figures, problems)


if __name__ == "__main__":
    main()
