# SPDX-License-Identifier: MIT
"""The table of what the rows of the torture have found, and the machine that they ran on."""
import datetime

from harness import machine

HEAD = ("| row | transport | rounds | figures | verdict | on | commit |\n"
        "|---|---|---|---|---|---|---|\n")
TITLE = """# What was tried, and what held

Written by `test/run --torture`. Each row tries one fault in many rounds, with real processes, FIFOs
and shared memory; `test/torture/rows.json` lists them.

"""
REMARKS = machine.SOURCES / "test" / "torture" / "remarks.md"


def lines_of(text):
    """The lines of a table, by row and transport."""
    lines = {}
    for line in text.split(HEAD)[-1].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 7:
            lines[cells[1], cells[2]] = line
    return lines


def write(file, results, build, commit):
    """Replaces the lines of these rows. Those of another machine do not stay beside them."""
    head = f"{TITLE}{machine.machine()}; {machine.compiler_of(build)}\n\n{HEAD}"
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
                    REMARKS.read_text())
