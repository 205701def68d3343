# SPDX-License-Identifier: MIT
"""remora-inspect (REMORA_TEST_INSPECT) looks into servers of the tests (REMORA_TEST_SERVER), whose app
(REMORA_TEST_APP) sends one message to the service `silent` and waits. A test that hangs is killed, and fails."""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import signal
import socket
import subprocess
import tempfile
import termios
import unittest

INSPECT, SERVER, APP = (os.environ.get(f"REMORA_TEST_{name}") for name in ("INSPECT", "SERVER", "APP"))
LIMIT = 120


def environment(directory):
    return {**os.environ, "XDG_RUNTIME_DIR": directory, "TMPDIR": directory, "TERM": "xterm"}


def words(directory, *options):
    return [INSPECT, "--directory", directory, *options]


def inspect(directory, *options):
    return subprocess.run(words(directory, *options), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=LIMIT, check=False, env=environment(directory))


def documents(directory, *options):
    return [json.loads(line) for line in inspect(directory, "--json", *options).stdout.splitlines()]


@contextlib.contextmanager
def place():
    with tempfile.TemporaryDirectory() as directory:
        yield directory


@contextlib.contextmanager
def running_server(directory):
    """Its app has sent its message."""
    with subprocess.Popen([SERVER, "--", APP, "waits"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          env=environment(directory)) as server:
        try:
            for line in server.stdout:
                if line == "message\n":
                    break
            yield server
        finally:
            server.send_signal(signal.SIGCONT)
            server.terminate()
            server.stdout.read()


@contextlib.contextmanager
def foreign_run(directory):
    """What another server would have: a directory that is locked."""
    path = pathlib.Path(directory, "remora-abcdef")
    path.mkdir(mode=0o700)
    lock = os.open(path, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield path
    finally:
        os.close(lock)


def listening_at(path):
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()
    return listening


class Terminal:
    """remora-inspect on a terminal of its own."""

    def __init__(self, directory, *options):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.program = subprocess.Popen(words(directory, *options), stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, start_new_session=True, env=environment(directory),
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.seen = ""

    def read_until(self, text, times=1):
        while self.seen.count(text) < times:
            self.seen += os.read(self.master, 65536).decode()

    def write(self, keys):
        os.write(self.master, keys)

    def close(self):
        """The exit code, and whether the terminal is as it was."""
        code = self.program.wait(LIMIT)
        same = termios.tcgetattr(self.slave) == self.before
        os.close(self.master)
        os.close(self.slave)
        return code, same


class Inspect(unittest.TestCase):
    def test_json_has_the_server_the_app_and_what_its_pipe_has_done(self):
        with place() as directory, running_server(directory) as running:
            (document,) = documents(directory)
            (server,) = document["servers"]
            self.assertEqual(server["pid"], running.pid)
            self.assertTrue(server["directory"].startswith(os.path.realpath(directory)))
            self.assertTrue(os.path.samefile(server["program"], SERVER))
            self.assertEqual((server["app"]["target"], server["app"]["state"], server["app"]["life"]),
                             (APP, "running", 1))
            os.kill(server["app"]["pid"], 0)
            (pipe,) = server["connections"]
            self.assertEqual((pipe["id"], pipe["name"]), (1, "silent"))
            received = pipe["counts"]["received"]
            self.assertEqual(received["messages"], 1)
            self.assertGreater(received["rates"]["messages"], 0)
            self.assertEqual(pipe["counts"]["sent"]["messages"], 0)

    def test_the_table_has_the_server_its_app_and_its_pipes(self):
        with place() as directory, running_server(directory) as running:
            done = inspect(directory, "--once")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            first, app, heading, row, *_ = done.stdout.splitlines()
            self.assertIn(f"server {running.pid}  {os.path.realpath(SERVER)}, up ", first)
            self.assertIn(f"  {APP}, running, life 1 for ", app)
            self.assertEqual(heading.split()[:3], ["pipe", "msgs", "/s"])
            self.assertEqual(row.split()[:4], ["silent", "#1", "in", "1"])
            self.assertLess(max(map(len, (heading, row))), 100)

    def test_one_of_several_servers_can_be_chosen(self):
        with place() as directory, running_server(directory) as one, running_server(directory) as two:
            (document,) = documents(directory)
            self.assertEqual({server["pid"] for server in document["servers"]}, {one.pid, two.pid})
            (document,) = documents(directory, "--pid", str(two.pid))
            self.assertEqual([server["pid"] for server in document["servers"]], [two.pid])
            self.assertEqual(inspect(directory, "--pid", "1").returncode, 1)

    def test_without_a_server_it_says_so(self):
        with place() as directory:
            done = inspect(directory)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(done.stderr, "remora-inspect: no server of this user is running\n")
            self.assertEqual(documents(directory)[0]["servers"], [])

    def test_wrong_options_are_an_error_and_help_is_none(self):
        with place() as directory:
            for wrong in (["--pid"], ["--interval", "0"], ["--once", "--interval", "1"], ["more"],
                          ["--directory", "/no/such/place"]):
                self.assertEqual(inspect(directory, *wrong).returncode, 2)
            done = inspect(directory, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("--interval", done.stdout)

    def test_a_server_that_does_not_answer_is_told_of(self):
        with place() as directory, running_server(directory) as stopped, running_server(directory) as other:
            stopped.send_signal(signal.SIGSTOP)
            (document,) = documents(directory, "--timeout", "0.2")
            problems = {server["pid"]: server.get("problem") for server in document["servers"]}
            self.assertEqual(problems, {stopped.pid: "it has not answered within 200 ms", other.pid: None})
            alone = inspect(directory, "--timeout", "0.2", "--pid", str(stopped.pid))
            self.assertEqual(alone.returncode, 2)
            self.assertIn("it has not answered", alone.stdout)

    def test_a_server_without_a_socket_is_told_of(self):
        with place() as directory, foreign_run(directory):
            done = inspect(directory)
            self.assertEqual(done.returncode, 2)
            self.assertIn("it cannot be looked into", done.stdout)

    def test_dead_servers_are_not_shown(self):
        with place() as directory:
            with foreign_run(directory) as path:
                listening_at(path / "inspect").close()
            self.assertEqual(inspect(directory).returncode, 1)
            os.unlink(path / "inspect")
            self.assertEqual(inspect(directory).returncode, 1)

    def test_an_answer_without_sense_is_told_of(self):
        with place() as directory, foreign_run(directory) as path, listening_at(path / "inspect") as listening:
            with subprocess.Popen(words(directory), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                  env=environment(directory)) as program:
                with listening.accept()[0] as client:
                    client.sendall(b"\x1b[2Jnonsense")
                said = program.stdout.read()
            self.assertEqual(program.returncode, 2)
            self.assertIn("its answer makes no sense", said)
            self.assertNotIn("\x1b", said)

    def test_json_again_and_again_is_a_line_each_time(self):
        with place() as directory, running_server(directory):
            with subprocess.Popen(words(directory, "--json", "--interval", "0.05"), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, text=True, env=environment(directory)) as program:
                first, second = (json.loads(program.stdout.readline()) for _ in range(2))
                program.terminate()
            self.assertLess(first["time"], second["time"])
            rates = second["servers"][0]["connections"][0]["counts"]["received"]["rates"]
            self.assertEqual(rates["messages"], 0)  # since the look before

    def test_on_a_terminal_it_goes_on_until_q_and_gives_it_back(self):
        with place() as directory, running_server(directory):
            terminal = Terminal(directory, "--interval", "0.05")
            terminal.read_until("silent #1", times=3)
            terminal.write(b"x")
            terminal.read_until("silent #1", times=5)
            terminal.write(b"q")
            terminal.read_until("\x1b[?1049l")
            self.assertEqual(terminal.close(), (0, True))

    def test_on_a_terminal_ctrl_c_ends_it_as_well(self):
        with place() as directory:
            terminal = Terminal(directory, "--interval", "0.05")
            terminal.read_until("no server of this user is running", times=2)
            terminal.write(b"\x03")
            terminal.read_until("\x1b[?1049l")
            self.assertEqual(terminal.close(), (0, True))

    def test_on_a_terminal_it_can_look_once(self):
        with place() as directory, running_server(directory):
            terminal = Terminal(directory, "--once")
            terminal.read_until("silent #1")
            self.assertNotIn("\x1b", terminal.seen)
            self.assertEqual(terminal.close(), (0, True))
