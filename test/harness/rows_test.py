# SPDX-License-Identifier: MIT
import json
import unittest

from harness import machine
from harness.rows import Malformed, Plan

ENTRY = {"row": "walk", "command": ["legs", "--how", "{how}"], "long": 7, "timeout": 30,
         "options": {"--rounds": "{rounds}", "--steps": "{steps}"}, "title": "{row} {how}",
         "settings": {"how": ["slow", "fast"], "steps": [0, 9]}, "unusual": {"steps": "far"}}


def plan_of(*entries, **more):
    return Plan(json.dumps({"usual": {"settings": {"how": ["slow"], "steps": [0]}},
                            "rows": entries or [ENTRY], **more}))


class Reading(unittest.TestCase):
    def refused(self, text, *entries, **more):
        with self.assertRaisesRegex(Malformed, text):
            plan_of(*entries, **more)

    def test_what_is_no_JSON_is_refused(self):
        with self.assertRaises(Malformed):
            Plan("{")

    def test_a_row_without_a_command_is_refused(self):
        self.refused("walk: no command", {"row": "walk", "long": 1, "timeout": 1})

    def test_a_misspelt_key_of_a_row_is_refused(self):
        self.refused("walk: unknown tmeout", ENTRY | {"tmeout": 1})

    def test_a_key_of_another_type_is_refused(self):
        self.refused("walk: timeout cannot be soon", ENTRY | {"timeout": "soon"})

    def test_a_command_with_a_setting_that_is_not_there_is_refused(self):
        self.refused("speed", ENTRY | {"command": ["legs", "{speed}"]})

    def test_a_condition_about_a_setting_that_is_not_there_is_refused(self):
        self.refused("speed", ENTRY | {"never": {"speed": 1}})

    def test_two_rows_with_one_title_are_refused(self):
        self.refused("twice: walk slow", ENTRY, ENTRY)

    def test_a_target_of_no_row_is_refused(self):
        self.refused("no row", targets=[{"of": {"how": "flying"}, "most": 1, "to": "floor"}])

    def test_a_target_without_a_limit_is_refused(self):
        self.refused("none", targets=[{"of": {"how": "slow"}, "to": "floor"}])

    def test_the_rows_of_the_benchmark_and_of_the_torture_can_be_read(self):
        for file in ("bench/rows.json", "test/torture/rows.json"):
            self.assertTrue(Plan((machine.SOURCES / file).read_text()).rows())


class Rows(unittest.TestCase):
    def titles(self, *entries, short=False):
        return [row.title for row in plan_of(*entries).rows(short) if row.rounds is not None]

    def test_each_combination_of_settings_is_a_row_and_the_last_changes_first(self):
        self.assertEqual(self.titles(),
                         ["walk slow", "walk slow, far", "walk fast", "walk fast, far"])

    def test_combinations_that_make_no_sense_are_no_rows(self):
        entry = ENTRY | {"never": [{"how": "fast", "steps": 0}, {"steps": 9}]}
        self.assertEqual(self.titles(entry), ["walk slow"])

    def test_the_short_form_leaves_out_rows_without_short_and_those_of_only_long(self):
        self.assertEqual(self.titles(short=True), [])
        entry = ENTRY | {"short": 1, "only_long": {"how": "slow"}}
        self.assertEqual(self.titles(entry, short=True), ["walk fast", "walk fast, far"])

    def test_the_command_has_the_settings_and_the_options_that_have_a_value(self):
        first, far, *_ = plan_of().rows()
        self.assertEqual(first.words(), ["legs", "--how", "slow", "--rounds", "7"])
        self.assertEqual(far.words(), ["legs", "--how", "slow", "--rounds", "7", "--steps", "9"])

    def test_the_number_of_rounds_can_be_overridden(self):
        self.assertEqual([row.rounds for row in plan_of().rows(rounds=2)], [2, 2, 2, 2])

    def test_a_floor_differs_as_the_first_rule_says_that_matches(self):
        plan = plan_of(floors=[{"of": {"steps": 9}, "floor": None},
                               {"of": {"how": "fast"}, "floor": {"settings": {"how": "slow"}}},
                               {"of": {}, "floor": {"command": ["feet"], "title": "bare {row}"}}])
        floors = [plan.floor_of(row) for row in plan.rows()]
        self.assertEqual([floor and floor.title for floor in floors],
                         ["bare walk", None, "walk slow", None])
        self.assertEqual([floor.is_floor for floor in floors if floor], [True, False])
