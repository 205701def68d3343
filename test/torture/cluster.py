#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Three servers of NATS, four workers and two gateways of demo 7, whose apps add notes all the time:
workers are killed and stopped, servers killed and started again, one by one and all at once. Each
note that was acknowledged has to be there, none twice, and the calls of a worker that is lost fail
in time."""
import collections
import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import row

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "demo/7_notes"))
from with_cluster import SERVERS, Cluster, Worker, nats_server

WORKERS = 4
KILLS = 20  # at most, until a call has waited for a worker
ROUNDS_A_CLUSTER = 20
IN_TIME = 1.2  # seconds: signs of life come every 0.25, and one has to be 0.7 old
PATIENCE = 45  # seconds: a cluster that has lost servers agrees on others
NAMES = ("kill a worker", "stop a worker", "kill a server", "restart all", "kill all")
# The copies of an older nats-server differ after one of it was started again: with 2.9.10 a note
# that was acknowledged was on two servers, and another one under its number on the third.
STARTS_AGAIN = (2, 10)


class Gateway:
    """notes-cluster with an app that adds notes, and what that has said."""

    def __init__(self, chosen, directory, url):
        command = [chosen.programs / "demo/notes-cluster", "--url", url,
                   "--app", chosen.programs / "test/torture/notes_app"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                                        env=dict(os.environ, XDG_RUNTIME_DIR=directory,
                                                 NOTES_PAUSE="10"),
                                        stdout=subprocess.PIPE, start_new_session=True)
        self.safe, self.gone, self.failed = {}, [], []
        self.last = 0.0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            if found := re.fullmatch(r"safe (\d+) (\w+) (\S+) (\S+)\n", line):
                self.safe[found[1]] = found[2]
                self.last = float(found[4])
            elif found := re.fullmatch(r"(gone|failed) (\w+) (\S+) (\S+) (.*)\n", line):
                kind = self.gone if found[1] == "gone" else self.failed
                kind.append((float(found[3]), float(found[4]), found[5]))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


class Scene:
    """All of them, and what is done to them."""

    def __init__(self, chosen, directory):
        self.chosen, self.directory = chosen, directory
        self.cluster = Cluster(directory)
        self.numbers = itertools.count(1)
        self.workers = []
        self.recoveries = []  # seconds from the start of all servers to a new note of each app
        self.start_workers()
        self.gateways = [Gateway(chosen, directory, self.cluster.url) for _ in range(2)]

    def start_workers(self):
        new = [Worker(self.directory, next(self.numbers), self.cluster.url,
                      self.chosen.programs / "demo/notes-worker")
               for _ in range(WORKERS - len(self.workers))]
        for worker in new:
            worker.wait()
        self.workers += new

    def kill_worker(self):
        self.workers.pop(self.chosen.random.randrange(WORKERS)).kill()

    def stop_worker(self):
        pid = self.chosen.random.choice(self.workers).process.pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.chosen.random.uniform(0.1, 2))
        os.kill(pid, signal.SIGCONT)

    def lose_server(self):
        self.cluster.end(self.chosen.random.choice(list(self.cluster.processes)))
        return self.wait_for_notes()

    def kill_server(self):
        """The others do its work, before it is there again."""
        problems = self.lose_server()
        name, = set(SERVERS) - set(self.cluster.processes)
        self.cluster.start(name)
        self.cluster.wait_again(name)
        return problems

    def restart_all(self):
        """One after the other."""
        for name in SERVERS:
            self.cluster.end(name, is_killed=False)
            self.cluster.start(name)
            self.cluster.wait_again(name)

    def kill_all(self):
        """All at once; they are away for up to two seconds."""
        for process in self.cluster.processes.values():
            process.kill()
        for name in SERVERS:
            self.cluster.end(name)
        time.sleep(self.chosen.random.uniform(0, 2))
        for name in SERVERS:
            self.cluster.start(name)
        began = time.monotonic()
        problems = self.wait_for_notes()
        self.recoveries.append(time.monotonic() - began)
        for name in SERVERS:
            self.cluster.wait_again(name)
        return problems

    def wait_for_notes(self):
        """Both apps have added some that they began after this."""
        began = time.monotonic()
        while any(gateway.last < began for gateway in self.gateways):
            if any(gateway.process.poll() is not None for gateway in self.gateways):
                raise RuntimeError("a gateway has ended")
            if time.monotonic() - began > PATIENCE:
                return [f"no note for {PATIENCE} s"]
            time.sleep(0.02)
        return []

    def listed(self):
        """[(number, text)], as another gateway says."""
        command = [self.chosen.programs / "demo/notes-cluster", "--url", self.cluster.url, "list"]
        said = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, XDG_RUNTIME_DIR=self.directory))
        if said.returncode != 0:
            raise RuntimeError(f"list has ended with {said.returncode}: {said.stderr[-200:]}")
        return [tuple(line.split()) for line in said.stdout.splitlines()]

    def wrong_notes(self):
        safe = {}
        for gateway in self.gateways:
            for number, text in list(gateway.safe.items()):
                if number in safe:
                    return [f"two notes have the number {number}"]
                safe[number] = text
        there = self.listed()
        found = dict(there)
        lost = [number for number, text in safe.items() if found.get(number) != text]
        times_there = collections.Counter(text for _, text in there)
        doubled = [text for text, count in times_there.items() if count > 1]
        return ([f"lost notes {lost[:5]}"] * bool(lost) +
                [f"doubled notes {doubled[:5]}"] * bool(doubled))

    def calls(self):
        return {kind: sum(len(getattr(gateway, kind)) for gateway in self.gateways)
                for kind in ("safe", "gone", "failed")}

    def close(self):
        for each in self.gateways + self.workers:
            each.kill()
        self.cluster.close()


def server_version():
    said = subprocess.run([nats_server(), "--version"], capture_output=True, text=True).stdout
    return tuple(map(int, re.findall(r"\d+", said)))


def what_happens(number, rounds, starts_again):
    """An older server is lost once, in the last round of a cluster, and stays away."""
    if starts_again:
        return NAMES[number % len(NAMES)]
    is_last = number + 1 == rounds or (number + 1) % ROUNDS_A_CLUSTER == 0
    return "lose a server" if is_last else NAMES[number % 2]


def try_round(chosen, scene, name):
    """What is wrong, and after how many seconds calls of a worker that was lost have failed."""
    time.sleep(chosen.random.uniform(0, 0.2))
    before = [len(gateway.gone) for gateway in scene.gateways]
    began = time.monotonic()
    what = {"kill a worker": scene.kill_worker, "stop a worker": scene.stop_worker,
            "lose a server": scene.lose_server, "kill a server": scene.kill_server,
            "restart all": scene.restart_all, "kill all": scene.kill_all}[name]
    wrong = what() or []
    is_worker = name.endswith("worker")
    time.sleep(max(0, began + 1.5 * is_worker - time.monotonic()))
    wrong += scene.wait_for_notes() + scene.wrong_notes()
    scene.start_workers()
    return [f"{name}: {each}" for each in wrong], [
        ended - max(began, start) for gateway, count in zip(scene.gateways, before)
        for start, ended, _ in gateway.gone[count:] if is_worker]


def kill_until_measured(chosen, scene):
    """In few rounds nobody may have waited for a worker that was killed: again, until one has."""
    problems, late = [], []
    for _ in range(KILLS):
        if late:
            break
        wrong, late = try_round(chosen, scene, "kill a worker")
        problems += wrong
    return problems, late


def rounds_of(chosen, starts_again):
    """Numbers of calls and of servers that stayed behind, why calls failed that are not gone, the
    same as of a round, and how long each start of all servers took."""
    calls, reasons = collections.Counter(), set()
    problems, late, recoveries = [], collections.defaultdict(list), []
    scene = None
    for number in row.each_round(chosen.rounds):
        is_first, is_last = number % ROUNDS_A_CLUSTER == 0, (number + 1) % ROUNDS_A_CLUSTER == 0
        if is_first:
            directory = tempfile.TemporaryDirectory()
            scene = Scene(chosen, directory.name)
        if number + 1 == chosen.rounds and not late["kill a worker"]:
            wrong, late["kill a worker"] = kill_until_measured(chosen, scene)
            problems += wrong
        name = what_happens(number, chosen.rounds, starts_again)
        wrong, times = try_round(chosen, scene, name)
        problems += wrong
        late[name] += times
        if is_last or number + 1 == chosen.rounds:
            problems += scene.wrong_notes()
            scene.close()
            calls.update(scene.calls(), behind=scene.cluster.behind)
            reasons.update(why for gateway in scene.gateways for *_, why in gateway.failed)
            recoveries += scene.recoveries
            directory.cleanup()
    return calls, reasons, problems, [took for times in late.values() for took in times], recoveries


def main():
    chosen = row.options(__doc__)
    if not (chosen.programs / "demo/7_notes_cluster").exists():
        return row.skipped("notes-cluster was not built, or there is no nats-server")
    row.adopt_orphans()
    version = server_version()
    starts_again = version >= STARTS_AGAIN
    calls, reasons, problems, late, recoveries = rounds_of(chosen, starts_again)
    row.reap()
    problems += row.late(late, IN_TIME, 0.99)
    figures = (f"nats-server {'.'.join(map(str, version))}"
               f"{'' if starts_again else ', none is started again'}: {calls['safe']} notes "
               f"acknowledged, {calls['gone']} calls gone, {calls['failed']} failed otherwise; "
               f"calls of a lost worker fail after {row.times(late)}")
    if reasons:
        figures += "; failed otherwise: " + ", ".join(sorted(reasons))
    if calls["behind"]:
        figures += f"; {calls['behind']} servers stayed behind and were started once more"
    if recoveries:
        figures += f"; notes again after all servers were killed and started {row.times(recoveries)}"
    row.verdict(chosen, chosen.rounds, figures, problems)


if __name__ == "__main__":
    main()
