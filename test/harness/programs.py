# SPDX-License-Identifier: MIT
"""Where the programs of rows are, and what is not there."""
import os
import pathlib
import shutil
import sys


class Programs:
    """Finds each program in the first of some directories that has it."""

    def __init__(self, *places):
        self._places = [pathlib.Path(place).resolve() for place in places]

    def command(self, row, **later):
        """What starts the row."""
        first, *rest = row.words(**later)
        words = [str(self._find(first)),
                 *(str(self._find(word[1:])) if word.startswith("@") else word for word in rest)]
        return [sys.executable, *words] if first.endswith(".py") else words

    def missing(self, row):
        """{name: reason}: what the row needs and is not here."""
        reasons = {}
        for need in row.entry.get("needs", []):
            if need == "root" and os.geteuid() != 0:
                reasons[need] = "it needs root"
            if need != "root" and not shutil.which(need):
                reasons[need] = f"{need} is not installed"
        first, *rest = row.words(programs="", seconds=0)
        for name in (first, *(word[1:] for word in rest if word.startswith("@"))):
            if not os.access(self._find(name), os.R_OK if name.endswith(".py") else os.X_OK):
                reasons[name] = f"{name} was not built here"
        return reasons

    def _find(self, name):
        places = [place / name for place in self._places]
        return next((path for path in places if path.exists()), places[-1])
