# SPDX-License-Identifier: MIT
"""Rows, results and programs for the tests of the driver."""
import contextlib
import io
import json

from harness import schedule
from harness.results import NAMES, Results
from harness.rows import Plan

PLAN = Plan(json.dumps({
    "usual": {"command": ["program"], "long": 4, "timeout": 1, "title": "{row} {transport}",
              "settings": {"transport": ["pipe"], "wait": ["block"], "bytes": [0], "batch": [1],
                           "pipes": [1], "cpus": [2], "hogs": [0], "tries": [0]}},
    "rows": [{"row": "round_trip"}, {"row": "round_trip", "settings": {"transport": ["other"]}},
             {"row": "one_way"}, {"row": "memory"}],
    "floors": [{"of": {"row": "memory"}, "floor": None},
               {"of": {}, "floor": {"command": ["bare"], "settings": {"transport": "floor"}}}]}))
TRIP, OTHER, ONE_WAY, MEMORY = PLAN.rows()
FLOOR = PLAN.floor_of(TRIP)
JOB = schedule.Job(TRIP, FLOOR)


def figures(cost=100, **more):
    values = {"samples": 5, "min_ns": cost, "p50_ns": cost, "max_ns": cost,
              "messages_per_s": 1e9 / cost, "cpu_ns_per_message": cost, "curve": [[0.5, cost]]}
    return dict.fromkeys(NAMES, 1) | values | more


def measured(*slices):
    """Slices are (row, its job, number, cost)."""
    results = Results()
    for row, job, number, cost in slices:
        results.add(row, job, number, figures(cost))
    return results


def of_rounds(row, job, *costs):
    return measured(*((row, job, number, cost) for number, cost in enumerate(costs)))


def program(directory, name, script):
    """A shell script that can be run."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


def said_by(main, *words):
    """What a driver writes to its output and its errors, and its exit code."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = main(*words)
        except SystemExit as end:
            code = end.code
    return output.getvalue(), errors.getvalue(), code
