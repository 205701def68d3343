#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws the rows of the benchmark: plot.py ROWS.json PICTURE.svg [MACHINE]"""

import json
import math
import pathlib
import sys

import matplotlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "test"))

from harness import systems, units

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

REMORA = {
    ("fifo", "block"): "#9ecae1",
    ("fifo", "spin"): "#4292c6",
    ("fifo", "adaptive"): "#08519c",
    ("shared_memory", "block"): "#fdbe85",
    ("shared_memory", "spin"): "#fd8d3c",
    ("shared_memory", "adaptive"): "#c43c00",
    ("shared_memory_lent", "adaptive"): "#7a0177",
}
OTHERS = {"floor": "#666666", "channel": "#2c9c56", "peer": "#8e5ab5"}
PALE = {"floor": "#b9b9b9", "channel": "#93cfa9", "peer": "#c6aedb"}
DASHES = [(0, (5, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (1, 1)), (0, (8, 3))]
PERCENTILES = [0, 50, 90, 99, 99.9, 99.99]
NAMES = {
    "fifo": "FIFO",
    "shared_memory": "shared memory",
    "shared_memory_lent": "shared memory, by reference",
    "floor_fifo_block": "bare FIFO, block",
    "floor_fifo_spin": "bare FIFO, spin",
    "floor_shared_memory_spin": "bare shared memory, spin",
    **systems.NAMES,
}


def kind(row):
    return row["transport"].split("_")[0]


def is_remora(row):
    return (row["transport"], row["wait"]) in REMORA


def name(row):
    text = NAMES.get(row["transport"], row["transport"])
    return f"{text}, {row['wait']}" if is_remora(row) else text


def color(row, others=None):
    return REMORA.get((row["transport"], row["wait"])) or (others or OTHERS)[kind(row)]


def duration(ns, _=None):
    return "{:.3g}{}".format(*units.scaled(ns, units.TIMES))


def rate(count, _=None):
    return "{:.3g}{}".format(*units.scaled(count, units.RATES))


def chosen(rows, **settings):
    return [r for r in rows if all(r[key] == value for key, value in settings.items())]


def nines(quantile):
    return -math.log10(1 - quantile)


def in_order(rows):
    """Remora first, then the others by kind, each from slow to fast."""
    kinds = ["fifo", "shared", "floor", "channel", "peer"]
    return sorted(rows, key=lambda r: (kinds.index(kind(r)), -r["p50_ns"]))


def grid(axes):
    axes.grid(True, color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in "top", "right":
        axes.spines[side].set_visible(False)


def draw_percentiles(axes, rows):
    seen = {}
    for row in in_order(rows):
        count = seen[kind(row)] = seen.get(kind(row), -1) + 1
        style = {"linewidth": 2.2} if is_remora(row) else {
            "linewidth": 1.3, "linestyle": DASHES[count % len(DASHES)]}
        points = [(nines(q), ns) for q, ns in row["curve"]]
        label = f"{name(row)}  ({duration(row['p50_ns'])})"
        axes.plot(*zip(*points), color=color(row), label=label, **style)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(duration))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks([nines(p / 100) for p in PERCENTILES], [f"{p:g} %" for p in PERCENTILES])
    axes.set_xlim(0, 4)
    axes.set_xlabel("share of the round trips that take no longer")
    axes.set_title("Round trip", loc="left")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8.5,
                title="median in brackets", title_fontsize=8.5, handlelength=3.2)
    grid(axes)


def draw_bars(axes, rows, figure, text, title):
    labels = [name(r) + (f", {r['batch']} a send" if r["batch"] > 1 else "") for r in rows]
    bars = axes.barh(labels, [r[figure] for r in rows], height=0.7,
                     color=[color(r, PALE) for r in rows])
    axes.bar_label(bars, [text(r[figure]) for r in rows], padding=3, fontsize=8)
    axes.set_xscale("log")
    axes.margins(x=0.15, y=0.02)
    axes.xaxis.set_major_formatter(FuncFormatter(text))
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set_title(title, loc="left")
    grid(axes)
    axes.grid(False, axis="y")


def draw_medians(axes, rows):
    others = [r for r in rows if kind(r) != "floor"]
    draw_bars(axes, sorted(others, key=lambda r: -r["p50_ns"]), "p50_ns", duration,
              "Round trip: median, and those of the floors as lines")
    for row, line in zip([r for r in rows if kind(r) == "floor"], DASHES):
        axes.axvline(row["p50_ns"], color=OTHERS["floor"], linewidth=1, linestyle=line,
                     label=name(row))
    axes.legend(loc="upper right", frameon=False, fontsize=8)


