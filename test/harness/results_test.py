# SPDX-License-Identifier: MIT
import json
import unittest

from harness import schedule
from harness.fakes import (FLOOR, JOB, MEMORY, ONE_WAY, OTHER, PLAN, TRIP, figures, measured,
                           of_rounds)
from harness.results import Results, Unusable, figures_of


class Answers(unittest.TestCase):
    def refused(self, text, row, answer):
        with self.assertRaisesRegex(Unusable, text):
            figures_of(row, answer)

    def test_what_is_no_JSON_object_is_refused(self):
        self.refused("no JSON: 3", TRIP, "3")

    def test_an_answer_without_a_number_is_refused(self):
        self.refused("no number p50_ns", TRIP, json.dumps(figures(p50_ns="fast")))

    def test_an_answer_without_a_curve_is_refused(self):
        self.refused("no curve", TRIP, json.dumps(figures(curve=None)))

    def test_an_answer_about_memory_names_the_bytes_of_a_connection(self):
        self.refused("no number bytes_per_connection", MEMORY, json.dumps(figures()))


class Merging(unittest.TestCase):
    def test_the_figures_of_a_row_are_medians_over_its_slices(self):
        merged = of_rounds(TRIP, JOB, 100, 900, 200).figures(TRIP)
        self.assertEqual((merged["p50_ns"], merged["curve"]), (200, [[0.5, 200]]))

    def test_the_median_of_an_even_number_lies_in_the_middle_and_is_rounded_up(self):
        merged = of_rounds(TRIP, JOB, 100, 201).figures(TRIP)
        self.assertEqual((merged["p50_ns"], merged["cpu_ns_per_message"]), (151, 150.5))

    def test_samples_are_summed_and_extremes_stay_extremes(self):
        merged = of_rounds(TRIP, JOB, 100, 900, 200).figures(TRIP)
        self.assertEqual((merged["samples"], merged["min_ns"], merged["max_ns"]), (15, 100, 900))


class Ratios(unittest.TestCase):
    def test_the_ratio_to_a_floor_is_the_median_over_the_pairs_of_each_round(self):
        results = measured((TRIP, JOB, 0, 200), (FLOOR, JOB, 0, 100), (TRIP, JOB, 1, 900),
                           (FLOOR, JOB, 1, 300), (TRIP, JOB, 2, 800), (FLOOR, JOB, 2, 100))
        self.assertEqual(results.summary(TRIP).ratio, 3)

    def test_a_floor_beside_another_row_does_not_count(self):
        beside_other = schedule.Job(OTHER, FLOOR)
        results = measured((TRIP, JOB, 0, 200), (FLOOR, beside_other, 0, 10), (FLOOR, JOB, 0, 100))
        self.assertEqual(results.summary(TRIP).ratio, 2)

    def test_a_row_whose_floor_was_not_measured_has_neither_floor_nor_ratio(self):
        self.assertEqual(of_rounds(TRIP, JOB, 100).summary(TRIP)[2:], (None, None))

    def test_other_rows_are_compared_in_the_rounds_that_have_both(self):
        results = measured((TRIP, JOB, 0, 100), (TRIP, JOB, 1, 600),
                           (OTHER, schedule.Job(OTHER), 1, 200))
        self.assertEqual(results.ratio(TRIP, OTHER), 3)
        self.assertIsNone(results.ratio(TRIP, ONE_WAY))

    def test_messages_without_an_answer_are_compared_by_their_number(self):
        results, job = Results(), schedule.Job(ONE_WAY, floor := PLAN.floor_of(ONE_WAY))
        results.add(ONE_WAY, job, 0, figures(messages_per_s=10))
        results.add(floor, job, 0, figures(messages_per_s=40))
        self.assertEqual(results.summary(ONE_WAY).ratio, 4)


class Order(unittest.TestCase):
    def test_a_floor_is_first_in_every_second_round(self):
        order = [(number, row.title) for number, _, row in schedule.in_order([JOB])]
        self.assertEqual(order[:4], [(0, "round_trip pipe"), (0, "round_trip floor"),
                                     (1, "round_trip floor"), (1, "round_trip pipe")])

    def test_a_round_has_every_row_before_the_next_one_begins(self):
        jobs = [schedule.Job(TRIP), schedule.Job(OTHER)]
        self.assertEqual([(number, row) for number, _, row in schedule.in_order(jobs)][:3],
                         [(0, TRIP), (0, OTHER), (1, TRIP)])

    def test_a_floor_that_is_asked_for_is_measured_alone_and_once(self):
        jobs = schedule.jobs_of(PLAN, PLAN.rows(), lambda row: row.is_floor)
        self.assertEqual([job.row.title for job in jobs], ["round_trip floor", "one_way floor"])
