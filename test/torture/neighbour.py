#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers under umask 000 in a directory that all may write to, as /tmp is, while another user
tries to open, remove and replace what is theirs, and makes what looks like theirs beforehand."""
import collections
import contextlib
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile

import row

NOBODY = 65534
PRIVATE = {"directory": 0o700, "FIFO": 0o600}
NAMES = ["control.up", "control.down", "1.up", "1.down", "inspect"]


def attacks(path):
    """Each of them has to fail."""
    inside = path + "/control.up"
    yield "list", lambda: os.listdir(path)
    yield "rmdir", lambda: os.rmdir(path)
    yield "rename", lambda: os.rename(path, path + "x")
    yield "chmod", lambda: os.chmod(path, 0o777)
    yield "plant", lambda: os.mkfifo(path + "/7.up")
    yield "enter", lambda: os.chdir(path)
    for name in NAMES:
        at = f"{path}/{name}"
        yield "read", lambda at=at: os.open(at, os.O_RDONLY | os.O_NONBLOCK)
        yield "write", lambda at=at: os.open(at, os.O_WRONLY | os.O_NONBLOCK)
        yield "unlink", lambda at=at: os.unlink(at)
    yield "link", lambda: os.symlink("/etc/passwd", inside + "x")


def attack(directory):
    """The neighbour: goes on for ever, and says where it has got through. Prints every directory
    that it has met."""
    met = set()
    while True:
        for name in os.listdir(directory):
            path = f"{directory}/{name}"
            with contextlib.suppress(OSError):
                if os.lstat(path).st_uid == os.geteuid():
                    continue
                for what, deed in attacks(path):
                    with contextlib.suppress(OSError):
                        deed()
                        print(f"got through: {what}", flush=True)
                if path not in met:
                    met.add(path)
                    print("met", flush=True)


def lay_traps(directory, victim):
    """As the neighbour: directories, links and FIFOs with names such as servers' have."""
    os.makedirs(f"{directory}/remora-trap01")
    os.mkfifo(f"{directory}/remora-trap01/control.up")
    os.symlink(victim, f"{directory}/remora-trap02")
    os.mkfifo(f"{directory}/remora-trap03")
    os.makedirs(f"{directory}/remora-trap04")
    os.symlink(f"{victim}/control.up", f"{directory}/remora-trap04/control.up")
    for name in os.listdir(directory):
        if not os.path.islink(path := f"{directory}/{name}") and os.lstat(path).st_uid == NOBODY:
            os.chmod(path, 0o777)


def as_nobody(*words):
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable,
            __file__, *map(str, words)]


def modes_of(server, directory):
    """Of what the server has open there, most of which has no name any more: the modes of the
    directory and of its FIFOs."""
    modes = {"directory": [], "FIFO": []}
    for at in pathlib.Path(f"/proc/{server.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if not os.readlink(at).startswith(f"{directory}/remora-"):
                continue
            mode = at.stat().st_mode
            if stat.S_ISFIFO(mode) or stat.S_ISDIR(mode):  # and no socket that is being made
                kind = "FIFO" if stat.S_ISFIFO(mode) else "directory"
                modes[kind].append(stat.S_IMODE(mode))
    return modes


def wrong_modes(chosen, server, directory):
    """What is not private. The server waits for its app meanwhile."""
    wrong = []
    for moment in ("started", "message"):
        server.line_with(moment)
        for kind, modes in modes_of(server, directory).items():
            chosen.seen[kind] += len(modes)
            wrong += [f"a {kind} of mode {mode:o}" for mode in modes if mode != PRIVATE[kind]]
    return wrong


def run_one(chosen, directory):
    server = row.Server(chosen, directory, ["waits"])
    wrong = wrong_modes(chosen, server, directory)
    os.kill(server.pid, signal.SIGTERM)
    output = "".join(server.lines())
    code = os.waitstatus_to_exitcode(os.waitpid(server.pid, 0)[1])
    _, errors = server.rest()
    return wrong + [f"the run: {code} {output} {errors}"] * (code != 143)


def main():
    chosen = row.options(__doc__)
    if os.geteuid() != 0:
        return row.skipped("it needs root, to be somebody else")
    if subprocess.run(as_nobody("--help"), capture_output=True, check=False).returncode != 0:
        return row.skipped("nobody may not read this working copy, or Python")
    os.umask(0)
    chosen.seen = collections.Counter()
    # Where nobody, the user, may go; TMPDIR may be private.
    with row.scratch("/tmp") as name, tempfile.TemporaryFile("w+") as said:
        (open_to_all := pathlib.Path(name, "all")).mkdir()
        open_to_all.chmod(0o1777)
        os.chmod(name, 0o755)
        (victim := pathlib.Path(name, "remora-victim")).mkdir(mode=0o700)
        os.mkfifo(victim / "control.up", 0o600)
        subprocess.run(as_nobody("--lay", open_to_all, victim), check=True)
        traps = set(os.listdir(open_to_all))
        problems = row.wrong_transport(chosen, open_to_all)
        with subprocess.Popen(as_nobody("--attack", open_to_all), stdout=said) as neighbour:
            for _ in row.each_round(chosen.rounds):
                problems += run_one(chosen, open_to_all)
            if neighbour.poll() is not None:
                problems.append(f"the neighbour has ended by itself, with {neighbour.returncode}")
            neighbour.kill()
        if set(os.listdir(open_to_all)) != traps or not (victim / "control.up").is_fifo():
            problems.append(f"left: {row.left_in(open_to_all)}, victim {row.left_in(victim)}")
        said.seek(0)
        lines = said.read().splitlines()
    problems += [line for line in lines if line != "met"]
    if 2 * lines.count("met") < chosen.rounds:
        problems.append("the neighbour has met too few directories")
    # The directory and the two FIFOs of the app's control pipe, at least, both times.
    if chosen.seen["directory"] < 2 * chosen.rounds or chosen.seen["FIFO"] < 4 * chosen.rounds:
        problems.append("too few modes were seen")
    figures = (f"{lines.count('met')} directories were attacked; the modes of "
               f"{chosen.seen['directory']} directories and {chosen.seen['FIFO']} FIFOs seen")
    return row.verdict(chosen, chosen.rounds, figures, problems)


if __name__ == "__main__":
    if "--attack" in sys.argv[1:2]:
        attack(sys.argv[2])
    elif "--lay" in sys.argv[1:2]:
        lay_traps(*sys.argv[2:])
    else:
        main()
