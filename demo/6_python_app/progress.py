#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The app of demo 5 in Python: follows a long job, until a gap between primes is as large as asked for.

    5_progress_server ./6_python_app/progress.py 100
"""
import contextlib
import sys

import remora
from protocol import find_gaps, gap


async def main(client):
    wanted = int(sys.argv[1])
    async with client.connect("primes") as primes:
        async with contextlib.aclosing(primes.stream(find_gaps(limit=1_000_000_000))) as news:
            async for item in news:
                if isinstance(item, gap) and item.size >= wanted:
                    print(f"A gap of {item.size} after {item.after}", flush=True)
                    return  # closes the stream: the server cancels the job


if __name__ == "__main__":
    try:
        remora.run(main)
    except remora.Error as e:
        sys.exit(f"progress.py: {e}")
