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
NAMES = {"control.up", "control.down", "1.up", "1.down", "inspect"}


def unfinished(events):
    """The connections that do not have exactly one end."""
    made = re.findall(r"^connected pipe \"\w+\" #(\d+)", events, re.M)
    ended = collections.Counter(re.findall(r"^(?:closed|service failed) pipe \"\w+\" #(\d+)",
                                           events, re.M))
    return [number for number in made if ended[number] != 1]


def kill_app(chosen, directory, life):
    """The seconds until the server was gone, none if the app had come to its end before; and what
    is wrong."""
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
    return moment - killed if code == 137 else None, wrong


def kill_server(chosen, directory, life):
    """The seconds until all were gone, none if there was no app yet; and what is wrong."""
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
    wrong += wrong_with_left(chosen, directory, not ends, life)
    return max(moment for _, moment in ends.values()) - killed if ends else None, wrong


def wrong_with_left(chosen, directory, alone, life):
    """An app that has begun to live removes the directory. One that is ended while it spins does
    not, and there is none yet if the server is killed early: then it is left to the next start,
    with its socket, and the FIFOs that were just being made."""
    left, held = row.left_in(directory), row.held_in(directory)
    chosen.left += bool(left)
    chosen.with_fifos += bool(set(held) - {"inspect"})
    if len(left) > (alone or life[0] == "spins") or not set(held) <= NAMES:
        return [f"left: {left}, in it {held}"]
    return next_server(chosen, directory) if left else []


def next_server(chosen, directory):
    """Sweeps what the killed have left, and works."""
    server = row.Server(chosen, directory, ["echo", "5"])
    code = row.reap()[server.pid][0]
    server.rest()
    return [f"the next server: {code}, left {row.left_in(directory)}"] \
        if code != 0 or row.left_in(directory) else []


def rounds_of(chosen, directory):
    """The seconds of those in which something was killed, by kind, and what is wrong."""
    kill, lives = (kill_app, APP_LIVES) if chosen.who == "app" else (kill_server, SERVER_LIVES)
    seconds, problems = {"all": [], "spins": []}, row.wrong_transport(chosen, directory)
    for number in row.each_round(chosen.rounds):
        life = lives[number % len(lives)]
        took, wrong = kill(chosen, directory, life)
        if took is not None:
            seconds["spins" if life[0] == "spins" else "all"].append(took)
            wrong += [f"{took:.3f} s until the end"] * (took > 1)
        problems += [f"{life[0]}: {each}" for each in wrong]
    return seconds, problems + next_server(chosen, directory)


def main():
    chosen = row.options(__doc__, lambda parser: parser.add_argument(
        "--who", choices=("app", "server"), default="app"))
    chosen.left = chosen.with_fifos = 0
    row.adopt_orphans()
    with tempfile.TemporaryDirectory() as directory:
        seconds, problems = rounds_of(chosen, directory)
    kills = sum(map(len, seconds.values()))
    if 2 * kills < chosen.rounds:
        problems.append(f"only {kills} kills")
    whom = "apps" if chosen.who == "app" else "servers with an app"
    figures = f"{kills} kills of {whom}, until the end {row.times(seconds['all'])}"
    if chosen.who == "app":
        problems += row.late(seconds["all"], 0.1, 0.99)
    else:
        problems += row.late(seconds["all"], 0.5)
        problems += [f"spinning: {each}" for each in row.late(seconds["spins"], 0.5)]
        figures += (f"; of apps that spin {row.times(seconds['spins'])}; {chosen.left} directories "
                    f"left to the next start, {chosen.with_fifos} with FIFOs")
    row.verdict(chosen, chosen.rounds, figures, problems)


if __name__ == "__main__":
    main()
