#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests of the driver, with a line "passed: NAME" or "failed: NAME" for each."""
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent


class Lines(unittest.TestResult):
    def _say(self, word, test):
        print(f"{word}: {test.id().split('.test_')[-1].replace('_', ' ')}", flush=True)

    def addSuccess(self, test):
        self._say("passed", test)

    def addFailure(self, test, why):
        super().addFailure(test, why)
        print(self.failures[-1][1])
        self._say("failed", test)

    def addError(self, test, why):
        super().addError(test, why)
        print(self.errors[-1][1])
        self._say("failed", test)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    found = unittest.defaultTestLoader.discover(HERE, "*_test.py", HERE.parent)
    sys.exit(not found.run(Lines()).wasSuccessful())
