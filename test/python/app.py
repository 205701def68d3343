#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The apps of python_app_test.py: `app.py NAME`, under the server of server.cpp."""
import asyncio
import contextlib
import os
import pathlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "demo/6_python_app"))
sys.dont_write_bytecode = True
import remora  # noqa: E402
from remora import f32, i8, i16, i32, i64, u8, u16, u32, u64  # noqa: E402


@dataclass
class numbered:
    number: i32 = 0
    text: str = ""


@dataclass
class count:
    items: i32 = 0
    size: i32 = 0

    reply = AsyncIterator[numbered]


@dataclass
class everything:
    yes: bool = False
    i8_: i8 = 0
    i16_: i16 = 0
    i64_: i64 = 0
    u8_: u8 = 0
    u16_: u16 = 0
    u32_: u32 = 0
    u64_: u64 = 0
    f32_: f32 = 0.0
    f64_: float = 0.0
    bytes_: bytes = b""
    lists: list[list[str]] = field(default_factory=list)
    map_: dict[str, numbered] = field(default_factory=dict)
    there: i32 | None = None
    missing: str | None = None
    either: count | numbered = field(default_factory=count)
    tuple_: tuple[i32, str] = (0, "")


@dataclass
class echo:
    value: everything = field(default_factory=everything)

    reply = everything


@dataclass
class ask_back:
    reply = str


@dataclass
class streams_ended:
    reply = None


@dataclass
class leave:
    vanishes: bool = False

    reply = None


FULL = everything(True, -8, -16, -2**63, 8, 16, 2**32 - 1, 2**64 - 1, 0.5, -1e300, b"\0\xff",
                  [[], ["a", "ä"], [""]], {"one": numbered(1, "x"), "two": numbered(2)}, -1, None,
                  numbered(3, "three"), (4, "four"))


async def values(tests):
    print((await tests.call(echo(FULL))) == FULL, await tests.call(echo()) == everything())


async def traced(tests):
    print([name for name in os.environ if name in ("REMORA_PIPES", "REMORA_TRACE_INTO")])


async def nothing(tests):
    print(await tests.call(streams_ended()))


async def stream(tests):
    """More than the credit of a stream; items in one frame and in pieces."""
    for items, size in (3000, 1000), (100, 200_000):
        numbers = [item.number async for item in tests.stream(count(items, size)) if len(item.text) == size]
        print(numbers == list(range(items)))


async def calls_beside_a_stream(tests):
    """A large item and small answers, of a type that has come in neither before."""
    async with contextlib.aclosing(tests.stream(count(100, 1_000_000))) as items:
        async for item in items:
            await asyncio.gather(*(tests.call(ask_back()) for _ in range(10)))
            if item.number == 5:
                break
    await tests.call(streams_ended())
    print(await tests.call(ask_back()))


async def many_calls(tests):
    """More than the window of the server lets be unanswered."""
    print(len(await asyncio.gather(*(tests.call(echo()) for _ in range(5000)))))


async def large_calls(tests):
    value = everything(bytes_=bytes(5_000_000))
    answers = await asyncio.gather(*(tests.call(echo(v)) for v in [value, everything()] * 5))
    print([len(answer.bytes_) for answer in answers])


async def wrong_field(tests):
    @dataclass
    class count:
        items: str = "many"

        reply = AsyncIterator[numbered]

    try:
        async for _ in tests.stream(count()):
            pass
    except remora.RemoteError as e:
        print(e)
    await tests.call(streams_ended())
    print("the connection lives on")


async def wrong_reply(tests):
    class other(echo):
        reply = numbered

    other.__name__ = "echo"
    await tests.call(other())


async def too_large(tests):
    await tests.call(echo(everything(bytes_=bytes(remora.MAX_MESSAGE))))


async def leave_a_call(tests):
    """Begins a call that is not answered, as a stream runs."""
    items = tests.stream(count(10_000, 1000))
    await anext(items)
    call = asyncio.create_task(tests.call(streams_ended()))
    await asyncio.wait({call}, timeout=0)
    return call


async def vanish(tests):
    await tests.call(leave(True))


async def goodbye(tests):
    try:
        await tests.call(leave())
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("cancelled")
        raise


async def refused(tests):
    print("not refused")


async def unknown_features(tests):
    print("welcome")


async def main(client):
    async with client.connect("tests") as tests:
        left = await globals()[sys.argv[1]](tests)
    if left:
        await left


@dataclass
class hello(remora.hello):
    if "refused" in sys.argv:
        oldest: u32 = 7
        newest: u32 = 9
    if "unknown_features" in sys.argv:
        features: u64 = 1 << 63 | remora.PIECES


remora.hello = hello
if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    try:
        remora.run(main)
    except remora.Error as e:
        sys.exit(str(e))
