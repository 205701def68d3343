#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A demo's server and app, of which one is killed at, or fails in, each of its system
calls in turn, by strace: of those that each of some lives has. It has to end, by itself and with a
word, and nothing may be left. How often a wake byte is sent differs between two lives, so that a
fault may miss its call: its log tells."""
import collections
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import row

MOST = 0.95  # of the faults have to strike, in so many
TRIES = 4
LIVES = 5
MOST_COMMON = 0.85  # of the calls of a usual life have to be in each
STRUCK = ["struck", "struck and it did its work"]
ERRORS = ["EINTR", "EMFILE", "ENOMEM", "ENOSPC", "EACCES"]
# Those by which Remora gets anything. What only gives back, and what asks about a descriptor at
# hand, does not fail.
FALLIBLE = re.compile(r"mkdir|mknodat|openat|read|writev?|pread64|epoll_\w+|clone3?|vfork|mmap"
                      r"|fcntl|memfd_create|ftruncate|fallocate|wait4|waitid|flock|pidfd_open"
                      r"|eventfd2|timerfd_create|pipe2|getdents64|unlinkat|rmdir"
                      r"|socket|bind|listen|accept4")
# Asio does not look whether these have failed (the last is its timers' descriptor, without which
# none ends), and an app's own output is its own affair.
NOT_OURS = re.compile(r"fcntl\(\d+, F_[GS]ETF|write\([12],"
                      r"|epoll_ctl\(\d+, EPOLL_CTL_ADD, \d+, \{events=EPOLLIN\|EPOLLERR, ")
# The demo of calls has a timer before it has a server.
NOT_OURS_IN_CALLS = re.compile(r"epoll_create1|eventfd2|timerfd_create"
                               r"|epoll_ctl\(\d+, EPOLL_CTL_ADD, [3-6],")
IN_VAIN = ("release: ", "manual: ", "deploy: ")  # what that demo calls so
SHARED = re.compile(r"mmap\(.*PROT_WRITE, MAP_SHARED.* = 0x")
NAMES = {"control.up", "control.down", "inspect"}
# Without it there are FIFOs.
NO_ARENA = ["-e", "inject=memfd_create:error=ENOSYS"]


def strace(log, words):
    """-D: the traced program stays the child of whoever starts it."""
    return ["strace", "-D", "-qq", "-ttt", "-o", log, *words]


def demo_of(chosen):
    return [str(chosen.programs / "demo" / f"{chosen.demo}_{side}") for side in ("server", "app")]


def lines_of(log):
    """When, and what."""
    with open(log, encoding="utf-8", errors="replace") as lines:
        found = [line.rstrip().split(" ", 1) for line in lines]
    os.unlink(log)
    return [(float(moment), text) for moment, text in found]


def run(chosen, directory, log, injection=()):
    """One life under strace: how the server ended, the others, when all was over, by the clock of
    strace's log, output, errors."""
    server = demo_of(chosen)
    environment = dict(os.environ, XDG_RUNTIME_DIR=directory, TMPDIR=directory)
    of_server = NO_ARENA if chosen.transport == "fifo" else []
    if chosen.side == "server":
        server = strace(log, [*of_server, *injection]) + server
    else:
        environment["REMORA_LAUNCHER"] = " ".join(strace(log, injection))
        server = (strace("/dev/null", of_server) if of_server else []) + server
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(server, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                                   env=environment, start_new_session=True)
        process.returncode = 0
        ends = row.reap(5)
        over = max(moment for _, moment in ends.values()) + time.time() - time.monotonic()
        code, _ = ends.pop(process.pid)
        out.seek(0), errors.seek(0)
        others = [other for other, _ in ends.values()]
        return code, others, over, out.read(), errors.read()


