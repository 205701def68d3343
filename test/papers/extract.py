#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: extract.py sources PAPER DIRECTORY FILE...
       extract.py check [--programs DIRECTORY] [--compiled PAPER...]

Keeps the papers true: their code is compiled, what they print is compared, their links and names of
files exist. `sources` writes the code of a paper into these files of DIRECTORY; `check` looks at every
paper of the tree.

What a block of a paper is, its fence and its first line say:

    ```cpp         // NAME.cpp     a file of a program, which meson.build names and builds
    ```cpp         // from PATH    an excerpt: these lines stand in PATH, which is relative to the
                                   paper, in this order; a line `// ...` stands for what is left out
    ```python      # from PATH     the same, with `# ...`
    ```cpp                         a fragment: declarations
    ```cpp body                    a fragment: statements of a coroutine
    ```cpp global                  a fragment: declarations, in no namespace
    ```text        $ COMMAND       what COMMAND prints: run in the directory of the programs if it
                                   begins with ./, else a part of a file `expected` of a demo

The fragments of a paper become one source file, `fragments.cpp`, in their order: a fragment may use
what those before it declare, and what prologue.hpp does, which stands before them all. It is compiled
and not linked.
"""
import argparse
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WIDEST = 99
FENCE = re.compile(r"^```(\w*) *(.*)$")
NAME = re.compile(r"^// ([\w.]+\.[ch]pp)$")
EXCERPT = {"cpp": re.compile(r"^// from (\S+)$"), "python": re.compile(r"^# from (\S+)$")}
INCLUDE = re.compile(r"^ *#include .*$")
LINK = re.compile(r"\]\(([^)\s#]*)(#[^)\s]*)?\)")
# Papers that name files of the past.
OF_OTHER_TIMES = {"CHANGELOG.md"}
# What stands around a fragment, by the word behind its fence.
AROUND = {
    "": ("namespace paper {{", "}"),
    "body": ("namespace paper {{ asio::awaitable<void> body_{line}() {{", "co_return; }}"),
    "global": ("", ""),
}
FILE = re.compile(r"`([\w./-]+\.(?:hpp|cpp|py|md|json|svg))`")


class Block(NamedTuple):
    """What stands between two fences; `line` is the number of its first line."""
    line: int
    language: str
    word: str
    lines: list

    @property
    def head(self):
        return self.lines[0] if self.lines else ""

    @property
    def file(self):
        """The file of a program that this block is."""
        found = NAME.match(self.head)
        return found[1] if self.language == "cpp" and found else None

    @property
    def excerpt(self):
        """The file that this block is taken from."""
        found = self.language in EXCERPT and EXCERPT[self.language].match(self.head)
        return found[1] if found else None

    @property
    def is_fragment(self):
        return self.language == "cpp" and not self.file and not self.excerpt


def anchor_of(title):
    """What GitHub calls a heading."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


class Paper:
    def __init__(self, name, text):
        self.name = name
        self.blocks = []
        self.prose = []  # (number, line) of what is not code
        block = None
        for number, line in enumerate(text.splitlines(), 1):
            fence = FENCE.match(line)
            if block and line == "```":
                self.blocks.append(block)
                block = None
            elif block:
                block.lines.append(line)
            elif fence:
                block = Block(number + 1, fence[1], fence[2], [])
            elif not line.startswith("    "):
                self.prose.append((number, line))
        if block:
            raise SystemExit(f"{name}:{block.line}: this block does not end")

    def anchors(self):
        """What a link can name in it: its headings."""
        titles = (line.lstrip("#") for _, line in self.prose if line.startswith("#"))
        return {"#" + anchor_of(title) for title in titles}


def source_of(block, place):
    """A file of a program. Errors of the compiler name the paper."""
    return "\n".join([f'#line {block.line} "{place}"', *block.lines, ""])


def fragments_of(paper, place):
    """All fragments of a paper, as one source file."""
    fragments = [block for block in paper.blocks if block.is_fragment]
    includes = [line.strip() for block in fragments for line in block.lines if INCLUDE.match(line)]
    out = ['#include "prologue.hpp"', *dict.fromkeys(includes)]
    for block in fragments:
        before, after = AROUND[block.word]
        out += [before.format(line=block.line), f'#line {block.line} "{place}"']
        out += ["" if INCLUDE.match(line) else line for line in block.lines]
        out.append(after)
    return "\n".join([*out, ""])


def sources_of(paper, place):
    """The text of each source file that a paper has."""
    files = {block.file: source_of(block, place) for block in paper.blocks if block.file}
    if any(block.is_fragment for block in paper.blocks):
        files["fragments.cpp"] = fragments_of(paper, place)
    return files


class Tree:
    """The files of the project, by their names relative to its root."""

    def __init__(self, root):
        self.root = root
        self.files = [path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file()
                      and not re.match(r"build|subprojects|\.git$", path.relative_to(root).parts[0])]
        self.papers = {str(path): Paper(str(path), (root / path).read_text())
                       for path in self.files if path.suffix == ".md"}

    def has(self, name):
        """Whether a file has this name, or one that ends so."""
        return any(("/" + str(path)).endswith("/" + name) for path in self.files)


