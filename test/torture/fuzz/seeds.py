#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the inputs that each fuzz target begins with into corpus/TARGET, by the layouts of
lib/wire/protocol.md. What was found later lies beside them."""
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent

MESSAGE, CLOSE, HELLO, WELCOME, REFUSED, CONNECT, CONNECTED, REJECTED = 2, 3, *range(16, 22)
GOODBYE, REQUEST, REPLY, FAILURE, CANCEL, ITEM, END, CREDIT, WINDOW = 23, *range(32, 40)
NAMED, MAY_SKIP, OF_SENDER = 1, 2, 4
MAGIC = int.from_bytes(b"remora\0\0", "little")


def number(kind, code, value):
    return bytes([kind]) + struct.pack("<" + code, value)


def i8(v): return number(0x11, "b", v)
def i32(v): return number(0x14, "i", v)
def i64(v): return number(0x18, "q", v)
def u8(v): return number(0x21, "B", v)
def u32(v): return number(0x24, "I", v)
def u64(v): return number(0x28, "Q", v)
def f64(v): return number(0x38, "d", v)
def boolean(v): return number(0x01, "B", v)
def text(v): return b"\x40" + struct.pack("<I", len(v)) + v
def record(*fields): return b"\x46" + struct.pack("<I", sum(map(len, fields))) + b"".join(fields)
def optional(v=None): return b"\x43\0" if v is None else b"\x43\1" + v
def variant(n, v): return b"\x44" + bytes([n]) + v
def tuple_of(*v): return b"\x45" + bytes([len(v)]) + b"".join(v)
def version(v): return b"\x48" + struct.pack("<I", v)


def rows(kind, *values):
    """A list, of values with their kind, which all have."""
    assert all(v[0] == kind for v in values)
    return b"\x41" + struct.pack("<BI", kind, len(values)) + b"".join(v[1:] for v in values)


def pairs(key, value, *items):
    return b"\x42" + struct.pack("<BBI", key, value, len(items)) + b"".join(
        k[1:] + v[1:] for k, v in items)


def fnv1a(name):
    value = 0xcbf29ce484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001b3 % (1 << 64)
    return value


def frame(kind, payload=b"", flags=0, id=0, tag=0, length=None):
    return struct.pack("<IBBHQQ", len(payload) if length is None else length, kind, flags, 0, id,
                       tag) + payload


def named(kind, name, value, **more):
    return frame(kind, bytes([len(name)]) + name.encode() + value, flags=NAMED, tag=fnv1a(name),
                 **more)


SHAPE = record(i32(5), text(b"five"), optional(f64(2.5)))
SINK = record(
    SHAPE, rows(0x46, SHAPE, SHAPE),
    pairs(0x40, 0x41, (text(b"a"), rows(0x14, i32(1), i32(2))), (text(b"b"), rows(0x14))),
    variant(2, SHAPE), optional(SHAPE), tuple_of(boolean(1), u8(99), f64(2.5)),
    text(b"\x55\x15"), b"\x47\x03" + i64(99), rows(0x40, text(b"x"), text(b"yy")),
    rows(0x12, *(number(0x12, "h", n) for n in (1, 2, 3))), rows(1, boolean(1), boolean(0)),
    rows(0x41, rows(0x41, rows(0x40, text(b"deep")))),
    pairs(0x14, 0x43, (i32(1), optional(i64(2))), (i32(3), optional())),
    rows(0x46, record(), record()), rows(0x46, record(version(2), i8(1)), record(version(1))))


def tree(levels):
    inner = [tree(levels - 1)] if levels else []
    return record(rows(0x46, *inner), optional(*inner))


ARCHIVE = {
    "sink": b"\0" + SINK, "sink_cut": b"\0" + SINK[:100], "tree": b"\1" + tree(4),
    "deep": b"\1" + record(b"\x41\x46\1\0\0\0" * 40), "empty": b"\0",
    "heavy": b"\2" + rows(0x46, *[record(i32(n)) for n in range(20)]),
    "heavy_bomb": b"\2" + b"\x41\x46" + struct.pack("<I", 900) + bytes(3600),
    "map": b"\3" + pairs(0x40, 0x41, (text(b"k"), rows(0x46, SHAPE))),
    "bomb": b"\0" + record(SHAPE, b"\x41\x46" + struct.pack("<I", 1 << 28)),
}

NUMBER = named(MESSAGE, "number", record(i64(1)))
REASON = record(i32(7), text(b"because"))
FRAMES = {
    "number": b"\3" + NUMBER + frame(MESSAGE, record(i64(2)), tag=fnv1a("number")),
    "close": b"\1" + frame(CLOSE, REASON), "skip": b"\0" + frame(200, b"x", flags=MAY_SKIP),
    "limit": b"\xff" + frame(MESSAGE, bytes(4096)), "too_large": b"\1" + frame(2, length=4097),
    "huge": b"\1" + frame(MESSAGE, length=0xffffffff), "kind_0": b"\1" + frame(0),
    "calls": b"\2" + frame(REQUEST, SHAPE, flags=OF_SENDER, id=1, tag=7) + frame(REPLY, id=1),
    "window": b"\2" + frame(WINDOW, u64(9)) + frame(CREDIT, u64(1 << 40), id=1),
}

HELLO_VALUE = record(u32(1), u32(1), u64(1), u64(1 << 20), i32(1))
WELCOME_VALUE = record(u32(1), u64(0), u64(1 << 20), i32(1), i32(-1), i32(-1), u64(0), u64(0))
WELCOMED = frame(WELCOME, WELCOME_VALUE)


def said(first, then=b""):
    return b"\1" + struct.pack("<H", len(first)) + first + then


OFFER = record(text(b"1"), u32(1), u64(0), u64(0))
SHARED = WELCOME_VALUE[:10] + u64(1) + WELCOME_VALUE[19:]
HANDSHAKE = {
    "hello": b"\0" + frame(HELLO, HELLO_VALUE, tag=MAGIC),
    "hello_later": b"\0" + frame(HELLO, HELLO_VALUE.replace(u32(1), u32(7)), tag=MAGIC),
    "connect": b"\0" + frame(CONNECT, record(text(b"echo"), u64(5), u32(3)), id=1),
    "reason": b"\0" + frame(REJECTED, REASON, id=1),
    "welcome": said(WELCOMED, frame(CONNECTED, OFFER, id=1)),
    "rejected": said(WELCOMED, frame(REJECTED, REASON, id=1)),
    "refused": said(frame(REFUSED, REASON)), "silent": said(b""),
    "farewell": said(WELCOMED, frame(GOODBYE) + frame(CLOSE)),
    "shared": said(frame(WELCOME, SHARED), frame(CONNECTED, record(
        text(b"1"), u32(2), u64(0), u64(4096)), id=1)),
}


def word(kind, payload=b"", flags=OF_SENDER, id=1, tag=7):
    """A frame as live_peer takes it."""
    return struct.pack("<BBBBB", kind, flags, id, tag, len(payload)) + payload


def answers(item=5):
    return word(REPLY, record(i64(3)), 0, 1, 6) + word(WINDOW, u64(9), 0, 0) + word(
        ITEM, record(i64(1)), 0, 2, item) + word(END, b"", 0, 2) + word(
        CREDIT, u64(30), 0, 3) + word(REPLY, record(i64(3)), 0, 3, 6)


LIVE_PEER = {
    "add": b"\0" + word(REQUEST, record(i64(1), i64(2), u32(3)), tag=0),
    "cancel": b"\0" + word(REQUEST, record(), tag=1) + word(CANCEL),
    "count": b"\0" + word(REQUEST, record(i64(9), i64(5)), tag=2) + word(CREDIT, u64(35)),
    "endless": b"\0" + word(REQUEST, record(i64(1 << 40), i64(-1)), tag=2) + word(CANCEL),
    "upload": b"\0" + word(REQUEST, record(i64(0)), tag=3) + word(
        ITEM, record(i64(5)), tag=5) * 3 + word(END),
    "echo": b"\0" + word(REQUEST, record(record(u64(1), text(b"abc"))), tag=4),
    "message": b"\0" + word(MESSAGE, record(i64(5)), 0, 0, 5),
    "answers": b"\7" + word(WINDOW, u64(9), 0, 0) + answers(),
    "answers_odd": b"\7" + answers(4) + word(FAILURE, record(u8(1), u8(2), i32(5), text(b"x")), 0),
    "too_many": b"\0" + b"".join(word(REQUEST, record(), id=n, tag=1) for n in range(1, 11)),
    "raw": b"\0" + bytes([255, 0, 0, 0, 24]) + frame(2),
    "over_rings": b"\x0f" + answers(),
}

TABLES = {
    "calls": b"\0" + bytes([0, 1, 5, 0, 2, 9, 1, 1, 3, 2, 2, 1, 2, 1, 4, 2, 5, 1, 0, 3, 0]),
    "served": b"\1\2" + bytes([0, 1, 0, 2, 0, 3, 1, 9, 2, 4, 2, 99, 0, 3, 3, 1, 0, 1]),
    "stream": b"\2" + b"".join(bytes([e]) + struct.pack("<H", n) for e, n in
                               [(0, 65000)] * 6 + [(3, 0)] * 5 + [(4, 0), (0, 9), (5, 0), (3, 0)]),
    "stream_refused": b"\2" + b"\0\x09\0" + b"\2\1\0" + b"\7\0\0" + b"\0\1\0" + b"\3\0\0" + b"\6\0\0",
}


def scribble(event, n=0, of=0, more=b"", then=b""):
    return struct.pack("<BBh", of, event, n) + more + then


def put(data, then=b""):
    return b"".join(scribble(6, len(data[i:i + 127]), 0, data[i:i + 127], then)
                    for i in range(0, len(data), 127))


RING = {
    "indices": b"\0" + scribble(0, 100, then=b"\x40\0") + scribble(0, 4000, then=b"\xff\x0f"),
    "taken": b"\0" + scribble(1, 50, 1, then=b"\x99\0") + scribble(4, 1, 1, then=b"\x07\0"),
    "head_back": b"\0" + scribble(0, 100, then=b"\x40\0") + scribble(0, -90, then=b"\1\0"),
    "head_far": b"\0" + scribble(2, 0, 0, struct.pack("<Q", 4097), b"\0\0"),
    "tail_far": b"\0" + scribble(3, 0, 1, struct.pack("<Q", 1 << 63), b"\0\0"),
    "frames": b"\1" + put(NUMBER + frame(MESSAGE, record(i64(2)), tag=fnv1a("number"))),
    "larger": b"\1" + put(frame(MESSAGE, bytes(5000))), "close": b"\1" + put(frame(CLOSE)),
    "sleeper": b"\1" + scribble(4, 1, 1) + scribble(5, 1, 0) + put(NUMBER),
}


def main():
    for target, seeds in {"archive": ARCHIVE, "frames": FRAMES, "handshake": HANDSHAKE,
                          "live_peer": LIVE_PEER, "call_flow": TABLES, "ring": RING}.items():
        directory = HERE / "corpus" / target
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (directory / name).write_bytes(data)


if __name__ == "__main__":
    main()
