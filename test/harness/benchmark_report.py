# SPDX-License-Identifier: MIT
"""What a run of the benchmark prints."""
from harness import units

HEADING = ["pattern", "transport", "wait", "bytes", "batch", "pipes", "cpus", "hogs", "tries", "min",
           "p50", "p90", "p99", "p99.9", "max", "messages/s", "CPU/message", "x floor"]
TEXT_COLUMNS = 3


def table(summaries):
    lines, name = [HEADING], None
    for each in summaries:
        if each.row.name == "memory":  # it has no times
            continue
        lines += [[]] * (each.row.name != name) + [line_of(each)]
        name = each.row.name
    return units.aligned(lines, TEXT_COLUMNS) if len(lines) > 1 else ""


def line_of(summary):
    row, figures, _, ratio = summary
    size = row.settings["bytes"]
    times = ("min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")
    return [row.name, row.settings["transport"], row.settings["wait"] or "-",
            units.memory(size) if size else "-",
            *(str(row.settings[name]) for name in ("batch", "pipes", "cpus", "hogs", "tries")),
            *(units.duration(figures[name]) for name in times),
            units.rate(figures["messages_per_s"]), units.duration(figures["cpu_ns_per_message"]),
            "-" if ratio is None else units.ratio(ratio)]


def versions(results):
    """Of others, as far as their programs tell them."""
    told = {row.settings["transport"]: results.version(row) for row in results.rows()}
    return "".join(f"{name}: {version}\n" for name, version in sorted(told.items()) if version)


def figures(judged):
    lines = [["Figures", "", "target", "measured", ""], [], *judged]
    return "\n" + units.aligned(lines, len(lines[0])) if len(lines) > 2 else ""