def wrong_links(tree, paper):
    folder = (tree.root / paper.name).parent
    for number, line in paper.prose:
        for path, anchor in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", path):
                continue
            target = (folder / path).resolve() if path else tree.root / paper.name
            if not target.exists():
                yield f"{number}: no file {path}"
            elif anchor:
                name = str(target.relative_to(tree.root))
                if name not in tree.papers or anchor not in tree.papers[name].anchors():
                    yield f"{number}: no heading {anchor} in {name}"


def wrong_names(tree, paper):
    """Files that are named in the text; those of the paper's own programs may be."""
    own = {block.file for block in paper.blocks}
    for number, line in paper.prose:
        for name in FILE.findall(line):
            if name not in own and not tree.has(name) and paper.name not in OF_OTHER_TIMES:
                yield f"{number}: no file {name}"


def wide_lines(_, paper):
    for block in paper.blocks:
        for number, line in enumerate(block.lines, block.line):
            if len(line) > WIDEST:
                yield f"{number}: {len(line)} columns"


def stands_in(lines, text):
    """Whether the lines stand in the text, indented as it likes; `// ...` or `# ...` is for any others."""
    rest = [line.strip() for line in text]
    pieces = [[]]
    for line in (line.strip() for line in lines):
        if line in ("// ...", "# ..."):
            pieces.append([])
        else:
            pieces[-1].append(line)
    for piece in pieces:
        at = next((i for i in range(len(rest) - len(piece) + 1) if rest[i:i + len(piece)] == piece), None)
        if at is None:
            return False
        rest = rest[at + len(piece):]
    return True


def wrong_excerpts(tree, paper):
    for block in paper.blocks:
        if not block.excerpt:
            continue
        path = (tree.root / paper.name).parent / block.excerpt
        if not path.is_file():
            yield f"{block.line}: no file {block.excerpt}"
        elif not stands_in(block.lines[1:], path.read_text().splitlines()):
            yield f"{block.line}: these lines do not stand in {block.excerpt}"


def transcript(commands, folder):
    """What a shell shows of these commands: each, what it prints, and [CODE] unless that is 0."""
    shown = []
    for command in commands:
        done = subprocess.run(command, shell=True, cwd=folder, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        shown += ["$ " + command, *done.stdout.splitlines()]
        if done.returncode:
            shown.append(f"[{done.returncode}]")
    return shown


def wrong_output(tree, paper, programs):
    for block in paper.blocks:
        if block.language != "text" or not block.head.startswith("$ "):
            continue
        commands = [line[2:] for line in block.lines if line.startswith("$ ")]
        if not commands[0].startswith("./"):
            printed = [path.read_text().splitlines() for path in tree.root.glob("demo/*/expected*")]
            if not any(stands_in(block.lines, lines) for lines in printed):
                yield f"{block.line}: no demo prints this"
        elif programs:
            shown = transcript(commands, programs)
            if shown != block.lines:
                yield "\n".join([f"{block.line}: it prints something else:", *shown])


def uncompiled(paper, compiled):
    if paper.name not in compiled:
        yield from (f"{block.line}: this code is not compiled" for block in paper.blocks
                    if block.file or block.is_fragment)


def problems_of(tree, paper, programs=None, compiled=()):
    for check in (wrong_links, wrong_names, wide_lines, wrong_excerpts):
        yield from check(tree, paper)
    yield from uncompiled(paper, compiled)
    yield from wrong_output(tree, paper, programs)


def check(programs, compiled):
    tree = Tree(ROOT)
    failed = False
    for paper in tree.papers.values():
        problems = [f"{paper.name}:{problem}" for problem in problems_of(tree, paper, programs, compiled)]
        print("\n".join([*problems, f"{'failed' if problems else 'passed'}: {paper.name}"]), flush=True)
        failed = failed or bool(problems)
    return failed


def write_sources(paper, folder, names):
    sources = sources_of(Paper(str(paper), paper.read_text()), paper)
    if set(sources) != set(names):
        raise SystemExit(f"{paper} has {', '.join(sources)}; test/papers/meson.build says {', '.join(names)}")
    for name, text in sources.items():
        (folder / name).write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parts = parser.add_subparsers(dest="what", required=True)
    part = parts.add_parser("sources")
    part.add_argument("paper", type=pathlib.Path)
    part.add_argument("folder", type=pathlib.Path)
    part.add_argument("names", nargs="+")
    part = parts.add_parser("check")
    part.add_argument("--programs", type=pathlib.Path)
    part.add_argument("--compiled", nargs="*", default=[])
    told = parser.parse_args()
    if told.what == "sources":
        write_sources(told.paper, told.folder, told.names)
    else:
        sys.exit(check(told.programs, told.compiled))


if __name__ == "__main__":
    main()
