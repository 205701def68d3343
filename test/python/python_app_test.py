# SPDX-License-Identifier: MIT
"""What demo/6_python_app does beyond what its `expected` shows: each test runs an app of app.py under a
server in C++, REMORA_TEST_PYTHON_SERVER. A test that hangs is killed, and fails."""
import os
import pathlib
import subprocess
import tempfile
import unittest

APP = pathlib.Path(__file__).resolve().parent / "app.py"
SERVER = os.environ.get("REMORA_TEST_PYTHON_SERVER")


def run(name, **variables):
    """What both print, and the exit code."""
    done = subprocess.run([SERVER, APP, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120,
                          env={**os.environ, "PYTHONWARNINGS": "default", **variables})
    return done.stdout.splitlines(), done.returncode


class PythonApp(unittest.TestCase):
    def test_values_of_every_kind_come_back_as_they_were(self):
        self.assertEqual(run("values"), (["True True"], 0))

    def test_a_reply_without_a_value_is_none(self):
        self.assertEqual(run("nothing"), (["None"], 0))

    def test_variables_of_the_server_are_not_left_to_children(self):
        with tempfile.NamedTemporaryFile() as trace:
            self.assertEqual(run("traced", REMORA_TRACE=trace.name), (["[]"], 0))

    def test_a_stream_goes_on_beyond_its_first_credit(self):
        self.assertEqual(run("stream"), (["True", "True"], 0))

    def test_a_stream_that_is_closed_early_ends_its_producer_and_not_the_pipe(self):
        self.assertEqual(run("calls_beside_a_stream"), (["unknown request"], 0))

    def test_calls_beyond_the_window_wait_their_turn(self):
        self.assertEqual(run("many_calls"), (["5000"], 0))

    def test_large_calls_and_small_ones_are_answered(self):
        self.assertEqual(run("large_calls"), ([str([5_000_000, 0] * 5)], 0))

    def test_a_request_with_a_field_of_another_kind_fails_alone(self):
        lines, code = run("wrong_field")
        self.assertIn("handler_failed", lines[0])
        self.assertEqual((lines[1:], code), (["the connection lives on"], 0))

    def test_a_reply_of_another_type_is_an_error(self):
        self.assertEqual(run("wrong_reply"), (["type_mismatch: 'everything' in place of 'numbered'"], 1))

    def test_a_request_over_the_limit_is_an_error(self):
        (line,), code = run("too_large")
        self.assertIn("message_too_large", line)
        self.assertEqual(code, 1)

    def test_a_call_that_is_left_behind_fails_with_its_pipe(self):
        self.assertEqual(run("leave_a_call"), (["closed: by the app"], 1))

    def test_a_hello_that_is_refused_is_an_error(self):
        (line,), code = run("refused")
        self.assertIn("version_mismatch: the server refuses this app", line)
        self.assertEqual(code, 1)

    def test_a_feature_that_the_server_does_not_know_does_no_harm(self):
        self.assertEqual(run("unknown_features"), (["welcome"], 0))

    def test_an_app_whose_server_asks_it_to_end_is_cancelled(self):
        self.assertEqual(run("goodbye"), (["cancelled", "stopping: the server asks the app to end"], 1))

    def test_an_app_whose_server_is_killed_ends_with_an_error(self):
        (line,), _ = run("vanish")
        self.assertIn("the server has vanished", line)

    def test_an_app_without_a_server_says_so(self):
        done = subprocess.run([APP], capture_output=True, text=True, timeout=120)
        self.assertEqual((done.stderr.split(":")[0], done.returncode), ("no_server", 1))
