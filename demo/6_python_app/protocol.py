# SPDX-License-Identifier: MIT
"""What demos 4 and 5 share with their servers: their protocol.hpp, name by name and field by field."""
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from remora import i32, i64


@dataclass
class built:
    target: str = ""
    turn: i32 = 0


@dataclass
class build:
    target: str = ""
    needs: list[str] = field(default_factory=list)

    reply = built


@dataclass
class next_given_up:
    reply = str


@dataclass
class progress:
    percent: i32 = 0
    primes: i64 = 0


@dataclass
class gap:
    size: i64 = 0
    after: i64 = 0


@dataclass
class find_gaps:
    limit: i64 = 0

    reply = AsyncIterator[progress | gap]
