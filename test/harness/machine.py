# SPDX-License-Identifier: MIT
"""Where a run takes place, and what it was built with and from."""
import json
import os
import pathlib
import platform
import shlex
import subprocess

SOURCES = pathlib.Path(__file__).parents[2]
FAILURES = (OSError, subprocess.CalledProcessError, ValueError, LookupError)


def machine():
    """Like "AMD EPYC, 2 CPUs, Linux 6.1.0"."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    cpus = len(os.sched_getaffinity(0))
    return (f"{models[0] if models else platform.machine()}, {cpus} CPUs, {platform.system()} "
            f"{platform.release()}")


def told_by(*words, **more):
    return subprocess.run(words, capture_output=True, check=True, text=True, **more).stdout.strip()


def commit_but_for(results):
    """Of this working copy; a + behind it if more than the results differ."""
    try:
        name = told_by("git", "rev-parse", "--short", "HEAD", cwd=SOURCES)
        changes = told_by("git", "status", "--porcelain", cwd=SOURCES).splitlines()
        return name + "+" * any(not line.endswith(results.name) for line in changes)
    except FAILURES:
        return "unknown"


def compile_command(build):
    """The compiler of a build directory, and the options by which it finds headers."""
    words = shlex.split(json.loads((build / "compile_commands.json").read_text())[0]["command"])
    compiler = words[1] if words[0].endswith("ccache") else words[0]
    return compiler, [word for word in words if word.startswith(("-I", "-isystem", "-std="))]


def compiler_of(build):
    """Like "g++ (Debian 12.2.0-14) 12.2.0"."""
    try:
        version = told_by(compile_command(build)[0], "--version").splitlines()[0]
        return version if "clang" in version else "g++ " + version.split(" ", 1)[-1]
    except FAILURES:
        return "an unknown compiler"


def versions_of(build):
    """Like "g++ 12.2.0, Asio 1.22.1, Remora 0.1.0"."""
    try:
        compiler, options = compile_command(build)
        told = told_by(compiler, *options, "-E", "-P", "-x", "c++", "-", cwd=build,
                       input="#include <asio/version.hpp>\n__clang__ ASIO_VERSION __VERSION__")
        clang, asio, version = told.splitlines()[-1].split(" ", 2)
        name = "" if clang == "1" else "g++ "
        project = json.loads((build / "meson-info" / "intro-projectinfo.json").read_text())
        return (f"{name}{version.strip(chr(34))}, Asio {int(asio) // 100000}."
                f"{int(asio) // 100 % 1000}.{int(asio) % 100}, Remora {project['version']}")
    except FAILURES:
        return "an unknown build"
