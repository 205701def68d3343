#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints the tables of README.md from the rows of the benchmark: tables.py ROWS.json"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "test"))

from harness import systems, units

NAMES = {
    **systems.NAMES,
    "shared_memory_lent": "**shared_memory, adaptive, by reference**",
    "floor_fifo_block": "*bare FIFO, epoll*", "floor_fifo_spin": "*bare FIFO, read again*",
    "floor_shared_memory_spin": "*bare ring, spin*",
}
OWN = [(transport, wait) for transport in ("fifo", "shared_memory")
       for wait in ("block", "adaptive", "spin")]
USUAL = {"hogs": 0, "cpus": 2, "tries": 0}


class Rows:
    def __init__(self, rows):
        self.rows = rows

    def all(self, pattern, **settings):
        wanted = {"pattern": pattern, **USUAL, **settings}
        return [r for r in self.rows if all(r[name] == value for name, value in wanted.items())]

    def cell(self, text, pattern, **settings):
        """What `text` makes of the first of these rows."""
        found = self.all(pattern, **settings)
        return text(found[0]) if found else ""

    def systems(self, *patterns):
        """Ours first, then the others in the order of NAMES."""
        there = {(r["transport"], r["wait"]) for p in patterns for r in self.all(p)}
        order = OWN + [(name, wait) for name in NAMES for wait in ("", "block", "spin")]
        return [each for each in order if each in there]


def name(transport, wait, more=""):
    return NAMES.get(transport) or f"**{transport}, {wait}{more}**"


def time_of(percentile):
    return lambda row: units.duration(row[percentile])


def ratio(row):
    return "" if row["ratio"] is None else units.ratio(row["ratio"])


def messages(row):
    return units.rate(row["messages_per_s"]) + "/s"


def throughput(row):
    return f"{row['bytes_per_s'] / 1e9:.1f} GB/s"


def cpu(row):
    return units.duration(row["cpu_ns_per_message"])


def table(title, heading, lines):
    print(f"\n{title}\n\n| " + " | ".join(heading) + " |\n" + "|---" * len(heading) + "|")
    for line in lines:
        print("| " + " | ".join(line) + " |")


def round_trips(rows):
    texts = [*(time_of(p) for p in ("min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns")), cpu, ratio]
    heading = ["", "min", "p50", "p90", "p99", "p99.9", "CPU a message", "to its floor"]
    lines = []
    for transport, wait in rows.systems("round_trip"):
        for tries, more in (0, ""), (1, ", tried"):
            for row in rows.all("round_trip", transport=transport, wait=wait, tries=tries)[:1]:
                lines.append([name(transport, wait, more), *(text(row) for text in texts)])
    table("Round trips", heading, lines)
    others = [(2, 2, "two hogs, p50"), (1, 0, "one CPU, p50"), (1, 2, "one CPU, two hogs, p50")]
    table("Round trips beside others", ["", *(title for *_, title in others), "messages/s, two hogs",
                                        "messages/s, one CPU, two hogs"],
          [[name(*each), *(rows.cell(time_of("p50_ns"), "round_trip", transport=each[0], wait=each[1],
                                     cpus=cpus, hogs=hogs) for cpus, hogs, _ in others),
            *(rows.cell(messages, "round_trip", transport=each[0], wait=each[1], cpus=cpus, hogs=2)
              for cpus in (2, 1))] for each in OWN if each[1] != "spin"])
    beside = [(pipes, cpus) for cpus in (2, 1) for pipes in (1, 2)]
    table("Beside bulk: p50 / p99", ["", "alone", "beside", "one CPU, alone", "one CPU, beside"],
          [[name(*each), *(rows.cell(lambda r: f"{units.duration(r['p50_ns'])} / "
                                               f"{units.duration(r['p99_ns'])}",
                                     "beside_bulk", transport=each[0], wait=each[1], pipes=pipes,
                                     cpus=cpus) for pipes, cpus in beside)]
           for each in [own for own in OWN if own[1] != "spin"] + [("shared_memory_lent", "adaptive")]])


