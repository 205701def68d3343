#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: test/harness/tests.py [DIRECTORY]   Runs the tests of the driver, or those in DIRECTORY, with a
line "passed: NAME" or "failed: NAME" for each."""
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
    where = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE
    sys.path.insert(0, str(where.parent))
    found = unittest.defaultTestLoader.discover(where, "*_test.py", where.parent)
    sys.exit(not found.run(Lines()).wasSuccessful())
