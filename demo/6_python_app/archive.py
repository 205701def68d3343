# SPDX-License-Identifier: MIT
"""Values as bytes: the section "Values" of lib/wire/protocol.md.

A type is `bool`, a number as below, `float` (f64), `str`, `bytes`, `list[E]`, `dict[K, V]`,
`tuple[A, B]`, `E | None` (optional), `A | B` (a variant, of classes), or a dataclass: a record. Its name
and the types of its fields, in their order, are those of the other side. Each field has a default, which
it keeps when the other side does not send it.
"""
import dataclasses
import enum
import functools
import struct
import types
import typing
from typing import Annotated

i8, i16, i32, i64 = (Annotated[int, name] for name in ("i8", "i16", "i32", "i64"))
u8, u16, u32, u64 = (Annotated[int, name] for name in ("u8", "u16", "u32", "u64"))
f32 = Annotated[float, "f32"]

# Name, kind, and format of the module struct.
NUMBERS = {
    bool: ("bool", 0x01, "<B"), f32: ("f32", 0x34, "<f"), float: ("f64", 0x38, "<d"),
    i8: ("i8", 0x11, "<b"), i16: ("i16", 0x12, "<h"), i32: ("i32", 0x14, "<i"), i64: ("i64", 0x18, "<q"),
    u8: ("u8", 0x21, "<B"), u16: ("u16", 0x22, "<H"), u32: ("u32", 0x24, "<I"), u64: ("u64", 0x28, "<Q"),
}

Code = enum.IntEnum("Code", """
    no_server server_gone app_gone refused version_mismatch start_timeout no_such_pipe bad_name closed
    broken_pipe receive_in_progress timed_out type_mismatch field_mismatch truncated bad_value
    over_budget too_deep message_too_large protocol_error service_failed stopping already_running
    bad_option overloaded no_transport handler_failed unknown_request cancelled""")


class Error(Exception):
    """What went wrong between app and server: a `Code`, and a text for people."""

    def __init__(self, code: Code, text: str):
        super().__init__(f"{code.name}: {text}" if text else code.name)
        self.code = code


class Kind:
    bytes, list, map, optional, variant, tuple, record, version = (*range(0x40, 0x47), 0x48)


@functools.cache
def parts(type_) -> tuple[int, tuple]:
    """The kind of a type, and the types within it."""
    origin, within = typing.get_origin(type_), typing.get_args(type_)
    if type_ in NUMBERS:
        return NUMBERS[type_][1], ()
    if type_ in (str, bytes):
        return Kind.bytes, ()
    if dataclasses.is_dataclass(type_):
        hints = typing.get_type_hints(type_, include_extras=True)
        return Kind.record, tuple(hints[field.name] for field in dataclasses.fields(type_))
    if origin in (typing.Union, types.UnionType):
        others = tuple(t for t in within if t is not types.NoneType)
        if others == within:
            return Kind.variant, within
        return Kind.optional, (typing.Union[others],)
    if origin in (list, dict, tuple) and within[0] != u8:
        return {list: Kind.list, dict: Kind.map, tuple: Kind.tuple}[origin], within
    raise TypeError(f"no type of the archive: {type_}; an int is i32 or the like, a list of u8 bytes")


@functools.cache
def type_name(type_) -> str:
    kind, within = parts(type_)
    if type_ in NUMBERS:
        return NUMBERS[type_][0]
    if not within or kind == Kind.record:
        return {str: "string", bytes: "bytes"}.get(type_) or type_.__name__
    template = {Kind.list: "list", Kind.map: "map", Kind.optional: "optional",
                Kind.variant: "variant", Kind.tuple: "tuple"}[kind]
    return f"{template}<{','.join(map(type_name, within))}>"


def encode(type_, value) -> bytes:
    return bytes([parts(type_)[0]]) + _body(type_, value)


def _body(type_, value) -> bytes:
    kind, within = parts(type_)
    if type_ in NUMBERS:
        return struct.pack(NUMBERS[type_][2], value)
    match kind:
        case Kind.bytes:
            data = value.encode(errors="surrogateescape") if type_ is str else value
            return _size(data) + data
        case Kind.list:
            bodies = b"".join(_body(within[0], element) for element in value)
            return bytes([parts(within[0])[0]]) + _size(value) + bodies
        case Kind.map:
            bodies = b"".join(_body(t, v) for pair in value.items() for t, v in zip(within, pair))
            return bytes(parts(t)[0] for t in within) + _size(value) + bodies
        case Kind.optional:
            return b"\0" if value is None else b"\1" + encode(within[0], value)
        case Kind.variant:
            return bytes([within.index(type(value))]) + encode(type(value), value)
        case Kind.tuple:
            return bytes([len(within)]) + b"".join(map(encode, within, value))
        case Kind.record:
            members = (getattr(value, field.name) for field in dataclasses.fields(type_))
            fields = b"".join(map(encode, within, members))
            return _size(fields) + fields


def _size(things) -> bytes:
    return struct.pack("<I", len(things))


def decode(type_, data: bytes):
    """The value that these bytes are. Raises Error `truncated`, `field_mismatch`, `bad_value`."""
    source = _Bytes(data)
    value = _value(type_, source)
    if source.left():
        raise Error(Code.bad_value, f"bytes behind a {type_name(type_)}")
    return value


class _Bytes:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        if size > self.left():
            raise Error(Code.truncated, f"{size} bytes expected, {self.left()} are left")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, format_: str = "<I"):
        return struct.unpack(format_, self.take(struct.calcsize(format_)))[0]

    def expect(self, type_):
        if (kind := self.number("<B")) != parts(type_)[0]:
            raise Error(Code.field_mismatch, f"a value of kind {kind:#x} in place of a {type_name(type_)}")


def _value(type_, source: _Bytes):
    source.expect(type_)
    return _read(type_, source)


def _read(type_, source: _Bytes):
    kind, within = parts(type_)
    if type_ in NUMBERS:
        number = source.number(NUMBERS[type_][2])
        return _below(2, number) == 1 if type_ is bool else number
    match kind:
        case Kind.bytes:
            data = source.take(source.number())
            return data.decode(errors="surrogateescape") if type_ is str else data
        case Kind.list:
            source.expect(within[0])
            return [_read(within[0], source) for _ in range(source.number())]
        case Kind.map:
            for t in within:
                source.expect(t)
            pairs = [[_read(t, source) for t in within] for _ in range(source.number())]
            return dict(reversed(pairs))  # of equal keys the first stays
        case Kind.optional:
            return _value(within[0], source) if _below(2, source.number("<B")) else None
        case Kind.variant:
            return _value(within[_below(len(within), source.number("<B"))], source)
        case Kind.tuple:
            if (count := source.number("<B")) != len(within):
                raise Error(Code.bad_value, f"{count} elements in a {type_name(type_)}")
            return tuple(_value(t, source) for t in within)
        case Kind.record:
            fields = _Bytes(source.take(source.number()))
            if fields.data[:1] == bytes([Kind.version]):
                fields.take(5)
            values = []
            while fields.left() and len(values) < len(within):
                values.append(_value(within[len(values)], fields))
            return type_(*values)  # an older sender leaves the last ones out, a newer one has more


def _below(end: int, number: int) -> int:
    if number >= end:
        raise Error(Code.bad_value, f"{number}, which is not below {end}")
    return number