def calls_of_a_life(chosen, directory):
    """The system calls of a life that nothing happens to, {(name, which one of that name): whether
    it is one that can fail}: after the loader, which ends by an munmap of its cache."""
    log = os.path.join(directory, "log")
    code, _, _, output, _ = run(chosen, directory, log)
    if code != 0:
        raise RuntimeError(f"it does not even work under strace alone: {code}")
    chosen.usual = sorted(output.splitlines())
    seen, found = collections.Counter(), {}
    lines = lines_of(log)
    if any(SHARED.match(line) for _, line in lines) != (chosen.transport == "shared_memory"):
        raise RuntimeError(f"not over {chosen.transport}")
    for _, line in lines:
        name = line.split("(")[0]
        if not name.isidentifier() or name == "execve":
            continue
        seen[name] += 1
        fallible = FALLIBLE.fullmatch(name) and not NOT_OURS.match(line)
        found[name, seen[name]] = fallible and seen["munmap"]
    return found


def points(chosen, directory):
    """What is in each of some lives: who goes to sleep more often in one of them has more calls."""
    for _ in range(TRIES):
        lives = [calls_of_a_life(chosen, directory) for _ in range(LIVES)]
        usual = statistics.median(map(len, lives))
        common = [(*call, fallible) for call, fallible in lives[0].items()
                  if all(call in life for life in lives)]
        if len(common) >= MOST_COMMON * usual:
            return common
    raise RuntimeError(f"of {usual} calls {len(common)} are in each life")


def faults(chosen, found):
    """What strace injects, so many of all that there are."""
    if chosen.transport == "fifo":
        found = [point for point in found if point[0] != "memfd_create"]
    if chosen.what == "kill":
        every = [f"{name}:signal=KILL:when={count}" for name, count, _ in found]
    else:
        every = [f"{name}:error={error}:when={count}" for name, count, fallible in found
                 if fallible for error in ERRORS]
    return sorted(chosen.random.sample(every, min(chosen.rounds, len(every))), key=every.index)


def strike(fault, lines):
    """When the fault has struck, and the call that it has; none if it has not."""
    calls = [(moment, line) for moment, line in lines if line.startswith(fault.split(":")[0] + "(")]
    if "signal=KILL" not in fault:
        return next(((moment, line) for moment, line in calls if "INJECTED" in line), None)
    every = [line for _, line in lines if re.match(r"\w+\(", line)]
    killed = lines and lines[-1][1].startswith("+++ killed by SIGKILL")
    return calls[-1] if killed and calls and calls[-1][1] == every[-1] else None


def is_not_ours(chosen, line):
    of_demo = chosen.demo == "4_calls" and chosen.side == "server"
    return NOT_OURS.match(line) or of_demo and NOT_OURS_IN_CALLS.match(line)


def wrong_with_killed(chosen, code, others, directory):
    if chosen.side == "app":
        if code != 137:
            yield f"the server has ended with {code}"
    else:
        if code != -9:
            yield f"the server has ended with {code}"
        # strace ends as what it traces does.
        if others.count(-9) > 1 or not set(others) <= {0, 69, -9}:
            yield f"the app has ended with {others}"
    yield from wrong_with_left(chosen, 69 in others, directory)


def wrong_with_left(chosen, app_saw_it, directory):
    """An app that lives removes the directory. Else it is left to the next start: with its socket,
    and its FIFOs if the server was killed before it had an app."""
    left, held = row.left_in(directory), row.held_in(directory)
    if not left:
        return
    chosen.left += 1
    chosen.with_fifos += bool(set(held) - {"inspect"})
    if chosen.side == "app" or app_saw_it or len(left) > 1 or not set(held) <= NAMES:
        yield f"left: {left}, in it {held}"
    subprocess.run(demo_of(chosen), check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, XDG_RUNTIME_DIR=directory))
    if row.left_in(directory):
        yield f"left by the next server: {row.left_in(directory)}"


def did_its_work(chosen, output):
    """In the demo of calls three fail in any case, for a reason that may be another one."""
    told = sorted(output.splitlines())
    if chosen.demo == "4_calls":
        return len(told) == len(chosen.usual) and all(
            line in chosen.usual or line.startswith(IN_VAIN) for line in told)
    return told == chosen.usual


