# SPDX-License-Identifier: MIT
"""How far everything is, on a terminal: one line that is written over."""
import time

WIDTH = 30


class Bar:
    """Leaves an empty line at the end of a `with`."""

    def __init__(self, steps, stream):
        self.done = 0
        self._steps, self._stream, self._visible = max(steps, 1), stream, stream.isatty()
        self._began = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._draw("")

    def show(self, text, part=0.0):
        """`part` of the step that is being done."""
        share = min((self.done + min(part, 1)) / self._steps, 1)
        filled = int(WIDTH * share)
        self._draw(f"[{'#' * filled}{'.' * (WIDTH - filled)}] {int(100 * share):3} %  {text}")

    def left(self):
        """An estimate, for people; empty before the first step is done."""
        if not self.done:
            return ""
        spent = time.monotonic() - self._began
        seconds = int(spent * (self._steps / self.done - 1))
        return f"{seconds // 60} min {seconds % 60} s left"

    def say(self, line):
        """A line that stays."""
        self._draw("")
        print(line, file=self._stream, flush=True)

    def _draw(self, text):
        if self._visible:
            print(f"\r{text}\033[K", end="", file=self._stream, flush=True)
