# SPDX-License-Identifier: MIT
"""The app's side of lib/wire/protocol.md, for asyncio. Its pipes are FIFOs; it calls, and does not serve.

`run(main)` is a whole app. Operations raise `Error`, calls also `RemoteError`. Everything belongs to the
event loop of `run`; several tasks may call on one pipe at the same time.
"""
import asyncio
import contextlib
import os
import sys
import typing
from dataclasses import dataclass, field

from archive import (Code, Error, decode, encode, f32, i8, i16, i32, i64, u8, u16, u32,  # noqa: F401
                     u64)
from fifos import (CANCEL, CLOSE, CONNECT, CONNECTED, CREDIT, END, FAILURE, GOODBYE, HELLO, ITEM,
                   MESSAGE, OF_SENDER, OPEN, PIECE, REFUSED, REJECTED, REPLY, REQUEST, WELCOME, WINDOW,
                   Fifos, Frame, close_reason)

VERSION = 1
PIECES = 1 << 4  # the one feature that this app knows
MAX_MESSAGE = 16 << 20
CREDIT_TO_GIVE = 128 << 10  # at a time; a stream begins with 256 KiB

HELLO_TAG = int.from_bytes(b"remora\0\0", "little")
CONTROL_LIMIT = 64 << 10
ON_CONTROL = {CLOSE, WELCOME, REFUSED, CONNECTED, REJECTED, GOODBYE}
ON_CONNECTIONS = {MESSAGE, CLOSE, REQUEST, REPLY, FAILURE, CANCEL, ITEM, END, CREDIT, WINDOW, PIECE}


@dataclass
class hello:
    oldest: u32 = VERSION
    newest: u32 = VERSION
    features: u64 = PIECES
    max_message: u64 = MAX_MESSAGE
    pid: i32 = field(default_factory=os.getpid)


# These three have only the fields that this app uses, which come first. The reader of a record skips
# fields that it does not know, and keeps its defaults for those that are missing.
@dataclass
class welcome:
    version: u32 = 0
    features: u64 = 0
    max_message: u64 = 0


@dataclass
class connect_request:
    name: str = ""


@dataclass
class connection_offer:
    base: str = ""


@dataclass
class call_failure:
    kind: u8 = 1
    category: u8 = 0
    code: i32 = 0
    text: str = ""


class RemoteError(Error):
    """What a handler has thrown, or why none has run. The connection lives on.

    `code` says what to do: handler_failed, overloaded, unknown_request or cancelled. `text` is that of the
    handler's exception; `errno` its number, if it is one of the system.
    """

    def __init__(self, failure: call_failure):
        codes = {2: Code.overloaded, 3: Code.unknown_request, 5: Code.cancelled}
        super().__init__(codes.get(failure.kind, Code.handler_failed), repr(failure.text))
        self.text = failure.text
        self.errno = failure.code if failure.category in (2, 3) else None


class Pipe:
    """A connection to a service, from `client.connect`."""

    def __init__(self, fifos: Fifos):
        self._fifos, self._error = fifos, None
        self._calls: dict[int, asyncio.Queue | None] = {}  # that are not answered; None: nobody waits
        self._last_id, self._window, self._changed = 0, 1, asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def call(self, request):
        """Returns the reply, a `request.reply`; waits for the end of the handler if that is None.

        Raises RemoteError, or Error when the connection has ended. When it is cancelled, as by
        asyncio.timeout, so is the handler.
        """
        async with self._ask(request) as (_, next_frame):
            return self._answer(await next_frame(), REPLY, request.reply)

    async def stream(self, request):
        """Generates the items; `request.reply` is AsyncIterator[T]. Raises as call() does.

        Closing it early, as contextlib.aclosing does, cancels the handler.
        """
        item_type, = typing.get_args(request.reply)
        async with self._ask(request) as (id, next_frame):
            taken = 0
            while (frame := await next_frame()).kind == ITEM:
                yield self._answer(frame, ITEM, item_type)
                taken += frame.size
                if taken >= CREDIT_TO_GIVE:
                    self._fifos.send(CREDIT, id, encode(u64, taken), OF_SENDER)
                    taken = 0
            self._answer(frame, END, None)

    @contextlib.asynccontextmanager
    async def _ask(self, request):
        async with self._changed:
            await self._changed.wait_for(lambda: self._error or len(self._calls) < self._window)
            if self._error:
                raise self._error
            self._last_id += 1
            id, frames = self._last_id, asyncio.Queue()
            self._fifos.send_value(REQUEST, id, request, OF_SENDER)
            self._calls[id] = frames

        async def next_frame():
            if isinstance(frame := await frames.get(), Error):
                raise frame
            return frame

        try:
            await self._fifos.flush()
            yield id, next_frame
        finally:
            if id in self._calls and not self._error:
                self._calls[id] = None  # its answer still comes, and counts until then
                self._fifos.send(CANCEL, id, flags=OF_SENDER)

    def _answer(self, frame: Frame, kind: int, type_):
        if frame.kind == FAILURE:
            raise RemoteError(decode(call_failure, frame.payload))
        if type_ is None and frame.kind == END:
            return None
        if type_ is None or frame.kind != kind:
            raise Error(Code.type_mismatch, f"an answer of kind {frame.kind}")
        return self._fifos.value(frame, type_)

    async def _read(self):
        try:
            while True:
                await self._take(await self._fifos.receive())
        except Error as error:
            self._error = error
        except asyncio.CancelledError:
            self._error = Error(Code.closed, "by the app")
        async with self._changed:
            self._changed.notify_all()
        for frames in filter(None, self._calls.values()):
            frames.put_nowait(self._error)
        self._fifos.abort()

    async def _take(self, frame: Frame):
        if frame.kind == WINDOW:
            self._window = decode(u64, frame.payload)
        elif frame.kind == REQUEST:
            why = call_failure(3, 1, Code.unknown_request, "this app serves nothing")
            self._fifos.send_value(FAILURE, frame.id, why)
        elif frame.kind == ITEM and not frame.flags & OF_SENDER:
            if frames := self._calls.get(frame.id):
                frames.put_nowait(frame)
        elif frame.kind in (REPLY, FAILURE) or frame.kind == END and not frame.flags & OF_SENDER:
            if frames := self._calls.pop(frame.id, None):
                frames.put_nowait(frame)
        async with self._changed:
            self._changed.notify_all()


