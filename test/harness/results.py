# SPDX-License-Identifier: MIT
"""What the slices of each row of the benchmark add up to."""
import json
import math
import statistics
import typing

from harness.rows import Row
from harness.schedule import Job

NAMES = ("samples", "min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns", "messages_per_s",
         "bytes_per_s", "cpu_ns_per_message")
OF_MEMORY = ("bytes_per_connection",)
SETTINGS = ("transport", "wait", "bytes", "batch", "pipes", "cpus", "hogs", "tries")


class Unusable(Exception):
    """The program failed, took too long or answered nonsense."""


class Unavailable(Unusable):
    """The program says that this machine lacks what it needs."""


def figures_of(row, answer):
    """The line that a program has printed: figures by name."""
    try:
        figures = json.loads(answer)
    except ValueError:
        figures = None
    if not isinstance(figures, dict):
        raise Unusable(f"no JSON: {answer}")
    if figures.get("samples") == 0:
        raise Unusable(f"nothing was done in its time: {answer}")
    for name in names_of(row):
        if type(figures.get(name)) not in (int, float):
            raise Unusable(f"no number {name}: {answer}")
    if not isinstance(figures.get("curve"), list):
        raise Unusable(f"no curve: {answer}")
    return figures


def names_of(row):
    return NAMES + OF_MEMORY * (row.name == "memory")


def cost(row, figures):
    """Nanoseconds: what is compared between rows. The time of a round trip; or the time a message,
    where messages follow each other without an answer, so that it tells more; of pipes, as their
    round trips overlap; and beside hogs: few round trips, but long ones, wait for these. Beside
    bulk it is the time that few take longer than. Of many calls through NATS it is the time a call."""
    are_many = row.name == "nats_calls" and row.settings["batch"] > 1
    if are_many or row.name in ("one_way", "bulk", "pipes") or row.settings["hogs"]:
        return quotient(1e9, figures["messages_per_s"])
    return figures["p99_ns" if row.name == "beside_bulk" else "p50_ns"]


def quotient(cost_of_one, cost_of_other):
    return cost_of_one / cost_of_other if cost_of_other else math.inf


def merged(name, values):
    """Medians over the slices, the least of the least, the greatest of the greatest."""
    how = {"samples": sum, "min_ns": min, "max_ns": max}.get(name, statistics.median)
    return float(how(values)) if name == "cpu_ns_per_message" else math.floor(how(values) + 0.5)


class Slice(typing.NamedTuple):
    job: Job
    number: int  # of the round
    figures: dict


class Summary(typing.NamedTuple):
    """A row of the table."""

    row: Row
    figures: dict
    floor: Row  # None: it was not compared with any
    ratio: float  # of the costs, to the floor's: the median of the pairs


class Results:
    def __init__(self):
        self._slices = {}

    def add(self, row, *slice_of):
        self._slices.setdefault(row, []).append(Slice(*slice_of))

    def rows(self):
        """In the order in which they were measured first."""
        return list(self._slices)

    def figures(self, row):
        slices = self._slices[row]
        values = {name: merged(name, [each.figures[name] for each in slices])
                  for name in names_of(row)}
        curves = zip(*(each.figures["curve"] for each in slices))
        values["curve"] = [[points[0][0], merged("curve", [cost for _, cost in points])]
                           for points in curves]
        return values

    def version(self, row):
        """Of another library, if its program tells it."""
        return self._slices[row][0].figures.get("version")

    def ratio(self, row, other, is_pair=lambda one, two: True):
        """How the costs of two rows compare, in the rounds that have both; None if none has."""
        ratios = [quotient(cost(row, one.figures), cost(other, two.figures))
                  for one in self._slices.get(row, []) for two in self._slices.get(other, [])
                  if one.number == two.number and is_pair(one, two)]
        return statistics.median(ratios) if ratios else None

    def summary(self, row):
        floors = {each.job.floor for each in self._slices[row] if each.job.row == row}
        floor = next(iter(floors), None)
        ratio = self.ratio(row, floor, lambda one, two: one.job == two.job and one.job.row == row)
        return Summary(row, self.figures(row), None if ratio is None else floor, ratio)

    def summaries(self, names):
        """By the names of their rows, floors last."""
        return [self.summary(row) for row in
                sorted(self._slices, key=lambda row: (names.index(row.name), row.is_floor))]


def to_json(summaries):
    """A list of objects, one a row."""
    rows = []
    for row, figures, floor, ratio in summaries:
        settings = {name: row.settings[name] for name in SETTINGS}
        of_memory = {name: figures.pop(name) for name in OF_MEMORY if name in figures}
        curve = figures.pop("curve")
        ratio = None if ratio == math.inf else ratio  # JSON has no such number
        rows.append({"pattern": row.name, **settings, **figures, "ratio": ratio,
                     "floor": floor and floor.title, "curve": curve, **of_memory})
    return json.dumps(rows, indent=1) + "\n"
