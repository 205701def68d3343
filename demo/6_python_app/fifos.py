# SPDX-License-Identifier: MIT
"""Frames over a pair of FIFOs: the sections "Opening", "Frames" and "Pieces" of lib/wire/protocol.md."""
import asyncio
import contextlib
import os
import struct
import typing
from dataclasses import dataclass

from archive import Code, Error, decode, encode, i32, type_name

HEADER = struct.Struct("<IBBHQQ")
NAMED, MAY_SKIP, OF_SENDER, JOINED = 1, 2, 4, 8
LONGEST_NAME = 1 + 255  # with its length

OPEN, MESSAGE, CLOSE = 1, 2, 3
HELLO, WELCOME, REFUSED, CONNECT, CONNECTED, REJECTED, GOODBYE = 16, 17, 18, 19, 20, 21, 23
REQUEST, REPLY, FAILURE, CANCEL, ITEM, END, CREDIT, WINDOW, PIECE = 32, 33, 34, 35, 36, 37, 38, 39, 41


@dataclass
class close_reason:
    code: i32 = 0
    text: str = ""

    def error(self, unknown: Code, what: str) -> Error:
        code = Code(self.code) if self.code in Code.__members__.values() else unknown
        return Error(code, f"{what}: {self.text!r}")


class Frame(typing.NamedTuple):
    kind: int
    flags: int
    id: int
    tag: int
    payload: bytes
    size: int  # with the header, as if it had not come in pieces


def tag_of(name: bytes) -> int:
    tag = 0xcbf29ce484222325
    for byte in name:
        tag = (tag ^ byte) * 0x100000001b3 % 2**64
    return tag or 1


class Fifos:
    """Frames over a pair of FIFOs."""

    @classmethod
    async def open(cls, base: str, limit: int, kinds: set[int]):
        self = cls()
        self.limit, self._kinds = limit, kinds
        self._names_sent, self._names_seen = set(), {}
        self._pieces, self._pieces_of = bytearray(), None
        options = os.O_NONBLOCK | os.O_NOFOLLOW
        up = open(os.open(base + ".up", os.O_WRONLY | options), "wb", 0)
        self._guard = open(os.open(base + ".up", os.O_RDONLY | options), "rb", 0)
        down = open(os.open(base + ".down", os.O_RDONLY | options), "rb", 0)
        loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader()
        self._down, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), down)
        up_transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), up)
        up_transport.set_write_buffer_limits(0)  # flush() waits until everything is in the FIFO
        self._writer = asyncio.StreamWriter(up_transport, protocol, None, loop)
        return self

    def send(self, kind: int, id: int = 0, payload: bytes = b"", flags: int = 0, tag: int = 0):
        self._writer.write(HEADER.pack(len(payload), kind, flags, 0, id, tag) + payload)

    def send_value(self, kind: int, id: int, value, flags: int = 0):
        """A value of a type of its own, which is named the first time."""
        payload, name = encode(type(value), value), type_name(type(value)).encode()
        if len(payload) > self.limit:
            raise Error(Code.message_too_large, f"{len(payload)} bytes, the limit is {self.limit}")
        if name not in self._names_sent:
            self._names_sent.add(name)
            payload, flags = bytes([len(name)]) + name + payload, flags | NAMED
        self.send(kind, id, payload, flags, tag_of(name))

    async def flush(self):
        with contextlib.suppress(ConnectionError):  # the reader knows better what has happened
            await self._writer.drain()

    async def receive(self) -> Frame:
        """The next frame of a kind that belongs here, whole. Raises Error at the end."""
        while True:
            frame = await self._next()
            if frame.kind not in self._kinds:
                if not frame.flags & MAY_SKIP:
                    raise self.breach(f"a frame of kind {frame.kind}")
                continue
            if frame := self._join(frame):
                frame = self._name(frame)
                if frame.kind == CLOSE:
                    reason = decode(close_reason, frame.payload or encode(close_reason, close_reason()))
                    raise reason.error(Code.service_failed if reason.code else Code.closed,
                                       "the server has closed the pipe")
                return frame

    async def _next(self) -> Frame:
        try:
            header = await self._reader.readexactly(HEADER.size)
            length, kind, flags, reserved, id, tag = HEADER.unpack(header)
            if kind == 0 or reserved or flags > 15:
                raise self.breach(f"a header {header.hex()}")
            if length > self.limit + LONGEST_NAME:
                raise self.breach(f"a frame of {length} bytes", Code.message_too_large)
            payload = await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise Error(Code.broken_pipe, "the server has vanished") from None
        return Frame(kind, flags, id, tag, payload, HEADER.size + length)

    def _join(self, frame: Frame) -> Frame | None:
        """The frame with the pieces before it. None if it is a piece."""
        call = frame.id, frame.flags & OF_SENDER
        if frame.kind != PIECE and not frame.flags & JOINED:
            return frame
        needed = frame.payload if frame.kind == PIECE else self._pieces
        if not needed or call != (self._pieces_of or call):
            raise self.breach("a piece out of place")
        self._pieces += frame.payload
        self._pieces_of = call
        if len(self._pieces) > self.limit + LONGEST_NAME:
            raise self.breach("pieces of too large a value", Code.message_too_large)
        if frame.kind == PIECE:
            return None
        payload, self._pieces, self._pieces_of = bytes(self._pieces), bytearray(), None
        return frame._replace(payload=payload, size=HEADER.size + len(payload))

    def _name(self, frame: Frame) -> Frame:
        """The frame without the name, which is remembered."""
        if frame.flags & NAMED:
            length = frame.payload[0] if frame.payload else 0
            name = frame.payload[1:1 + length]
            if not name or len(name) < length or tag_of(name) != frame.tag:
                raise self.breach("a name that is not that of its tag")
            self._names_seen[frame.tag] = name
            frame = frame._replace(payload=frame.payload[1 + length:])
        if frame.tag and frame.tag not in self._names_seen:
            raise self.breach("a type without a name")
        return frame

    def value(self, frame: Frame, type_):
        name = type_name(type_)
        if tag_of(name.encode()) != frame.tag:
            got = self._names_seen[frame.tag] if frame.tag else b"nothing"
            raise Error(Code.type_mismatch, f"{got.decode(errors='replace')!r} in place of {name!r}")
        return decode(type_, frame.payload)

    def breach(self, what: str, code: Code = Code.protocol_error) -> Error:
        self.send(CLOSE, payload=encode(close_reason, close_reason(code, what)))
        return Error(code, f"the server has sent {what}")

    async def close(self, reading: asyncio.Task):
        """Sends what is left, then ends the task that reads. It reads until then: the other end may be
        writing, and not read before that is done."""
        tasks = {reading}
        if not reading.done():
            self.send(CLOSE)
            tasks.add(asyncio.create_task(self.flush()))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()
        self.abort()
        await asyncio.wait(tasks)

    def abort(self):
        if not self._writer.transport.is_closing():
            self._writer.transport.abort()
        self._down.close()
        self._guard.close()
