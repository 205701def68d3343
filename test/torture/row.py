# SPDX-License-Identifier: MIT
"""What the rows in Python share: their options, progress and verdict, and what becomes of the
processes that they start."""
import argparse
import collections
import json
import math
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.processes import adopt_orphans, children, kill_descendants

FEW = 100  # rounds, as in the short form: on a loaded machine the slowest of them say nothing


def options(description, add=lambda parser: None):
    """Those of every row, and those that `add` adds."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=30, metavar="N")
    parser.add_argument("--transport", choices=("fifo", "shared_memory"), default="shared_memory")
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path("build/torture"),
                        metavar="DIR", help="the build directory")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    add(parser)
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    chosen.programs = chosen.programs.resolve()
    chosen.random = random.Random(chosen.seed)
    return chosen


def each_round(count):
    for number in range(count):
        print(f"progress {number} {count}", flush=True)
        yield number


def verdict(chosen, rounds, figures, problems):
    """The last line of a row. It has passed if there are no problems."""
    problems += ["a server fell back to FIFOs"] * Server.fallbacks
    notes = ""
    if problems:
        kinds = collections.Counter(" ".join(each.split()) for each in problems)
        notes = f"{len(problems)} problems, seed {chosen.seed}: " + "; ".join(
            f"{count} times: {each}" for each, count in kinds.most_common(3))
    print(json.dumps({"rounds": rounds, "figures": figures, "passed": not problems,
                      "notes": notes}), flush=True)


def skipped(reason):
    print(json.dumps({"rounds": 0, "passed": False, "skipped": reason}), flush=True)


def percentile(seconds, share):
    """By the nearest rank: the smallest that so many are not over."""
    return sorted(seconds)[max(math.ceil(share * len(seconds)), 1) - 1]


def times(seconds):
    """Percentiles as a text, in milliseconds."""
    if not seconds:
        return "none"
    return "p50 {:.1f} ms, p99 {:.1f} ms, max {:.1f} ms".format(
        *(1e3 * percentile(seconds, share) for share in (0.5, 0.99, 1)))


def late(seconds, limit, share=1.0):
    """What is wrong if not so many are within the limit; of few rounds, half of them."""
    if not seconds:
        return ["nothing was measured"]
    share = share if len(seconds) > FEW else 0.5
    if (took := percentile(seconds, share)) <= limit:
        return []
    return [f"{100 * share:.0f} % take up to {1e3 * took:.1f} ms, not {1e3 * limit:.0f} ms"]


def scratch(place):
    """A directory outside of the row's own, of a name by which the runner removes it as well."""
    return tempfile.TemporaryDirectory(prefix=f"torture-{os.getppid()}-", dir=place)


def _too_late(*_):
    raise TimeoutError


def reap(within=5.0):
    """How every child has ended, adopted ones too, and when: {pid: (code, moment)}; the code is
    -N after signal N. Those that live longer than `within` seconds are killed: code None."""
    ends = {}
    signal.signal(signal.SIGALRM, _too_late)
    signal.setitimer(signal.ITIMER_REAL, within)
    try:
        while True:
            pid, word = os.waitpid(-1, 0)
            ends[pid] = (os.waitstatus_to_exitcode(word), time.monotonic())
    except ChildProcessError:
        pass
    except TimeoutError:
        ends.update({pid: (None, time.monotonic()) for pid in children()})
        kill_descendants()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ends


class Server:
    """The test server (test/server.cpp) with an app, in a session of its own. `words` are for
    the server; what it prints are the events of the run, then its result. Children that it or
    its app leave behind live until it is released."""

    fallbacks = 0  # of all servers: what they then show, they do not show of shared memory

    def __init__(self, chosen, directory, app, words=(), target="test/app", environment=()):
        program = chosen.programs / "test" / "server"
        command = [program, *words, "--", chosen.programs / target, *app]
        variables = dict(os.environ, XDG_RUNTIME_DIR=str(directory), TMPDIR=str(directory),
                         REMORA_TEST_TRANSPORT=chosen.transport, **dict(environment))
        self.errors = tempfile.TemporaryFile("w+")
        self.began = time.monotonic()
        lifeline, self.lifeline = os.pipe()
        self.process = subprocess.Popen(command, stdin=lifeline, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, env=variables,
                                        start_new_session=True)
        os.close(lifeline)
        self.pid = self.process.pid
        self.process.returncode = 0  # reap() sees how it ended

    def lines(self):
        for line in self.process.stdout:
            Server.fallbacks += line.startswith("fallback")
            yield line

    def line_with(self, beginning):
        """The next line that begins so; empty if there is none."""
        return next((line for line in self.lines() if line.startswith(beginning)), "")

    def release(self):
        if self.lifeline is not None:
            os.close(self.lifeline)
        self.lifeline = None

    def rest(self):
        """What is left of its output and its errors. Once all is over."""
        self.release()
        self.errors.seek(0)
        with self.errors, self.process.stdout:
            return "".join(self.lines()), self.errors.read()


def wrong_transport(chosen, directory):
    """Whether servers use another one here than they are told to, by what one has mapped."""
    server = Server(chosen, directory, ["waits"])
    server.line_with("message")
    maps = pathlib.Path(f"/proc/{server.pid}/maps").read_text()
    os.kill(server.pid, signal.SIGTERM)
    reap()
    server.rest()
    is_shared = "/memfd:remora" in maps
    return [f"not over {chosen.transport}"] * (is_shared != (chosen.transport == "shared_memory"))


def app_of(line):
    """The app's process, from the line of the event `started`."""
    return int(line.split()[-1]) if line.startswith("started pid ") else None


def left_in(directory):
    return sorted(os.listdir(directory))


def held_in(directory):
    """What the directories that are left there hold."""
    return sorted(name for each in left_in(directory)
                  for name in os.listdir(os.path.join(directory, each)))


def result_of(output):
    """How the app has ended, by the server's line of the result: "exited with 3" is 3, "killed by
    SIGKILL (9)" is -9; None if its status is unknown, or there is no line."""
    found = re.search(r"^result: (?:exited with (\d+)|killed by (?:signal |\w+ \()(\d+))", output,
                      re.M)
    return found and (int(found[1]) if found[1] else -int(found[2]))
