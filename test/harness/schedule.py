# SPDX-License-Identifier: MIT
"""Which rows are run, and in what order."""
import typing

from harness.rows import Row


class Job(typing.NamedTuple):
    """A row and the floor that is measured beside it, if there is one."""

    row: Row
    floor: Row = None


def jobs_of(plan, rows, accepts):
    """The rows that are accepted; and alone, floors that are accepted without any of their rows."""
    jobs = [Job(row, plan.floor_of(row)) for row in rows if accepts(row)]
    measured = {job.floor for job in jobs}
    for floor in filter(None, map(plan.floor_of, rows)):
        if floor.is_floor and accepts(floor) and floor not in measured:
            measured.add(floor)
            jobs.append(Job(floor))
    return jobs


def in_order(jobs):
    """(number of the round, job, row), round by round. A floor is first in every second round, so
    that neither profits from its place."""
    for number in range(max((job.row.rounds for job in jobs), default=0)):
        for job in jobs:
            pair = [job.row, job.floor] if job.floor else [job.row]
            if number < job.row.rounds:
                for row in reversed(pair) if number % 2 else pair:
                    yield number, job, row
