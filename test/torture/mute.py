#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Apps that never get to their hello, or say something else: the server says what it has waited for
or what was wrong, in time, and stops them."""
import tempfile
import time

import row

TIMEOUT = 0.1
MARGIN = 0.05
# What the app does (test/adversary.cpp) and what the server has to say of it.
SILENT = ["nothing", "one fifo up", "one fifo down", "half a hello", "half a hello's value",
          "skips for ever before the hello"]
WRONG = {"garbage": "unknown bits", "zeros": "unknown bits",
         "a hello without magic": "first frame is no hello", "a hello of garbage": "hello, at byte 0",
         "a hello of nothing": "hello, at byte 0", "a hello of tomorrow": "the app 7 to 9",
         "a connect at once": "first frame is no hello", "2^31": "2147483648",
         "limit + 1": "65537"}
KINDS = {**{how: "waiting for the app's hello" for how in SILENT}, **WRONG}


def try_one(chosen, directory, how):
    """The seconds from before the server's start until it has given up, and what is wrong."""
    words = [f"start_timeout={1000 * TIMEOUT:.0f}", "stop_timeout=100"]
    server = row.Server(chosen, directory, [how], words, "test/adversary")
    refused = server.line_with("refused")
    took = time.monotonic() - server.began
    ends = row.reap()
    code = ends.pop(server.pid)[0]
    output, _ = server.rest()
    wrong = []
    if not refused or KINDS[how] not in refused or "error: " not in output:
        wrong.append(f"{refused} {output}")
    if how in SILENT and took < TIMEOUT:
        wrong.append(f"given up after {took:.3f} s")
    # One that writes on and on may meet the closed pipe before the signal.
    if (code, row.result_of(output)) not in ((143, -15), (141, -13)):
        wrong.append(f"ended with {code} {row.result_of(output)}")
    if ends or row.left_in(directory):
        wrong.append(f"left: {ends} {row.left_in(directory)}")
    return took, [f"{how}: {each}" for each in wrong]


def main():
    chosen = row.options(__doc__)
    row.adopt_orphans()
    seconds, others = [], []
    with tempfile.TemporaryDirectory() as directory:
        problems = row.wrong_transport(chosen, directory)
        for number in row.each_round(chosen.rounds):
            how = list(KINDS)[number % len(KINDS)]
            took, wrong = try_one(chosen, directory, how)
            (seconds if how in SILENT else others).append(took)
            problems += wrong
    problems += [f"{took:.3f} s until the error" for took in seconds + others if took > TIMEOUT + 1]
    for kind in (seconds, others):
        problems += row.late(kind, TIMEOUT + MARGIN, 0.99)
    row.verdict(chosen, chosen.rounds, f"start timeout {1000 * TIMEOUT:.0f} ms, the error after "
                f"{row.times(seconds)}; of a wrong word {row.times(others)}", problems)


if __name__ == "__main__":
    main()
