# SPDX-License-Identifier: MIT
import os
import signal
import subprocess
import sys
import unittest

from harness import machine, processes, running

FOR_EVER = "sleep 1000"


class Running(unittest.TestCase):
    def setUp(self):
        processes.adopt_orphans()

    def run_shell(self, script, limit=60, **more):
        return running.run(["/bin/sh", "-c", script], limit, **more)

    def test_the_answer_is_the_last_line_that_is_not_about_progress(self):
        seen = []
        ended = self.run_shell("echo one; echo progress 1 4; echo two; echo progress 3 4",
                               on_progress=lambda done, of: seen.append((done, of)))
        self.assertEqual((ended.code, ended.answer, ended.left), (0, "two", 0))
        self.assertEqual(seen, [(1, 4), (3, 4)])

    def test_an_answer_without_a_line_end_is_one(self):
        self.assertEqual(self.run_shell("printf two").answer, "two")

    def test_more_output_than_a_pipe_holds_does_not_stop_a_program(self):
        self.assertEqual(self.run_shell("yes | head -n 200000; echo end").answer, "end")

    def test_a_program_that_crashes_is_told_by_its_signal_and_its_errors(self):
        ended = self.run_shell("echo help >&2; kill -ABRT $$")
        self.assertEqual((ended.code, ended.errors), (-signal.SIGABRT, "help\n"))
        self.assertFalse(ended.is_late)

    def test_a_program_that_hangs_is_killed_when_its_time_is_over(self):
        ended = self.run_shell(f"echo some; {FOR_EVER}", limit=0.2)
        self.assertTrue(ended.is_late)
        self.assertEqual(processes.children(), [])

    def test_what_a_program_leaves_behind_is_counted_and_killed(self):
        ended = self.run_shell(f"setsid {FOR_EVER} >/dev/null 2>&1 & echo done")
        self.assertEqual((ended.code, ended.answer, ended.left), (0, "done", 1))
        self.assertEqual(processes.children(), [])

    def test_one_that_is_left_behind_and_holds_the_output_does_not_hold_up_the_driver(self):
        ended = self.run_shell(f"{FOR_EVER} & echo done")
        self.assertEqual((ended.answer, ended.is_late, ended.left), ("done", False, 1))

    def test_what_cannot_be_run_is_an_error(self):
        ended = running.run(["/nowhere/at/all"], 60)
        self.assertEqual((ended.code, "/nowhere/at/all" in ended.errors), (127, True))

    def test_a_program_has_a_process_group_of_its_own_and_nothing_to_read(self):
        ended = self.run_shell("cat; read -r _ _ _ _ group _ </proc/$$/stat; echo $(($$ - group))")
        self.assertEqual(ended.answer, "0")

    def test_a_driver_that_is_asked_to_end_ends_what_it_runs(self):
        script = ("from harness import processes, running\n"
                  "words = ['/bin/sh', '-c', 'echo progress $$ 1; sleep 1000']\n"
                  "tell = lambda pid, _: print(pid, flush=True)\n"
                  "run = lambda: running.run(words, 60, on_progress=tell)\n"
                  "raise SystemExit(processes.exit_code('driver', run))")
        driver = subprocess.Popen([sys.executable, "-c", script], text=True,
                                  cwd=machine.SOURCES / "test", stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        pid = int(driver.stdout.readline())
        driver.terminate()
        self.assertEqual(driver.communicate(), ("", "interrupted\n"))
        self.assertEqual(driver.returncode, 128 + signal.SIGTERM)
        self.assertFalse(os.path.exists(f"/proc/{pid}"))