class Client:
    """The app's end of the control pipe. Made by `run`."""

    def __init__(self, directory: str):
        self._directory, self._offers, self.error = directory, {}, None

    async def start(self):
        self._control = await Fifos.open(f"{self._directory}/control", CONTROL_LIMIT, ON_CONTROL)
        self._control.send(HELLO, payload=encode(hello, hello()), tag=HELLO_TAG)
        try:
            self._agree(await self._control.receive())
        except BaseException:
            self._control.abort()
            raise

    def _agree(self, frame: Frame):
        if frame.kind == REFUSED:
            raise decode(close_reason, frame.payload).error(Code.refused, "the server refuses this app")
        if frame.kind != WELCOME:
            raise self._control.breach(f"a frame of kind {frame.kind} as the first")
        agreed = decode(welcome, frame.payload)
        if agreed.version != VERSION:
            raise Error(Code.version_mismatch, f"the server speaks version {agreed.version}")
        self._limit = min(MAX_MESSAGE, agreed.max_message)

    @contextlib.asynccontextmanager
    async def connect(self, name: str):
        """A Pipe to this service, closed at the end of the block. Raises Error `no_such_pipe`."""
        id, offer = len(self._offers) + 1, asyncio.get_running_loop().create_future()
        self._offers[id] = offer
        self._control.send(CONNECT, id, encode(connect_request, connect_request(name)))
        frame = await offer
        if frame.kind == REJECTED:
            raise decode(close_reason, frame.payload).error(Code.refused, f"connecting to {name!r}")
        base = decode(connection_offer, frame.payload).base
        fifos = await Fifos.open(f"{self._directory}/{base}", self._limit, ON_CONNECTIONS)
        fifos.send(OPEN, id)
        pipe = Pipe(fifos)
        try:
            yield pipe
        finally:
            await fifos.close(pipe._reading)

    async def read(self, app: asyncio.Task):
        """Reads until the server has gone. Cancels the app then, or at the server's goodbye."""
        try:
            while True:
                frame = await self._control.receive()
                if frame.kind == GOODBYE:
                    self.error = Error(Code.stopping, "the server asks the app to end")
                    app.cancel()
                elif frame.kind not in (CONNECTED, REJECTED):
                    raise self._control.breach(f"another frame of kind {frame.kind}")
                elif (offer := self._offers.get(frame.id)) and not offer.done():
                    offer.set_result(frame)
        except Error as error:
            self.error = self.error or Error(Code.server_gone, str(error))
            app.cancel()

    async def close(self, reading: asyncio.Task):
        await self._control.close(reading)


def run(main):
    """Runs `main(client)`, a coroutine, as the app of the server that has started this process.

    Returns what that returns. Raises Error: `no_server`, `refused`, `version_mismatch`; also `server_gone`
    or `stopping`, having cancelled `main`, when the server has gone or asks the app to end.
    """
    return asyncio.run(_run(main, _directory()))


def _directory() -> str:
    directory = os.environ.pop("REMORA_PIPES", "")
    os.environ.pop("REMORA_TRACE_INTO", None)  # not for children of this app, which writes no trace
    for argument in sys.argv[1:]:
        if argument.startswith("--remora.pipes="):
            sys.argv.remove(argument)
            directory = argument.partition("=")[2]
            break
    if not directory:
        raise Error(Code.no_server, "start the server, and it starts this app")
    return directory


async def _run(main, directory: str):
    client = Client(directory)
    await client.start()
    app = asyncio.create_task(main(client))
    reading = asyncio.create_task(client.read(app))
    try:
        return await app
    except asyncio.CancelledError:
        if client.error:
            raise client.error from None
        raise
    finally:
        await client.close(reading)
