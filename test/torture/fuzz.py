#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fuzzes each target of fuzz/ for so many seconds (--rounds), from the inputs in fuzz/corpus and
those that were found before; they are kept in DIR/fuzz/corpus, and what fails in DIR/fuzz/findings.
Builds the targets first, in DIR/fuzz: --only-build does no more."""
import os
import pathlib
import re
import shutil
import subprocess

import row

HERE = pathlib.Path(__file__).resolve().parent
TARGETS = ["archive", "call_flow", "frames", "handshake", "live_peer", "ring"]
LIMITS = ["-max_len=8192", "-timeout=1", "-rss_limit_mb=1024", "-malloc_limit_mb=64"]
SLOWEST_MS = 100  # of CPU time with the sanitizers, which cost a factor of ten
SETTINGS = ["-Dfuzz=true", "-Ddemos=false", "-Dbuildtype=debug", "-Doptimization=1",
            "-Dunity=on", "-Dunity_size=9",
            "-Db_sanitize=address,undefined", "-Db_lundef=false",
            "-Dcpp_args=-fsanitize=fuzzer-no-link"]


def runtime_is_missing():
    """The reason why nothing can be fuzzed here, if there is one."""
    if not shutil.which("clang++-19"):
        return "clang++-19 is not installed"
    found = subprocess.run(["clang++-19", "-print-runtime-dir"], capture_output=True, text=True)
    here = pathlib.Path(found.stdout.strip())
    runtimes = list(here.parent.glob("linux/libclang_rt.fuzzer*")) + list(here.glob("*fuzzer*"))
    return None if runtimes else "clang's libFuzzer is not installed (libclang-rt-19-dev)"


def build(directory):
    compiler = "ccache clang++-19" if shutil.which("ccache") else "clang++-19"
    environment = dict(os.environ, CXX=compiler, CCACHE_SLOPPINESS="pch_defines,time_macros")
    environment.pop("XDG_RUNTIME_DIR", None)  # where ccache would leave something
    source = HERE.parent.parent
    with open(directory.with_suffix(".log"), "w") as log:
        if not (directory / "build.ninja").exists():
            subprocess.run(["meson", "setup", *SETTINGS, directory, source], check=True,
                           stdout=log, stderr=log, env=environment)
        subprocess.run(["ninja", "-C", directory, "fuzz-targets"], check=True, stdout=log,
                       stderr=log, env=environment)


def fuzz(target, chosen, directory):
    """What the target printed, and its exit code."""
    corpus, findings = directory / "corpus" / target, directory / "findings"
    for each in (corpus, findings):
        each.mkdir(parents=True, exist_ok=True)
    command = [directory / "test" / "torture" / "fuzz" / f"fuzz_{target}", *LIMITS,
               f"-max_total_time={chosen.rounds}", f"-seed={chosen.seed % (1 << 31) + 1}",
               f"-artifact_prefix={findings}/{target}-", "-print_final_stats=1", corpus,
               HERE / "fuzz" / "corpus" / target]
    symbolizer = f"external_symbolizer_path={shutil.which('llvm-symbolizer-19') or ''}"
    environment = dict(os.environ, UBSAN_OPTIONS=f"halt_on_error=1:print_stacktrace=1:{symbolizer}",
                       ASAN_OPTIONS=f"detect_stack_use_after_return=0:{symbolizer}")
    log = directory / f"{target}.log"
    with open(log, "w") as output:
        code = subprocess.run(command, stdout=output, stderr=output, env=environment,
                              timeout=chosen.rounds + 120).returncode
    row.reap()  # its symbolizer ends a moment later
    return code, log.read_text(errors="replace")


def last(pattern, text):
    """None if there is no such figure."""
    found = re.findall(pattern, text)
    return int(found[-1]) if found else None


def judge(code, text):
    """The figures, and what is wrong."""
    inputs = last(r"average_exec_per_sec: +(\d+)", text)
    edges = last(r"cov: (\d+)", text)
    slowest = last(r"slowest_input_us: (\d+)", text)
    wrong = [why(code, text)] * (code != 0)
    if not inputs or not edges or slowest is None:
        wrong.append(f"{inputs} inputs/s, {edges} edges, slowest {slowest} us: it did not fuzz")
    elif slowest > 1000 * SLOWEST_MS:
        wrong.append(f"an input takes {slowest / 1000} ms")
    return f"{inputs} inputs/s, {edges} edges, slowest {(slowest or 0) / 1000:.1f} ms", wrong


def why(code, text):
    lines = [each for each in text.splitlines()
             if re.search(r"ERROR:|runtime error:|this must hold|Test unit written", each)]
    return f"exit code {code}: " + "; ".join(lines[:4])


def main():
    chosen = row.options(__doc__, lambda parser: parser.add_argument(
        "--only-build", action="store_true"))
    if missing := runtime_is_missing():
        return None if chosen.only_build else row.skipped(missing)
    directory = chosen.programs / "fuzz"
    directory.parent.mkdir(parents=True, exist_ok=True)
    build(directory)
    if chosen.only_build:
        return None
    row.adopt_orphans()
    figures, problems = [], []
    for number, target in enumerate(TARGETS):
        print(f"progress {number} {len(TARGETS)}", flush=True)
        figure, wrong = judge(*fuzz(target, chosen, directory))
        figures.append(f"{target}: {figure}")
        problems += [f"{target}: {each}" for each in wrong]
    figures.append(f"{len(problems)} findings")
    return row.verdict(chosen, chosen.rounds, "; ".join(figures), problems)


if __name__ == "__main__":
    main()
