# SPDX-License-Identifier: MIT
import json
import pathlib
import tempfile
import unittest

from harness import benchmark
from harness.fakes import figures, program, said_by

ROWS = {
    "usual": {"command": ["{transport}"], "short": 1, "long": 3, "timeout": 30,
              "title": "{row} {transport}",
              "settings": {"transport": ["walk"], "wait": [""], "bytes": [0], "batch": [1],
                           "pipes": [1], "cpus": [2], "hogs": [0], "tries": [0]}},
    "rows": [{"row": "round_trip"},
             {"row": "one_way", "settings": {"transport": ["walk", "peer"]}, "optional": True}],
    "floors": [{"of": {"row": "one_way"}, "floor": None},
               {"of": {}, "floor": {"command": ["floor"], "settings": {"transport": "floor"}}}],
    "targets": [{"of": {"row": "round_trip"}, "what": "to its floor", "to": "floor", "most": 1.5}]}


class Benchmark(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = pathlib.Path(directory.name)
        self.rows, self.json = self.place / "rows.json", self.place / "results.json"
        self.rows.write_text(json.dumps(ROWS))
        self.answers("walk", figures(200))
        self.answers("floor", figures(100))

    def answers(self, name, answer):
        self.program(name, f"echo '{json.dumps(answer)}'")

    def program(self, name, script):
        program(self.place / "bench", name, script)

    def bench(self, *words):
        """What it prints, and its exit code."""
        words = ["--bin", str(self.place / "bench"), "--json", str(self.json), *words]
        output, errors, code = said_by(benchmark.main, words, self.rows)
        return output, errors.splitlines(), code

    def lines_of(self, pattern):
        return [row["transport"] for row in json.loads(self.json.read_text())
                if row["pattern"] == pattern]

    def test_a_run_prints_where_it_is_a_table_and_what_was_reached(self):
        output, errors, code = self.bench("--seconds", "0.05")
        self.assertEqual((errors, code), ([], 0))
        self.assertIn("\nrounds: 3, slices of 0.05 s\n\npattern ", output)
        self.assertRegex(output, r"round_trip +walk .* 2\.00\n")
        self.assertRegex(output, r"round_trip walk +to its floor +<= 1\.50 +2\.00 +missed\n")

    def test_a_row_whose_program_fails_is_told_once_and_left_out(self):
        self.program("walk", "echo 'no legs' >&2; exit 3")
        output, errors, code = self.bench("--pattern", "round_trip")
        self.assertEqual((errors, code), (["failed: round_trip walk: exit code 3: no legs"], 1))
        self.assertTrue(output.endswith("\nfailed: round_trip walk: exit code 3: no legs\n"))
        self.assertEqual(self.lines_of("round_trip"), ["floor"])

    def test_a_row_that_fails_later_keeps_the_rounds_before(self):
        again = self.place / "again"
        self.program("walk", f"test ! -e {again} || kill -SEGV $$; touch {again}; "
                             f"echo '{json.dumps(figures(7))}'")
        output, errors, code = self.bench("--pattern", "round_trip")
        self.assertEqual((errors, code), (["failed: round_trip walk: killed by signal 11"], 1))
        self.assertEqual(self.lines_of("round_trip"), ["walk", "floor"])

    def test_a_row_that_answers_nonsense_has_failed(self):
        self.program("walk", "echo fast")
        self.assertEqual(self.bench("--quick", "--pattern", "round_trip")[1:],
                         (["failed: round_trip walk: no JSON: fast"], 1))

    def test_a_row_that_does_nothing_in_its_time_has_failed(self):
        answer = json.dumps(figures(7) | {"samples": 0})
        self.program("walk", f"echo '{answer}'")
        self.assertEqual(self.bench("--quick", "--pattern", "round_trip")[1:],
                         ([f"failed: round_trip walk: nothing was done in its time: {answer}"], 1))

    def test_a_row_that_hangs_is_killed_and_has_failed(self):
        usual = ROWS["usual"] | {"timeout": 0}
        self.rows.write_text(json.dumps(ROWS | {"usual": usual}))
        self.program("walk", "sleep 1000")
        self.assertEqual(self.bench("--seconds", "0.2", "--pattern", "one_way")[1:],
                         (["failed: one_way walk: killed, since it took too long: "], 1))

    def test_a_row_that_this_machine_lacks_something_for_has_not_failed(self):
        self.program("walk", "echo 'no road' >&2; exit 77")
        self.assertEqual(self.bench("--pattern", "round_trip")[1:],
                         (["not available: round_trip walk: no road"], 0))

    def test_programs_that_were_not_built_are_told_but_for_optional_ones(self):
        (self.place / "bench" / "floor").unlink()
        output, errors, code = self.bench("--quick")
        self.assertEqual((errors, code), (["not available: floor, for 1 rows"], 1))
        self.assertEqual(self.lines_of("round_trip") + self.lines_of("one_way"), ["walk", "walk"])

    def test_rows_are_chosen_by_pattern_and_transport(self):
        output, errors, code = self.bench("--list", "--pattern", "round_trip", "--pattern",
                                          "one_way", "--transport", "walk", "--transport", "floor")
        self.assertEqual([line.split() for line in output.splitlines()],
                         [["round_trip", "walk", "round_trip", "floor"], ["one_way", "walk", "-"]])

    def test_the_short_form_has_its_own_rounds_and_time(self):
        self.assertIn("rounds: 1, slices of 0.1 s", self.bench("--quick")[0])
        self.assertIn("rounds: 2, slices of 0.3 s", self.bench("--rounds", "2")[0])

    def test_options_that_make_no_sense_are_refused(self):
        for words in (["--rounds", "0"], ["--seconds", "61"], ["--pattern", "dance"],
                      ["--wait", "never"], ["--patter", "one_way"]):
            self.assertEqual(self.bench(*words)[2], 2, words)

    def test_a_file_that_cannot_be_written_stops_a_run_before_it_begins(self):
        output, errors, code = self.bench("--json", "/nowhere/at/all")
        self.assertEqual((output, code), ("", 1))
        self.assertIn("bench/run: ", errors[0])
