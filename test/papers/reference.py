#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: reference.py PAPER   A filter of Doxygen: prints a paper as a page of the reference.

A heading gets an id, of the name of the paper and of what GitHub calls the heading. Links to papers and their
headings become references to these ids; Doxygen says which of them it does not find. Links to headers become
links to their pages. Other files have no page in the reference: of links to them the text is left.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from papers.extract import ROOT, anchor_of  # noqa: E402

CODE = r"^```.*?^```$|^ {4}[^\n]*|`[^`\n]*`"
HEADING = r"^(?P<level>#+) (?P<title>[^\n]*)"
LINK = r"(?P<image>!?)\[(?P<text>[^][]*)\]\((?P<path>[^)\s#]*)#?(?P<anchor>[^)\s]*)\)"
PARTS = re.compile(f"{CODE}|{HEADING}|{LINK}", re.MULTILINE | re.DOTALL)
MAIN_PAGE = "README.md"


def id_of(name, anchor=""):
    """What Doxygen calls the paper of this name, or a heading of it."""
    page = "-".join(pathlib.PurePath(name).with_suffix("").parts)
    return f"{page}-{anchor}" if anchor else "index" if name == MAIN_PAGE else page


def page_of(name, text):
    """The paper of this name, a path in the tree, as a page of the reference."""
    def heading(part):
        if part["level"] != "#":
            return f"{part[0]} {{#{id_of(name, anchor_of(part['title']))}}}"
        return part[0] if name == MAIN_PAGE else f"{part[0]} {{#{id_of(name)}}}"

    def link(part):
        text, path, anchor = part["text"], part["path"], part["anchor"]
        if part["image"] or re.match(r"[a-z]+:", path):
            return part[0]
        target = (ROOT / name).parent.joinpath(path).resolve() if path else ROOT / name
        if target.suffix == ".md":
            return f"[{text}](#{id_of(str(target.relative_to(ROOT)), anchor)})"
        if target.suffix == ".hpp":
            return f"[{text.replace('`', '')}](@ref {target.name})"
        return text

    def changed(part):
        return heading(part) if part["level"] else link(part) if part["text"] else part[0]

    return PARTS.sub(changed, text)


if __name__ == "__main__":
    paper = pathlib.Path(sys.argv[1]).resolve()
    print(page_of(str(paper.relative_to(ROOT)), paper.read_text()), end="")
