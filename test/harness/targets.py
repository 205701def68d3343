# SPDX-License-Identifier: MIT
"""The figures that rows are meant to reach."""
import typing

from harness import units
from harness.results import quotient

UNITS = {"bytes_per_connection": units.memory, "messages_per_s": units.rate,
         "bytes_per_s": units.rate}


class Judged(typing.NamedTuple):
    title: str  # of the row
    what: str
    wanted: str
    measured: str
    word: str  # "reached" or "missed"


def judged(targets, results):
    """As many as the rows tell."""
    for target in targets:
        for row in results.rows():
            if row.matches(target["of"]) and not row.is_floor:
                value = value_of(target, row, results)
                if value is not None:
                    yield judge(target, row, value)


def value_of(target, row, results):
    """None if it was not measured. A ratio of costs; or of what is done in a time, if a ratio is to
    be large."""
    if "figure" in target:
        return results.figures(row)[target["figure"]]
    if target["to"] == "floor":
        ratio = results.summary(row).ratio
    else:
        settings = row.settings | target["to"]
        others = [each for each in results.rows()
                  if each.name == row.name and each.settings == settings]
        ratio = results.ratio(row, others[0]) if others else None
    return ratio if ratio is None or "most" in target else quotient(1, ratio)


def judge(target, row, value):
    text = UNITS.get(target.get("figure"), units.ratio)
    if "most" in target:
        wanted, reached = f"<= {text(target['most'])}", value <= target["most"]
    else:
        wanted, reached = f">= {text(target['least'])}", value >= target["least"]
    return Judged(row.title, target["what"], wanted, text(value),
                  "reached" if reached else "missed")
