# SPDX-License-Identifier: MIT
"""Runs the rows of rows.json: programs that try one fault each, in many rounds, and judge.

Prints a line for each, "passed: ROW", "failed: ROW" or "skipped: ROW", and in between how far the
row is: a bar on a terminal. The exit code is 0 if none has failed.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

from harness import machine, processes, running, torture_report
from harness.bar import Bar
from harness.programs import Programs
from harness.rows import Malformed, Plan

HERE = machine.SOURCES / "test" / "torture"
SHORT_LIMIT = 300  # seconds


def options(words):
    parser = argparse.ArgumentParser(prog="test/torture/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path("build/torture"),
                        metavar="DIR", help="the build directory (default: build/torture)")
    parser.add_argument("--short", action="store_true", help="few rounds of each row, as CI does")
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--seed", type=int, help="of everything random, in every row")
    parser.add_argument("--results", type=pathlib.Path, metavar="FILE",
                        help="write a table; rows that are not run keep their line in it")
    parser.add_argument("--label", help="of this build, behind the transport in the table")
    parser.add_argument("--list", action="store_true", help="the names of the rows")
    return parser.parse_args(words)


def verdict_of(ended, limit):
    """What the row says, unless it could not judge."""
    if ended.is_late:
        return {"passed": False, "notes": f"not over after {limit} s"}
    errors = ended.errors.strip()[-400:]
    try:
        verdict = json.loads(ended.answer)
    except ValueError:
        verdict = None
    if not isinstance(verdict, dict) or not isinstance(verdict.get("passed"), bool):
        return {"passed": False, "notes": f"no verdict, exit code {ended.code}: {errors}"}
    if ended.code != 0:
        verdict.pop("skipped", None)
        verdict.update(passed=False, notes=f"exit code {ended.code}: {errors}")
    return verdict


def remove_scratch():
    """What a row has made outside of its directory (row.scratch), if it was killed."""
    for place in map(pathlib.Path, ("/tmp", "/dev/shm")):
        for path in place.glob(f"torture-{os.getpid()}-*"):
            shutil.rmtree(path, ignore_errors=True)


def run_row(words, limit, on_progress):
    """In a directory of its own; what it leaves behind is wrong. A row whose servers are killed has
    the next start sweep after them, before it ends."""
    with tempfile.TemporaryDirectory(prefix="torture-") as directory:
        environment = dict(os.environ, TMPDIR=directory, XDG_RUNTIME_DIR=directory)
        ended = running.run(words, limit, environment, on_progress)
        verdict = verdict_of(ended, limit)
        left = ["processes"] * (ended.left > 0)
        # An app that is killed while TSan starts it cannot remove that one's file.
        left += [file for file in sorted(os.listdir(directory))
                 if not file.startswith("tsan.rodata.")]
    remove_scratch()
    if left and verdict["passed"]:
        verdict.update(passed=False, notes=f"left behind: {', '.join(left[:5])}")
    return verdict


def try_row(row, programs, chosen, bar):
    """Its verdict, or the reason why it is skipped."""
    bar.show(row.title)
    if row.rounds is None:
        return {"skipped": "it has a long form only"}
    if missing := programs.missing(row):
        return {"skipped": next(iter(missing.values()))}
    words = programs.command(row, programs=chosen.programs.resolve())
    words += ["--seed", str(chosen.seed)] if chosen.seed is not None else []
    limit = row.entry["timeout"]
    return run_row(words, min(limit, SHORT_LIMIT) if chosen.short else limit, lambda done, of:
                   bar.show(f"{row.title} {done}/{of}", done / of))


def result_of(row, verdict, chosen):
    """What the table says of it."""
    word = "skipped" if verdict.get("skipped") else "passed" if verdict["passed"] else "failed"
    text = "; ".join(filter(None, map(verdict.get, ("skipped", "figures", "notes"))))
    where = ", ".join(filter(None, (row.settings["transport"], chosen.label)))
    return {"row": row.name, "transport": where, "word": word,
            "rounds": verdict.get("rounds", ""), "text": text}


def run_all(rows, chosen):
    """The results, after each of them in the table as well."""
    programs = Programs(HERE, chosen.programs / "test" / "torture")
    commit = machine.commit_but_for(chosen.results) if chosen.results else ""
    results = []
    with Bar(len(rows), sys.stdout) as bar:
        for row in rows:
            began = time.monotonic()
            result = result_of(row, try_row(row, programs, chosen, bar), chosen)
            bar.done += 1
            bar.say(f"{result['word']}: {row.title}: {result['text']} "
                    f"({time.monotonic() - began:.1f} s)")
            results.append(result)
            if chosen.results:
                torture_report.write(chosen.results, results, chosen.programs, commit)
    return results


def main(words=None, file=HERE / "rows.json"):
    """The exit code."""
    def run():
        plan, chosen = Plan(file.read_text()), options(words)
        if chosen.list:
            return print("\n".join(plan.names)) is None
        if unknown := set(chosen.rows or []) - set(plan.names):
            raise Malformed(f"no row {', '.join(sorted(unknown))}; see --list")
        rows = [row for row in plan.rows(chosen.short) if row.name in (chosen.rows or plan.names)]
        try:
            return all(result["word"] != "failed" for result in run_all(rows, chosen))
        finally:
            processes.kill_descendants()
            remove_scratch()
    return processes.exit_code("test/torture/run", run)
