# SPDX-License-Identifier: MIT
"""Measures Remora beside its floors, channels and peers."""
import argparse
import collections
import pathlib
import subprocess
import sys

from harness import benchmark_report, machine, measuring, processes, schedule, targets
from harness.programs import Programs
from harness.results import to_json
from harness.rows import Plan

BENCH = machine.SOURCES / "bench"
# Debian's: another python3 that comes first in PATH does not see Debian's matplotlib.
PYTHON = "/usr/bin/python3"


def number(kind, least, most):
    """A type of options."""
    def read(text):
        if not least <= kind(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not from {least} to {most}")
        return kind(text)
    return read


def options(words, names):
    """As bench/run --help explains them."""
    parser = argparse.ArgumentParser(prog="bench/run", add_help=False, allow_abbrev=False)
    for flag in ("--quick", "--list"):
        parser.add_argument(flag, action="store_true")
    for file in ("--json", "--plot"):
        parser.add_argument(file, metavar="FILE")
    parser.add_argument("--rounds", metavar="N", type=number(int, 1, 10**6))
    parser.add_argument("--seconds", metavar="S", type=number(float, 0.01, 60))
    parser.add_argument("--bin", metavar="DIR", type=pathlib.Path, default="build/release/bench")
    parser.add_argument("--pattern", action="append", choices=names)
    parser.add_argument("--transport", action="append", metavar="NAME")
    parser.add_argument("--wait", action="append", choices=("block", "spin", "adaptive"))
    chosen = parser.parse_args(words)
    chosen.seconds = chosen.seconds or (0.1 if chosen.quick else 0.3)
    return chosen


def chosen_jobs(plan, chosen):
    lists = {"row": chosen.pattern, "transport": chosen.transport, "wait": chosen.wait}
    condition = {name: wanted for name, wanted in lists.items() if wanted}
    rows = [row for row in plan.rows(chosen.quick, chosen.rounds) if row.rounds is not None]
    return schedule.jobs_of(plan, rows, lambda row: row.matches(condition))


def keep_available(jobs, programs):
    """Those whose programs are there; and whether all are that are not optional."""
    rows_without = collections.Counter()

    def is_there(row):
        missing = programs.missing(row)
        rows_without.update([] if row.entry.get("optional") else list(missing))
        return not missing

    kept = [job for job in jobs if is_there(job.row)]
    kept = [job if job.floor and is_there(job.floor) else schedule.Job(job.row) for job in kept]
    for program, count in sorted(rows_without.items()):
        print(f"not available: {program}, for {count} rows", file=sys.stderr)
    return kept, not rows_without


def check_files(chosen):
    """Before the run, which is long: an exception if they could not be written afterwards."""
    for file in filter(None, (chosen.json, chosen.plot)):
        open(file, "a").close()
    if chosen.plot:
        subprocess.run([PYTHON, "-c", "import matplotlib"], check=True)


def write_files(chosen, rows):
    if chosen.json:
        pathlib.Path(chosen.json).write_text(rows)
    if chosen.plot:
        subprocess.run([PYTHON, BENCH / "plot.py", "/dev/stdin", chosen.plot, machine.machine()],
                       input=rows, text=True, check=True)


def run(plan, chosen):
    """Whether all that should be there was measured."""
    jobs = chosen_jobs(plan, chosen)
    if chosen.list:
        for row, floor in jobs:
            print(f"{row.title:<45} {floor.title if floor else '-'}")
        return True
    check_files(chosen)
    programs = Programs(chosen.bin / "peers", chosen.bin)
    jobs, is_complete = keep_available(jobs, programs)
    rounds = chosen.rounds or plan.usual["short" if chosen.quick else "long"]
    print(f"{machine.machine()}\n{machine.versions_of(chosen.bin.parent)}\n"
          f"rounds: {rounds}, slices of {chosen.seconds:g} s\n", flush=True)
    results, failures = measuring.measure(jobs, programs, chosen.seconds)
    summaries = results.summaries(plan.names)
    print(benchmark_report.table(summaries) + benchmark_report.versions(results) +
          benchmark_report.figures(targets.judged(plan.targets, results)), end="", flush=True)
    write_files(chosen, to_json(summaries))
    for failure in failures:  # once more, where whoever reads the end of a log sees it
        print(f"failed: {failure}")
    return is_complete and not failures


def main(words=None, file=BENCH / "rows.json"):
    """The exit code."""
    def run_chosen():
        plan = Plan(file.read_text())
        return run(plan, options(words, plan.names))
    return processes.exit_code("bench/run", run_chosen)


if __name__ == "__main__":
    sys.exit(main())
