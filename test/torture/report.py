# SPDX-License-Identifier: MIT
"""The table of what the rows have found, and the machine that they ran on."""
import datetime
import json
import os
import pathlib
import platform
import subprocess

HEAD = ("| row | transport | rounds | figures | verdict | on | commit |\n"
        "|---|---|---|---|---|---|---|\n")
TITLE = """# What was tried, and what held

Written by `test/run --torture`. Each row tries one fault in many rounds, with real processes, FIFOs
and shared memory; `test/torture/rows.json` lists them.

"""


def commit_but_for(results):
    """Of this working copy; a + behind it if more than the results differ."""
    def git(*words):
        told = subprocess.run(["git", *words], capture_output=True, check=True, text=True,
                              cwd=pathlib.Path(__file__).parents[2])
        return told.stdout.strip()
    try:
        name = git("rev-parse", "--short", "HEAD")
        changes = git("status", "--porcelain").splitlines()
        return name + "+" * any(not line.endswith(results.name) for line in changes)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def compiler_of(programs):
    try:
        commands = json.loads((programs / "compile_commands.json").read_text())
        words = commands[0]["command"].split()
        name = words[1] if words[0].endswith("ccache") else words[0]
        told = subprocess.run([name, "--version"], capture_output=True, check=True, text=True)
        version = told.stdout.splitlines()[0]
        return version if "clang" in version else "g++ " + version.split(" ", 1)[-1]
    except (OSError, subprocess.CalledProcessError, ValueError, LookupError):
        return "an unknown compiler"


def machine(programs):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    cpus = len(os.sched_getaffinity(0))
    return (f"{models[0] if models else platform.machine()}, {cpus} CPUs, Linux "
            f"{platform.release()}; {compiler_of(programs)}")


def lines_of(text):
    """The lines of a table, by row and transport."""
    lines = {}
    for line in text.split(HEAD)[-1].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 7:
            lines[cells[1], cells[2]] = line
    return lines


def write(file, results, programs, commit):
    """Replaces the lines of these rows. Those of another machine do not stay beside them."""
    head = TITLE + machine(programs) + "\n\n" + HEAD
    before = file.read_text() if file.exists() else ""
    lines = lines_of(before) if before.startswith(head) else {}
    today = datetime.datetime.now(datetime.timezone.utc).date()
    for each in results:
        text = each["text"].replace("|", "/").replace("\n", " ")
        word = each["word"] if each["word"] == "passed" else f"**{each['word'].upper()}**"
        lines[each["row"], each["transport"]] = (
            f"| {each['row']} | {each['transport']} | {each['rounds']} | {text} | "
            f"{word} | {today} | {commit} |")
    file.write_text(head + "".join(lines[key] + "\n" for key in sorted(lines)) + "\n" +
                    pathlib.Path(__file__).with_name("remarks.md").read_text())
