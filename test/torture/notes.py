#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGKILL to the servers of demo 7, or to their app, while notes are added: each note that was
acknowledged has to be there, and the database has to be sound."""
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import tempfile
import time

import row

ROUNDS_A_DATABASE = 20
TEXTS = [f"imported{number}" for number in range(3000)]


class Server:
    """notes-sqlite with an app, in a session of its own."""

    def __init__(self, chosen, directory, words):
        command = [chosen.programs / "demo/notes-sqlite", "--database", f"{directory}/notes.db"]
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command + words, stdin=subprocess.DEVNULL, text=True,
                                        env=dict(os.environ, XDG_RUNTIME_DIR=directory),
                                        stdout=subprocess.PIPE, stderr=self.errors,
                                        start_new_session=True)

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)

    def kill_app(self):
        """If it has begun, and has not ended."""
        pid = self.process.pid
        for app in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(app), signal.SIGKILL)

    def wait(self):
        """What it and its app have printed, once both are gone."""
        output = self.process.communicate()[0]
        self.errors.seek(0)
        with self.errors:
            return output, self.errors.read()


def kill_adding(chosen, directory, after_the_first):
    """One server, or two with one database, each with an app that adds notes, many calls at once."""
    words = ["--app", chosen.programs / "test/torture/notes_app"]
    servers = [Server(chosen, directory, words) for _ in range(chosen.random.choice((1, 2)))]
    printed = servers[0].process.stdout.readline() if after_the_first else ""
    time.sleep(chosen.random.uniform(0, 0.1))
    killed = time.monotonic()
    for server in servers:
        server.kill()
    outputs = [server.wait() for server in servers]
    printed += "".join(output for output, _ in outputs)
    safe = dict(re.findall(r"^safe (\d+) (\w+) .*\n", printed, re.M))
    early = [f"a call has failed: {line}" for line in re.findall(r"^failed .*", printed, re.M)]
    early += [f"a call was gone before the kill: {text}"
              for text, ended in re.findall(r"^gone (\w+) \S+ (\S+)", printed, re.M)
              if float(ended) < killed]
    found = listed(chosen, directory)
    lost = [number for number, text in safe.items() if found.get(number) != text]
    early += [f"a server has ended with {server.process.returncode}: {errors[-200:]}"
             for server, (_, errors) in zip(servers, outputs)
             if server.process.returncode != -signal.SIGKILL]
    return len(safe), early + [f"lost notes {lost[:5]}"] * bool(lost)


def kill_importing(chosen, directory):
    """The first notes of the file are there, at least those that were acknowledged."""
    before = listed(chosen, directory)
    file = pathlib.Path(directory) / "import"
    file.write_text("".join(f"2026-11-30T07:30:04Z\t{text}\n" for text in TEXTS))
    server = Server(chosen, directory, ["import", str(file)])
    time.sleep(chosen.random.uniform(0, 0.3))
    chosen.random.choice((server.kill, server.kill_app))()
    _, errors = server.wait()
    safe = max(map(int, re.findall(r"Imported (\d+) of", errors)), default=0)
    found = [text for number, text in listed(chosen, directory).items() if number not in before]
    wrong = [f"{safe} were acknowledged, {len(found)} are there"] * (len(found) < safe)
    return safe, wrong + ["other notes than those"] * (found != TEXTS[:len(found)])


def listed(chosen, directory):
    """{number: text}, as the next server says."""
    server = Server(chosen, directory, ["list"])
    output, errors = server.wait()
    if server.process.returncode != 0:
        raise RuntimeError(f"list has ended with {server.process.returncode}: {errors[-200:]}")
    return dict(line.split() for line in output.splitlines())


def unsound(directory):
    """What SQLite finds wrong with the database."""
    database = sqlite3.connect(f"{directory}/notes.db")
    try:
        answer = database.execute("PRAGMA integrity_check").fetchone()[0]
        database.execute("INSERT INTO words(words, rank) VALUES('integrity-check', 1)")
        return [answer] * (answer != "ok")
    except sqlite3.DatabaseError as why:
        return [str(why)]
    finally:
        database.close()


def rounds_of(chosen, directory):
    """How many notes were acknowledged, in how many rounds any, and what is wrong."""
    total, with_notes, problems = 0, 0, []
    for number in row.each_round(chosen.rounds):
        place = f"{directory}/{number // ROUNDS_A_DATABASE}"
        os.makedirs(place, exist_ok=True)
        if is_import := number % 4 == 3:
            safe, wrong = kill_importing(chosen, place)
        else:
            safe, wrong = kill_adding(chosen, place, after_the_first=number % 2 == 0)
        row.reap()
        total, with_notes = total + safe, with_notes + (safe != 0)
        what = "import" if is_import else "add"
        problems += [f"{what}: {each}" for each in wrong + unsound(place)]
    return total, with_notes, problems


def main():
    chosen = row.options(__doc__)
    if not (chosen.programs / "test/torture/notes_app").exists():
        return row.skipped("demo 7 was not built")
    row.adopt_orphans()
    with tempfile.TemporaryDirectory() as directory:
        total, with_notes, problems = rounds_of(chosen, directory)
    if 2 * with_notes < chosen.rounds:
        problems.append(f"only in {with_notes} rounds was a note acknowledged")
    figures = f"{chosen.rounds} kills, {total} notes acknowledged in {with_notes} of them"
    row.verdict(chosen, chosen.rounds, figures, problems)


if __name__ == "__main__":
    main()
