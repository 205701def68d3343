#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server and its app (demo/1_maths), of which one is killed at, or fails in, each of its system
calls in turn, by strace. It has to end, by itself and with a word, and nothing may be left."""
import collections
import os
import re
import subprocess
import sys
import tempfile
import time

import row

ERRORS = ["EINTR", "EMFILE", "ENOMEM", "ENOSPC", "EACCES"]
# Those by which Remora gets anything. What only gives back, and what asks about a descriptor at
# hand, does not fail.
FALLIBLE = re.compile(r"mkdir|mknodat|openat|read|writev?|pread64|epoll_\w+|clone3?|vfork|mmap"
                      r"|fcntl|memfd_create|ftruncate|fallocate|wait4|waitid|flock|pidfd_open"
                      r"|eventfd2|timerfd_create|pipe2|getdents64|unlinkat|rmdir")
# Asio does not look whether these have failed, and an app's own output is its own affair.
NOT_OURS = re.compile(r"fcntl\(\d+, F_[GS]ETF|write\([12],")
# Without it there are FIFOs.
NO_ARENA = ["-e", "inject=memfd_create:error=ENOSYS"]


def strace(log, words):
    """-D: the traced program stays the child of whoever starts it."""
    return ["strace", "-D", "-qq", "-o", log, *words]


def run(chosen, directory, log, injection=()):
    """One life under strace: how the server ended, the others, seconds, output, errors."""
    demo = chosen.programs / "demo"
    server = [str(demo / "1_maths_server"), str(demo / "1_maths_app")]
    environment = dict(os.environ, XDG_RUNTIME_DIR=directory, TMPDIR=directory)
    of_server = NO_ARENA if chosen.transport == "fifo" else []
    if chosen.side == "server":
        server = strace(log, [*of_server, *injection]) + server
    else:
        environment["REMORA_LAUNCHER"] = " ".join(strace(log, injection))
        server = (strace("/dev/null", of_server) if of_server else []) + server
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        began = time.monotonic()
        process = subprocess.Popen(server, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                                   env=environment, start_new_session=True)
        process.returncode = 0
        ends = row.reap(5)
        code, _ = ends.pop(process.pid)
        last = max([moment for _, moment in ends.values()], default=time.monotonic())
        out.seek(0), errors.seek(0)
        others = [other for other, _ in ends.values()]
        return code, others, last - began, out.read(), errors.read()


def points(chosen, directory):
    """The system calls of a life that nothing happens to: the name, which one of that name, and
    whether it is one that can fail: after the loader, which ends by an munmap of its cache."""
    log = os.path.join(directory, "log")
    code = run(chosen, directory, log)[0]
    if code != 0:
        raise RuntimeError(f"it does not even work under strace alone: {code}")
    seen, found = collections.Counter(), []
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name = line.split("(")[0]
            if not name.isidentifier() or name == "execve":
                continue
            seen[name] += 1
            fallible = FALLIBLE.fullmatch(name) and not NOT_OURS.match(line)
            found.append((name, seen[name], fallible and seen["munmap"]))
    os.unlink(log)
    return found


def faults(chosen, found):
    """What strace injects, so many of all that there are."""
    if chosen.transport == "fifo":
        found = [point for point in found if point[0] != "memfd_create"]
    if chosen.what == "kill":
        every = [f"{name}:signal=KILL:when={count}" for name, count, _ in found]
    else:
        every = [f"{name}:error={error}:when={count}" for name, count, fallible in found
                 if fallible for error in ERRORS]
    few = min(chosen.rounds, len(every))
    return [every[i * len(every) // few] for i in range(few)]


def wrong_with_killed(chosen, code, others, left):
    if chosen.side == "server":
        if bad := [other for other in others if other not in (0, 69, -9)]:
            yield f"the app has ended with {bad}"
    elif code not in (0, 137):
        yield f"the server has ended with {code}"
    if len(left) > (chosen.side == "server"):
        yield f"left: {left}"


def wrong_with_failed(code, others, left, output, errors):
    end = errors.strip()[-150:]
    if code < 0 or code in (134, 135, 136, 139) or {-6, -7, -8, -11} & set(others):
        yield f"crashed: {code} {others} {end}"
    if code == 0 and output != "Answer: 9\n":
        yield f"no answer, and no error: {end}"
    if code != 0 and not end:
        yield f"ended with {code}, without a word"
    if left:
        yield f"left: {left} after {code} {end}"


def judge(chosen, fault, directory):
    log = os.path.join(directory, "log")
    code, others, seconds, output, errors = run(chosen, directory, log, ["-e", "inject=" + fault])
    with open(log, encoding="utf-8", errors="replace") as lines:
        missed = any(NOT_OURS.match(line) for line in lines if "INJECTED" in line)
    os.unlink(log)
    left = row.left_in(directory)
    if code is None or None in others:
        wrong = [f"hangs: {code} {others} {errors.strip()[-150:]}"]
    elif missed:  # how often a bell rings differs: now it was another call
        wrong = []
    elif chosen.what == "kill":
        wrong = list(wrong_with_killed(chosen, code, others, left))
    else:
        wrong = list(wrong_with_failed(code, others, left, output, errors))
    if left and (wrong or chosen.what == "fail"):
        subprocess.run(["rm", "-rf", *(os.path.join(directory, name) for name in left)], check=True)
    return code, seconds, [f"{chosen.side} {fault}: {each}" for each in wrong]


def add(parser):
    parser.add_argument("--what", choices=("kill", "fail"), default="fail")


def main():
    chosen = row.options(__doc__, add)
    row.adopt_orphans()
    codes, seconds, problems = collections.Counter(), [], []
    with tempfile.TemporaryDirectory() as directory:
        jobs = []
        for chosen.side in ("server", "app"):
            jobs += [(chosen.side, fault) for fault in faults(chosen, points(chosen, directory))]
        for number in row.each_round(len(jobs)):
            chosen.side, fault = jobs[number]
            code, took, wrong = judge(chosen, fault, directory)
            codes["did its work" if code == 0 else "ended with an error"] += 1
            seconds.append(took)
            problems += wrong
            for each in wrong:
                print(each, file=sys.stderr)
    figures = ", ".join(f"{count} {what}" for what, count in sorted(codes.items()))
    row.verdict(chosen, len(jobs), f"{figures}; over after {row.times(seconds)}", problems)


if __name__ == "__main__":
    main()
