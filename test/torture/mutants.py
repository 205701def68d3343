#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks one invariant of the library at a time, in a copy of the sources, and lets the quick suite
find it. Passes if each is found: a test fails, or hangs."""
import html
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import row

SOURCES = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("meson.build", "meson_options.txt", "README.md", "include", "lib", "test", "subprojects")
PATIENCE = 90  # seconds, or ten times what the unbroken suite takes: one that takes longer hangs

# What is broken; the file; what stands there; what takes its place; the tests that are to find it.
MUTANTS = (
    ("the bound of a frame", "lib/wire/frame.cpp",
     "if (header.length > limit) [[unlikely]] {", "if (header.length == 1u << 31) {",
     "frame_test"),
    ("a name is unlinked when the app has opened it", "lib/transport/run_directory.cpp",
     "if (::unlinkat(fd_.get(), name.c_str(), 0) < 0 && errno != ENOENT)", "if (fd_.get() < 0)",
     "run_directory_test,run_test,run_connections_test"),
    ("the lock of a run's directory", "lib/transport/open_directory.cpp",
     "return ::flock(directory, LOCK_EX | LOCK_NB) == 0;", "return directory >= 0;",
     "run_directory_test,dead_directories_test"),
    ("no link is followed to a FIFO", "lib/transport/run_directory.cpp",
     "O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW", "O_NONBLOCK | O_CLOEXEC", "run_directory_test"),
    ("the reader of a ring wakes its writer", "lib/transport/ring.cpp",
     "return shared_->writer_sleeps.load() != 0 &&", "return false &&", "pipe_test"),
    ("the writer of a ring cannot lead its reader out of it", "lib/transport/ring.cpp",
     "if (head - head_ > tail_ + size_ - head_)", "if (false)", "ring_test"),
    ("a ring begins again only when all is read", "lib/transport/ring.cpp",
     "if (tail_ == head_) {", "if (tail_ + 100 >= head_) {", "ring_origin_test"),
    ("a frame that is taken back was never named", "lib/pipe/frame_writer.cpp",
     "names_sent_.erase(tag);", "", "frame_writer_test,pipe_test,pipe_waiting_test"),
    ("room in the queue wakes who waits for it", "lib/pipe/pipe_state_write.cpp",
     "    });\n    notify_next_sender();\n}", "    });\n}", "pipe_waiting_test,call_test"),
    ("a second answer to a call", "lib/call/caller_frames.cpp",
     "if (what == call_table::verdict::repeated)\n        throw_error(errc::protocol_error, \"a second",
     "if (id == 0)\n        throw_error(errc::protocol_error, \"a second", "hostile_service_test"),
    ("the number of a call is used once", "include/remora/detail/call/served_table.hpp",
     "if (id <= last_ && !in_pieces) return verdict::repeated;", "", "served_table_test"),
    ("no item without credit", "lib/call/stream_flow.cpp",
     "if (left_ <= 0) return verdict::too_much;", "", "stream_flow_test"),
    ("the depth of records", "include/remora/detail/wire/archive/input.hpp",
     "        fail_depth();", "        depth_left_ = 1;", "archive_limits_test"),
    ("a signal that ends the app", "lib/process/child_state.cpp",
     "WTERMSIG(wait_status)};", "WTERMSIG(wait_status) & 7};", "process_test"),
    ("what is sent is written before a pipe closes", "lib/pipe/pipe_state_end.cpp",
     "if (!writes_in_loop_) return close_transport();", "return close_transport();", "pipe_test"),
    ("what is lent lies within its range", "lib/transport/borrower.cpp",
     "if (l.size == 0 || l.offset > range || l.size > range - l.offset)", "if (l.size == 0)",
     "arena_test"),
    ("a block that is still lent is not used again", "lib/transport/lender.cpp",
     " || given_back.load(std::memory_order_acquire) != lent) return;", ") return;",
     "arena_test,shared_bytes_test"),
    ("a frame that is taken back has lent nothing", "lib/pipe/pipe_state_write.cpp",
     "if (lender_) lender_->take_back(writer_.bytes_of(p));", "", "shared_bytes_test"),
)


def run(*words, **more):
    return subprocess.run(list(map(str, words)), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def build(copy):
    done = run("ninja", "-C", copy / "build", "test/remora_test", "test/app", "test/child",
               "test/adversary", "test/server")
    return None if done.returncode == 0 else done.stdout[-400:]


def prepared(directory):
    copy = pathlib.Path(directory)
    for part in filter(lambda name: (SOURCES / name).exists(), PARTS):
        source = SOURCES / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / part)
    made = run("meson", "setup", copy / "build", copy, "-Doptimization=0", "-Ddebug=false",
               "-Ddemos=false")
    if made.returncode != 0 or (why := build(copy)):
        raise SystemExit(made.stdout[-400:] if made.returncode else why)
    return copy


def found_by(copy, tests, patience):
    """The first case of those test sources that fails or hangs; empty if none does."""
    sources = ",".join(f"*{name}*" for name in tests.split(","))
    try:  # in XML each case is named when it begins
        done = run("stdbuf", "-oL", copy / "build/test/remora_test", "--reporters=xml",
                   f"--source-file={sources}", timeout=patience)
    except subprocess.TimeoutExpired as hang:
        return f"{names_in((hang.stdout or b'').decode())[-1]}: hangs for {patience:.0f} s"
    if done.returncode == 0:
        return ""
    bad = re.search(r'<(Expression|Message|Exception)\b(?!.*type="WARNING")', done.stdout)
    return names_in(done.stdout[:bad.start()] if bad else done.stdout)[-1]


def names_in(told):
    """The cases that have begun."""
    begun = re.findall(r'<TestCase name="([^"]*)"(?![^>]*skipped="true")', told)
    return list(map(html.unescape, begun)) or ["before the first case"]


def with_mutant(copy, patience, file, old, new, tests):
    """What finds it, and what is wrong."""
    path = copy / file
    text = path.read_text()
    if text.count(old) == 0:
        return "", f"{file} has changed"
    path.write_text(text.replace(old, new, 1))
    try:
        if why := build(copy):
            return "", f"it does not build: {why}"
        case = found_by(copy, tests, patience)
        return case, "" if case else f"no test of {tests} fails"
    finally:
        path.write_text(text)


def unbroken(copy, mutants):
    """What a broken suite may take, in seconds, and what is wrong already."""
    began = time.monotonic()
    case = found_by(copy, ",".join(sorted({tests for *_, tests in mutants})), 10 * PATIENCE)
    patience = max(PATIENCE, 10 * (time.monotonic() - began))
    return patience, [f"the suite fails unbroken: {case}"] if case else []


def main():
    chosen = row.options(__doc__)
    row.adopt_orphans()
    os.environ.pop("XDG_RUNTIME_DIR", None)  # where ccache would leave something
    mutants = MUTANTS[:chosen.rounds]
    found = []
    with tempfile.TemporaryDirectory() as directory:
        copy = prepared(directory)
        patience, problems = unbroken(copy, mutants)
        for number in row.each_round(len(mutants)):
            what, *how = mutants[number]
            case, wrong = with_mutant(copy, patience, *how)
            found += [f"{what} ({case})"] * bool(case)
            problems += [f"{what}: {wrong}"] * bool(wrong)
            row.kill_descendants()
    row.verdict(chosen, len(mutants), f"{len(found)} of {len(mutants)} broken and found: " +
                "; ".join(found), problems)


if __name__ == "__main__":
    main()
