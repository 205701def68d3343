#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""7_notes_cluster COMMAND...: runs a command beside three servers of NATS and two workers, all on
this machine, and ends them. Its environment has NATS_URL, for notes-cluster, and two process ids to
kill: NATS_SERVER and NOTES_WORKER."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

SERVERS = ("one", "two", "three")
PATIENCE = 30  # seconds
BEGINNINGS = 5

CONFIGURATION = """
server_name: {name}
listen: 127.0.0.1:{port}
http: 127.0.0.1:{monitor}
max_payload: 2MB
jetstream {{ store_dir: "{directory}/{name}" }}
cluster {{
    name: notes
    listen: 127.0.0.1:{route}
    routes: [{routes}]
}}
"""


def free_ports(count):
    """Nobody listens there now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def nats_server():
    return shutil.which("nats-server", path=os.environ["PATH"] + ":/usr/sbin")


def asked(port, what):
    """What a server says of itself; None if nobody answers, or it says that it has not caught up."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{what}", timeout=5) as answer:
            return json.load(answer)
    except (OSError, http.client.HTTPException, ValueError):
        return None


def holds_within(seconds, holds):
    end = time.monotonic() + seconds
    while not (there := holds()) and time.monotonic() < end:
        time.sleep(0.02)
    return there


def until(holds, otherwise):
    if not holds_within(PATIENCE, holds):
        raise RuntimeError(otherwise)


class Cluster:
    """Three servers, which can be ended and started again one by one."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        ports = free_ports(3 * len(SERVERS))
        self.url = ",".join(f"nats://127.0.0.1:{port}" for port in ports[:3])
        routes = ", ".join(f"nats://127.0.0.1:{port}" for port in ports[3:6])
        self.monitors = dict(zip(SERVERS, ports[6:]))
        self.processes = {}
        self.behind = 0  # servers that were started once more
        for name, port, route in zip(SERVERS, ports[:3], ports[3:6]):
            text = CONFIGURATION.format(name=name, port=port, route=route, routes=routes,
                                        monitor=self.monitors[name], directory=self.directory)
            (self.directory / f"{name}.conf").write_text(text)
        try:
            self.begin()
        except BaseException:
            self.close()
            raise

    def begin(self):
        """Of servers that begin at the same time the first two may go on without the third (once in
        some hundred times, nats-server 2.10.27), and then there is no place for three replicas."""
        for _ in range(BEGINNINGS):
            for name in SERVERS:
                self.start(name)
            for name in SERVERS:
                self.wait(name)
            if holds_within(2, self.is_complete):
                return
            self.close()
            for name in SERVERS:
                shutil.rmtree(self.directory / name)
        raise RuntimeError("the servers of NATS do not find each other")

    def is_complete(self):
        """The leader knows all the others."""
        told = (asked(port, "jsz") or {} for port in self.monitors.values())
        known = (each.get("meta_cluster", {}).get("replicas") or [] for each in told)
        return any(len(each) == len(SERVERS) - 1 for each in known)

    def start(self, name):
        with open(self.directory / f"{name}.log", "a") as log:
            self.processes[name] = subprocess.Popen(
                [nats_server(), "-c", self.directory / f"{name}.conf"], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)

    def wait(self, name):
        """Until it has all that the others have."""
        until(lambda: asked(self.monitors[name], "healthz"), f"nats-server {name} is not healthy")

    def wait_again(self, name):
        """The same for one that was started again. It may stay behind for ever (nats-server
        2.10.27): then it is started once more, as by what watches over servers."""
        for _ in range(BEGINNINGS):
            if holds_within(10, lambda: asked(self.monitors[name], "healthz")):
                return
            self.end(name)
            self.start(name)
            self.behind += 1
        self.wait(name)

    def end(self, name, is_killed=True):
        process = self.processes.pop(name)
        process.kill() if is_killed else process.terminate()
        process.wait()

    def close(self):
        for name in list(self.processes):
            self.end(name)


class Worker:
    """One that has said it serves."""

    def __init__(self, directory, number, url, program="notes-worker"):
        self.log = pathlib.Path(directory) / f"worker{number}.log"
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([program, "--url", url, "--replicas", "3"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)

    def wait(self):
        until(lambda: "serves" in self.log.read_text() or self.process.poll() is not None,
              "a worker does not begin")
        if self.process.poll() is not None:
            raise RuntimeError(f"no worker: {self.log.read_text()}")

    def kill(self):
        self.process.kill()
        self.process.wait()


def main(command):
    signal.signal(signal.SIGINT, lambda *_: None)  # for the command alone
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="notes-cluster-") as directory:
        cluster = Cluster(directory)
        workers = []
        try:
            workers = [Worker(directory, number, cluster.url) for number in (1, 2)]
            for worker in workers:
                worker.wait()
            told = {"NATS_URL": cluster.url, "NATS_SERVER": str(cluster.processes["one"].pid),
                    "NOTES_WORKER": str(workers[0].process.pid)}
            return subprocess.run(command, env=dict(os.environ, **told)).returncode
        finally:
            for worker in workers:
                worker.kill()
            cluster.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