def draw_one_way(axes, rows):
    draw_bars(axes, sorted(rows, key=lambda r: r["messages_per_s"]), "messages_per_s", rate,
              "One way, 64 B: messages a second")


def draw_sizes(axes, rows):
    systems = {(r["transport"], r["wait"]): r for r in rows}
    others = 0
    for (transport, wait), one in systems.items():
        group = sorted(chosen(rows, transport=transport, wait=wait), key=lambda r: r["bytes"])
        if len(group) == 1 or wait in ("block", "spin"):
            continue
        style = {"linewidth": 2.2} if is_remora(one) else {"linewidth": 1.3,
                                                           "linestyle": DASHES[others % 5]}
        others += not is_remora(one)
        axes.plot([r["bytes"] for r in group], [r["bytes_per_s"] for r in group], color=color(one),
                  label=name(one), marker="o", markersize=3.5, **style)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: units.memory(size)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda each, _: f"{each / 1e9:g} GB/s"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_title("One way: bytes a second over the size of a message", loc="left")
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    grid(axes)


def draw_bursts(axes, rows):
    for transport, wait in REMORA:
        for cpus, line in (2, "-"), (1, ":"):
            group = sorted(chosen(rows, transport=transport, wait=wait, cpus=cpus),
                           key=lambda r: r["batch"])
            label = f"{NAMES[transport]}, {wait}" + (", one CPU" if cpus == 1 else "")
            if group:
                axes.plot([r["batch"] for r in group], [r["p50_ns"] for r in group], line,
                          color=REMORA[transport, wait], label=label, marker="o", markersize=4)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(duration))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("round trips a burst, then 2 ms of silence")
    axes.set_title("Bursts: median of a round trip", loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False, fontsize=8,
                ncol=2)
    grid(axes)


def draw_workers(axes, rows):
    for transport, text, line, shade in (("nats", "Remora, gateway and workers", "-",
                                          REMORA["shared_memory", "adaptive"]),
                                         ("floor_nats", "bare NATS", DASHES[0], OTHERS["floor"])):
        group = sorted(chosen(rows, transport=transport), key=lambda r: r["pipes"])
        axes.plot([r["pipes"] for r in group], [r["messages_per_s"] for r in group], label=text,
                  color=shade, linestyle=line, marker="o", markersize=4)
    axes.set_ylim(bottom=0)
    axes.set_xticks(sorted({r["pipes"] for r in rows}))
    axes.yaxis.set_major_formatter(FuncFormatter(rate))
    axes.set_xlabel("workers, each a process; all share the CPUs")
    axes.set_title("Calls a second through NATS, 64 in flight", loc="left")
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    grid(axes)


def main(source, target, machine=""):
    with open(source, encoding="utf-8") as file:
        rows = [row for row in json.load(file) if not row["hogs"] and not row["tries"]]
    matplotlib.rcParams.update({"font.size": 9.5, "axes.titlesize": 11, "svg.hashsalt": "remora"})
    figure = plt.figure(figsize=(12, 20), facecolor="white")
    round_trips = chosen(rows, pattern="round_trip", cpus=2)
    panels = [
        (draw_percentiles, [0.07, 0.762, 0.64, 0.196], round_trips),
        (draw_medians, [0.17, 0.49, 0.3, 0.225], round_trips),
        (draw_one_way, [0.67, 0.49, 0.3, 0.225], chosen(rows, pattern="one_way")),
        (draw_sizes, [0.07, 0.239, 0.42, 0.204], chosen(rows, pattern="bulk")),
        (draw_bursts, [0.57, 0.239, 0.4, 0.204], chosen(rows, pattern="bursts")),
        (draw_workers, [0.07, 0.045, 0.42, 0.14], chosen(rows, pattern="nats_calls", batch=64)),
    ]
    for draw, place, data in panels:
        if data:
            draw(figure.add_axes(place), data)
    figure.text(0.07, 0.985, "Remora beside its floors, channels and peers", va="top", fontsize=14)
    figure.text(0.97, 0.983, machine, ha="right", va="top", fontsize=9, color="#777777")
    figure.savefig(target, metadata={"Date": None} if target.endswith(".svg") else None)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
