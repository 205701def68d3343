# SPDX-License-Identifier: MIT
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

from harness import machine, torture
from harness.fakes import program, said_by

USUAL = {"options": {"--rounds": "{rounds}", "--transport": "{transport}"}, "timeout": 60,
         "settings": {"transport": [""]}, "title": "{row} {transport}", "short": 2, "long": 9}
GOOD = '{"rounds": 9, "figures": "all well", "passed": true, "notes": ""}'


class Torture(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = pathlib.Path(directory.name)
        self.table = self.place / "table.md"

    def torture(self, script, *words, **entry):
        """The lines that a row with this program prints, without their time; and the exit code."""
        program(self.place / "test" / "torture", "fault", script)
        rows = self.place / "rows.json"
        rows.write_text(json.dumps({"usual": USUAL, "rows": [
            {"row": "fault", "command": ["fault"]} | entry]}))
        output, errors, code = said_by(torture.main, ["--programs", str(self.place), *words], rows)
        self.assertEqual(errors, "")
        return [line.rpartition(" (")[0] for line in output.splitlines()], code

    def told(self, script, **entry):
        """The only line."""
        (line,), code = self.torture(script, **entry)
        self.assertEqual(code, line.startswith("failed"))
        return line

    def test_a_row_passes_if_it_says_so(self):
        self.assertEqual(self.told(f"echo '{GOOD}'"), "passed: fault: all well")

    def test_a_row_fails_if_it_says_so(self):
        self.assertEqual(self.told('echo \'{"passed": false, "notes": "it broke"}\''),
                         "failed: fault: it broke")

    def test_a_row_that_crashes_has_failed_whatever_it_says(self):
        self.assertEqual(self.told(f"echo '{GOOD}'; echo oh >&2; kill -SEGV $$"),
                         "failed: fault: all well; exit code -11: oh")

    def test_a_row_that_hangs_has_failed(self):
        self.assertEqual(self.told("sleep 1000", timeout=1), "failed: fault: not over after 1 s")

    def test_a_row_without_a_verdict_has_failed(self):
        for answer in ("", "well", "[1]", '{"passed": "yes"}'):
            self.assertEqual(self.told(f"echo '{answer}'; echo why >&2"),
                             "failed: fault: no verdict, exit code 0: why")

    def test_a_row_that_leaves_a_process_behind_has_failed(self):
        self.assertEqual(self.told(f"setsid sleep 1000 & echo '{GOOD}'"),
                         "failed: fault: all well; left behind: processes")

    def test_a_row_that_leaves_a_file_behind_has_failed(self):
        self.assertEqual(self.told(f"touch $XDG_RUNTIME_DIR/litter; echo '{GOOD}'"),
                         "failed: fault: all well; left behind: litter")

    def test_what_a_sanitizer_leaves_behind_does_not_count(self):
        self.assertEqual(self.told(f"touch $TMPDIR/tsan.rodata.1; echo '{GOOD}'"),
                         "passed: fault: all well")

    def test_a_row_is_skipped_with_the_reason(self):
        self.assertEqual(self.told(":", needs=["no-such-tool"]),
                         "skipped: fault: no-such-tool is not installed")
        self.assertEqual(self.told(":", command=["sloth"]),
                         "skipped: fault: sloth was not built here")
        self.assertEqual(self.told('echo \'{"passed": false, "skipped": "no moon"}\''),
                         "skipped: fault: no moon")

    def test_a_row_that_has_a_long_form_only_is_skipped_in_the_short_one(self):
        usual = USUAL.pop("short")
        self.addCleanup(USUAL.update, short=usual)
        self.assertEqual(self.torture(":", "--short"),
                         (["skipped: fault: it has a long form only"], 0))

    def test_a_row_is_told_its_rounds_its_transport_and_the_seed(self):
        words = 'echo "{\\"passed\\": true, \\"figures\\": \\"$*\\"}"'
        told = self.torture(words, "--short", "--seed", "0", settings={"transport": ["fifo"]})
        self.assertEqual(told, (["passed: fault fifo: --rounds 2 --transport fifo --seed 0"], 0))

    def test_a_row_that_there_is_not_is_told(self):
        rows = self.place / "rows.json"
        self.torture(":")
        output, errors, code = said_by(torture.main, ["--rows", "fault", "luck"], rows)
        self.assertEqual((errors, code), ("test/torture/run: no row luck; see --list\n", 1))
        self.assertEqual(said_by(torture.main, ["--list"], rows), ("fault\n", "", 0))

    def written(self, script, *words):
        """The lines of the table, without their date and commit."""
        self.torture(script, "--results", str(self.table), *words)
        return [[cell.strip() for cell in line.split("|")[1:-3]]
                for line in self.table.read_text().splitlines() if line.startswith("| fault")]

    def test_the_table_has_the_last_verdict_of_each_row_also_of_those_not_run(self):
        bad = ["fault", "asan", "", "no verdict, exit code 0: not/yet", "**FAILED**"]
        self.assertEqual(self.written("echo 'not|yet' >&2", "--label", "asan"), [bad])
        good = ["fault", "", "9", "all well", "passed"]
        self.assertEqual(self.written(f"echo '{GOOD}'"), [good, bad])
        self.assertEqual(self.written(f"echo '{GOOD}'", "--label", "asan"),
                         [good, ["fault", "asan", *good[2:]]])

    def test_the_table_keeps_no_lines_of_another_machine(self):
        with mock.patch.object(machine, "machine", lambda: "another"):
            self.written(f"echo '{GOOD}'", "--label", "there")
        self.assertEqual([cells[1] for cells in self.written(f"echo '{GOOD}'")], [""])


class Mutants(unittest.TestCase):
    def test_what_each_mutant_breaks_stands_in_the_sources(self):
        rows = pathlib.Path(__file__).resolve().parents[1] / "torture"
        with mock.patch.object(sys, "path", [str(rows), *sys.path]):
            import mutants
        changed = [what for what, file, old, *_ in mutants.MUTANTS
                   if old not in (mutants.SOURCES / file).read_text()]
        self.assertEqual(changed, [])
