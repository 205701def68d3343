#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The app of demo 4 in Python: calls its server three times at once, with a time limit, and in vain.

    4_calls_server ./6_python_app/calls.py
"""
import asyncio
import errno
import sys
from dataclasses import dataclass

import remora
from protocol import build, next_given_up


@dataclass
class deploy:  # This app is newer than its server, which has never heard of such a request.
    target: str = ""

    reply = None


async def order(builds, what):
    built = await builds.call(what)
    print(f"{built.turn}. {built.target}")


async def main(client):
    async with client.connect("builds") as builds:
        # Three calls in flight on one pipe. They are answered in the order in which they are done.
        await asyncio.gather(order(builds, build("program", ["library", "header"])),
                             order(builds, build("library", ["header"])),
                             order(builds, build("header")))

        # The approval never comes. Once the time has passed, the handler is cancelled.
        try:
            async with asyncio.timeout(0.05):
                await builds.call(build("release", ["program", "approval"]))
        except TimeoutError:
            print("release: have more patience")
        print("The server has given up:", await builds.call(next_given_up()))

        # What a handler throws arrives with its code and its text.
        for what in build("manual"), deploy("program"):
            try:
                await builds.call(what)
            except remora.RemoteError as e:
                advice = "write it first" if e.errno == errno.ENOENT else "update the server"
                print(f"{type(what).__name__} {what.target}: {advice}: {e}")

        # None of that has harmed the connection.
        await order(builds, build("installer", ["program"]))


if __name__ == "__main__":
    try:
        remora.run(main)
    except remora.Error as e:
        sys.exit(f"calls.py: {e}")