def wrong_with_life(chosen, code, output, directory):
    """Where no fault has struck."""
    if code != 0 or not did_its_work(chosen, output) or row.left_in(directory):
        yield f"ended with {code} and {output}, left: {row.left_in(directory)}"


def wrong_with_failed(chosen, code, others, left, output, errors):
    end = errors.strip()[-150:]
    if code < 0 or code in (134, 135, 136, 139) or {-6, -7, -8, -11} & set(others):
        yield f"crashed: {code} {others} {end}"
    if code == 0 and not did_its_work(chosen, output):
        yield f"no answer, and no error: {end}"
    if code != 0 and not end:
        yield f"ended with {code}, without a word"
    if left:
        yield f"left: {left} after {code} {end}"


def judge(chosen, fault, directory):
    """What became of the fault, the seconds from it until all was over, and what is wrong."""
    log = os.path.join(directory, "log")
    code, others, over, output, errors = run(chosen, directory, log, ["-e", "inject=" + fault])
    struck = strike(fault, lines_of(log))
    left = row.left_in(directory)
    what = "missed" if not struck else "struck and it did its work" if code == 0 else "struck"
    if code is None or None in others:
        wrong = [f"hangs: {code} {others} {errors.strip()[-150:]}"]
    elif not struck:
        wrong = list(wrong_with_life(chosen, code, output, directory))
    elif chosen.what == "fail" and is_not_ours(chosen, struck[1]):
        what, wrong = "struck what is not ours", []
    elif chosen.what == "kill":
        wrong = list(wrong_with_killed(chosen, code, others, directory))
    else:
        wrong = list(wrong_with_failed(chosen, code, others, left, output, errors))
    seconds = [over - struck[0]] if struck else []
    wrong += [f"{took:.3f} s until the end" for took in seconds if took > 1]
    for name in row.left_in(directory):
        shutil.rmtree(os.path.join(directory, name))
    return what, seconds, [f"{chosen.side} {fault}: {each}" for each in wrong]


def add(parser):
    parser.add_argument("--what", choices=("kill", "fail"), default="fail")
    parser.add_argument("--demo", default="1_maths")


def rounds_of(chosen, directory):
    """What became of the faults, the seconds after them by side, and what is wrong."""
    became, problems = collections.Counter(), []
    seconds = {"server": [], "app": []}
    jobs = []
    for chosen.side in seconds:
        jobs += [(chosen.side, fault) for fault in faults(chosen, points(chosen, directory))]
    for number in row.each_round(len(jobs)):
        chosen.side, fault = jobs[number]
        for _ in range(TRIES):  # or until it strikes
            what, took, wrong = judge(chosen, fault, directory)
            seconds[chosen.side] += took
            problems += wrong
            if wrong or what in STRUCK:
                break
        became[what] += 1
    print(*problems, sep="\n", file=sys.stderr)
    return became, seconds, problems


def main():
    chosen = row.options(__doc__, add)
    chosen.left = chosen.with_fifos = 0
    row.adopt_orphans()
    with tempfile.TemporaryDirectory() as directory:
        became, seconds, problems = rounds_of(chosen, directory)
    ours = became.total() - became["struck what is not ours"]
    if sum(became[what] for what in STRUCK) < MOST * ours:
        problems.append("too few faults have struck")
    figures = ", ".join(f"{count} {what}" for what, count in sorted(became.items()))
    for side, limit, share in (("server", 0.5, 1), ("app", 0.1, 0.99)):
        if chosen.what == "kill":
            problems += [f"{side}: {each}" for each in row.late(seconds[side], limit, share)]
        figures += f"; over after one of the {side} {row.times(seconds[side])}"
    if chosen.what == "kill":
        figures += (f"; {chosen.left} directories left to the next start, "
                    f"{chosen.with_fifos} with FIFOs")
    row.verdict(chosen, became.total(), figures, problems)


if __name__ == "__main__":
    main()