def one_way(rows):
    lines = []
    for transport, wait in rows.systems("one_way", "bulk"):
        of = {"transport": transport, "wait": wait}
        lines.append([name(transport, wait), rows.cell(messages, "one_way", batch=1, **of),
                      rows.cell(messages, "one_way", batch=1, **of | {"tries": 1}),
                      rows.cell(messages, "one_way", batch=64, **of),
                      rows.cell(throughput, "bulk", bytes=1 << 20, **of)])
    lent = {"transport": "shared_memory_lent", "wait": "adaptive"}
    lines.append(["**by reference**", "", "", "", rows.cell(throughput, "bulk", bytes=1 << 20, **lent)])
    table("One way", ["", "one `send` each", "tried", "batches of 64", "1 MiB"], lines)


def by_reference(rows):
    sizes = [1 << 20, 64 << 20]
    table("By reference: p50 of a message whose ends are looked at",
          ["", *(units.memory(size) for size in sizes)],
          [[name(*system), *(rows.cell(time_of("p50_ns"), "by_reference", bytes=size,
                                       transport=system[0]) for size in sizes)]
           for system in [("shared_memory", "adaptive"), ("peer_iceoryx", "")]])


def across(rows, title, first, pattern, setting, values, systems, text):
    """A line for each value of a setting, a column for each system."""
    heading = [first, *(f"{t}, {w}" + (", one CPU" if cpus == 1 else "") for t, w, cpus in systems)]
    table(title, heading,
          [[str(value), *(rows.cell(text, pattern, transport=t, wait=w, cpus=cpus, **{setting: value})
                          for t, w, cpus in systems)] for value in values])


def calls(rows):
    lines = []
    for transport, wait in OWN:
        of = {"transport": transport, "wait": wait}
        lines.append([name(transport, wait), rows.cell(time_of("p50_ns"), "calls", batch=1, **of),
                      rows.cell(ratio, "calls", batch=1, **of),
                      rows.cell(time_of("p50_ns"), "calls_coroutine", batch=1, **of),
                      rows.cell(messages, "calls", batch=64, **of),
                      rows.cell(messages, "calls_coroutine", batch=64, **of),
                      rows.cell(messages, "stream", **of)])
    table("Calls and streams", ["", "one at a time, p50", "to a round trip", "coroutine, p50",
                                "64 in flight", "coroutine, 64 in flight", "items of a stream"], lines)


def through_nats(rows):
    lines = []
    for workers in (1, 2, 4):
        of = {"transport": "nats", "pipes": workers}
        bare = of | {"transport": "floor_nats"}
        lines.append([str(workers),
                      rows.cell(time_of("p50_ns"), "nats_calls", batch=1, **of),
                      rows.cell(time_of("p50_ns"), "nats_calls", batch=1, **bare),
                      rows.cell(ratio, "nats_calls", batch=1, **of),
                      rows.cell(messages, "nats_calls", batch=64, **of),
                      rows.cell(messages, "nats_calls", batch=64, **bare),
                      rows.cell(ratio, "nats_calls", batch=64, **of)])
    table("Calls through NATS", ["workers", "one at a time, p50", "*bare NATS*", "to bare NATS",
                                 "64 in flight", "*bare NATS*", "time a call to bare NATS's"], lines)


def main(source):
    with open(source, encoding="utf-8") as file:
        rows = Rows(json.load(file))
    round_trips(rows)
    one_way(rows)
    by_reference(rows)
    both = [(t, w, cpus) for t, w in OWN if w != "spin" for cpus in (2, 1)]
    across(rows, "Bursts: p50", "round trips", "bursts", "batch", (1, 10, 100, 1000), both,
           time_of("p50_ns"))
    across(rows, "Many pipes: messages/s", "pipes", "pipes", "pipes", (1, 8, 64, 256),
           [(*each, 2) for each in OWN], messages)
    calls(rows)
    through_nats(rows)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
