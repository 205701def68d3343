# SPDX-License-Identifier: MIT
import io
import json
import time
import unittest
from unittest import mock

from harness import benchmark_report, schedule, targets, units
from harness.bar import Bar
from harness.fakes import FLOOR, JOB, MEMORY, OTHER, PLAN, TRIP, figures, measured, of_rounds
from harness.results import NAMES, to_json


class Judging(unittest.TestCase):
    def judged(self, results, **target):
        return [(each.wanted, each.measured, each.word)
                for each in targets.judged([{"of": {"row": "round_trip"}, "what": "it"} | target],
                                           results)]

    def test_a_ratio_above_the_most_is_missed(self):
        results = measured((TRIP, JOB, 0, 200), (FLOOR, JOB, 0, 100))
        self.assertEqual(self.judged(results, to="floor", most=1.9),
                         [("<= 1.90", "2.00", "missed")])
        self.assertEqual(self.judged(results, to="floor", most=2), [("<= 2.00", "2.00", "reached")])

    def test_a_ratio_that_is_to_be_large_is_one_of_throughput(self):
        results = measured((TRIP, JOB, 0, 200), (FLOOR, JOB, 0, 100))
        self.assertEqual(self.judged(results, to="floor", least=0.6),
                         [(">= 0.60", "0.50", "missed")])

    def test_a_row_is_compared_with_the_one_that_differs_so(self):
        results = measured((TRIP, JOB, 0, 300), (OTHER, schedule.Job(OTHER), 0, 100))
        self.assertEqual(self.judged(results, of={"row": "round_trip", "transport": "pipe"},
                                     to={"transport": "other"}, most=1),
                         [("<= 1.00", "3.00", "missed")])

    def test_a_figure_below_the_least_is_missed(self):
        results = of_rounds(TRIP, JOB, 1000)
        self.assertEqual(self.judged(results, figure="messages_per_s", least=8e6),
                         [(">= 8.00 M", "1.00 M", "missed")])

    def test_what_was_not_measured_is_not_judged(self):
        self.assertEqual(self.judged(of_rounds(TRIP, JOB, 1), to={"transport": "x"}, most=1), [])


class Reports(unittest.TestCase):
    def test_numbers_have_three_digits_and_a_unit(self):
        self.assertEqual([units.duration(999), units.duration(1234), units.duration(99_960),
                          units.rate(2e9), units.memory(1536), units.ratio(0.0123)],
                         ["999 ns", "1.23 µs", "100 µs", "2.00 G", "1.50 KiB", "0.012"])

    def test_the_table_has_a_line_a_row_with_its_ratio_and_none_for_memory(self):
        results = measured((TRIP, JOB, 0, 2345), (FLOOR, JOB, 0, 1000))
        results.add(MEMORY, schedule.Job(MEMORY), 0, figures(bytes_per_connection=5))
        heading, gap, trip, floor = benchmark_report.table(
            results.summaries(PLAN.names)).splitlines()
        self.assertEqual((heading.split()[0], gap), ("pattern", ""))
        self.assertEqual(trip.split()[:10],
                         ["round_trip", "pipe", "block", "-", "1", "1", "2", "0", "0", "2.35"])
        self.assertEqual((trip.split()[-1], floor.split()[-1]), ("2.35", "-"))

    def test_a_floor_that_costs_nothing_does_not_stop_the_report(self):
        results = of_rounds(TRIP, JOB, 300)
        results.add(FLOOR, JOB, 0, figures(p50_ns=0))
        summaries = results.summaries(PLAN.names)
        self.assertIn(" inf\n", benchmark_report.table(summaries))
        self.assertIsNone(json.loads(to_json(summaries))[0]["ratio"])

    def test_columns_are_as_wide_as_their_widest_cell(self):
        self.assertEqual(units.aligned([["a", "b"], [], ["long", "99"]], 1),
                         "a      b\n\nlong  99\n")

    def test_the_JSON_has_the_settings_the_figures_the_ratio_and_the_floor(self):
        results = measured((TRIP, JOB, 0, 300), (FLOOR, JOB, 0, 100))
        results.add(MEMORY, schedule.Job(MEMORY), 0, figures(bytes_per_connection=5))
        trip, floor, memory = json.loads(to_json(results.summaries(PLAN.names)))
        self.assertEqual(list(trip), ["pattern", "transport", "wait", "bytes", "batch", "pipes",
                                      "cpus", "hogs", "tries", *NAMES, "ratio", "floor", "curve"])
        self.assertEqual((trip["ratio"], trip["floor"]), (3, "round_trip floor"))
        self.assertEqual((floor["ratio"], floor["floor"]), (None, None))
        self.assertEqual(list(memory)[-1], "bytes_per_connection")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Bars(unittest.TestCase):
    def test_a_bar_on_a_terminal_says_how_far_everything_is(self):
        bar = Bar(4, terminal := Terminal())
        bar.done = 1
        bar.show("walk", 0.5)
        with bar:
            bar.say("passed")
        shown, end = terminal.getvalue().split("\033[K", 1)
        self.assertEqual(shown, f"\r[{'#' * 11}{'.' * 19}]  37 %  walk")
        self.assertEqual(end, "\r\033[Kpassed\n\r\033[K")

    def test_elsewhere_there_is_no_bar(self):
        bar = Bar(4, file := io.StringIO())
        bar.show("walk")
        bar.say("passed")
        self.assertEqual(file.getvalue(), "passed\n")

    def test_the_time_that_is_left_follows_from_that_of_what_is_done(self):
        with mock.patch.object(time, "monotonic", lambda: 1000):
            bar = Bar(4, io.StringIO())
        bar.done = 1
        with mock.patch.object(time, "monotonic", lambda: 1030):
            self.assertEqual(bar.left(), "1 min 30 s left")
