# SPDX-License-Identifier: MIT
"""Numbers for people: three digits and a unit; and tables of them."""

TIMES = (" ns", " µs", " ms", " s")
RATES = ("", " k", " M", " G")
SIZES = (" B", " KiB", " MiB", " GiB")


def scaled(value, units, step=1000):
    """The value in the unit that leaves it below 1000, and that unit."""
    for unit in units[:-1]:
        if value < 999.5:
            return value, unit
        value /= step
    return value, units[-1]


def ratio(value):
    if value < 0.0995:
        return f"{value:.2g}"
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def in_units(value, units, step=1000):
    number, unit = scaled(value, units, step)
    return (f"{number:.3g}" if unit == units[0] else ratio(number)) + unit


def duration(nanoseconds):
    return in_units(nanoseconds, TIMES)


def rate(per_second):
    return in_units(per_second, RATES)


def memory(size):
    return in_units(size, SIZES, 1024)


def aligned(lines, flush_left):
    """Lines of cells as text: columns as wide as their widest cell, the first so many flush left.
    An empty line stays one."""
    widths = [max(map(len, column)) for column in zip(*filter(None, lines))]
    adjusts = [str.ljust] * flush_left + [str.rjust] * (len(widths) - flush_left)
    return "".join("  ".join(adjust(cell, width) for adjust, cell, width
                             in zip(adjusts, cells, widths)).rstrip() + "\n" for cells in lines)
