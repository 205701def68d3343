# SPDX-License-Identifier: MIT
"""The measuring itself: rounds, and in each of them every row beside its floor."""
import sys

from harness import running, schedule
from harness.bar import Bar
from harness.results import Results, Unavailable, Unusable, figures_of

NOT_AVAILABLE = 77  # the exit code of a program that this machine lacks something for


def measure(jobs, programs, seconds):
    """The results, and what rows have failed, and why. One that does is left out from then on."""
    results, given_up, failures = Results(), set(), []
    steps = list(schedule.in_order(jobs))
    with Bar(len(steps), sys.stderr) as bar:
        for number, job, row in steps:
            bar.show(f"{bar.left()}  {row.title:.44}")
            try:
                if row not in given_up:
                    results.add(row, job, number, slice_of(row, programs, seconds))
            except Unusable as why:
                given_up.add(row)
                text = f"{row.title}: {why}".rstrip("\n")
                if isinstance(why, Unavailable):
                    bar.say(f"not available: {text}")
                else:
                    bar.say(f"failed: {text}")
                    failures.append(text)
            bar.done += 1
    return results, failures


def slice_of(row, programs, seconds):
    """The figures of a row, measured once."""
    ended = running.run(programs.command(row, seconds=seconds),
                        row.entry["timeout"] + 1.1 * seconds)
    if ended.is_late:
        raise Unusable(f"killed, since it took too long: {ended.errors}")
    if ended.code == NOT_AVAILABLE:
        raise Unavailable(ended.errors)
    if ended.code != 0:
        how = f"killed by signal {-ended.code}" if ended.code < 0 else f"exit code {ended.code}"
        raise Unusable(": ".join(filter(None, (how, ended.errors))))
    return figures_of(row, ended.answer)
