"""The packets of ClickHouse's native protocol, as revision 54429 writes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .blocks import BLOCK_INFO, text, varint
from .byte_stream import ByteStream, MalformedError
from .compression import compress
from .failure import ClickHouseError
from .session_settings import Setting

# The first revision with settings as text, and before the one with a serialization byte per
# column: the engine's blocks can be passed on as they are.
REVISION: Final = 54429
MAX_HELLO_BYTES: Final = 1 << 12
MAX_QUERY_BYTES: Final = 16 << 20
_TCP: Final = 1


class ClientPacket(IntEnum):
    """First number of a packet from the client."""

    HELLO = 0
    QUERY = 1
    DATA = 2
    CANCEL = 3
    PING = 4


class ServerPacket(IntEnum):
    """First number of a packet to the client."""

    HELLO = 0
    DATA = 1
    EXCEPTION = 2
    PROGRESS = 3
    PONG = 4
    END_OF_STREAM = 5
    PROFILE_INFO = 6


@dataclass(frozen=True, slots=True)
class Hello:
    """What a client says first."""

    client: str
    revision: int
    database: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Query:
    """A statement with the settings that hold for it alone."""

    query_id: str
    sql: str
    settings: dict[str, Setting]
    compressed: bool


async def read_hello(stream: ByteStream) -> Hello:
    """Read the rest of a Hello packet."""
    client = await stream.text(MAX_HELLO_BYTES)
    await stream.varint()
    await stream.varint()
    revision = await stream.varint()
    database = await stream.text(MAX_HELLO_BYTES)
    user = await stream.text(MAX_HELLO_BYTES)
    password = await stream.text(MAX_HELLO_BYTES)
    return Hello(client, revision, database, user, password)


async def read_query(stream: ByteStream) -> Query:
    """Read the rest of a Query packet."""
    query_id = await stream.text(MAX_HELLO_BYTES)
    if await stream.integer(1):
        await _skip_client_info(stream)
    settings = {}
    while name := await stream.text(MAX_HELLO_BYTES):
        important = bool(await stream.varint() & 1)
        settings[name] = Setting(await stream.text(MAX_QUERY_BYTES), important)
    await stream.varint()
    compressed = bool(await stream.varint())
    return Query(query_id, await stream.text(MAX_QUERY_BYTES), settings, compressed)


async def _skip_client_info(stream: ByteStream) -> None:
    for _ in range(3):  # initial user, query id, address
        await stream.text(MAX_HELLO_BYTES)
    if await stream.integer(1) != _TCP:
        raise MalformedError("a query that does not come from a TCP client")
    for _ in range(3):  # operating system's user, host, client
        await stream.text(MAX_HELLO_BYTES)
    for _ in range(3):  # version, revision
        await stream.varint()
    await stream.text(MAX_HELLO_BYTES)  # quota key
    await stream.varint()  # patch version


def hello(version: tuple[int, ...], timezone: str, display_name: str) -> bytes:
    """The answer to an accepted Hello."""
    major, minor, patch = version[:3]
    return b"".join(
        (
            varint(ServerPacket.HELLO),
            text("ClickHouse"),
            varint(major),
            varint(minor),
            varint(REVISION),
            text(timezone),
            text(display_name),
            varint(patch),
        )
    )


def exception(error: ClickHouseError) -> bytes:
    """An error: code, class, message, no stack trace, no cause."""
    code = error.code.to_bytes(4, "little", signed=True)
    words = text("DB::Exception") + text(error.message) + text("")
    return varint(ServerPacket.EXCEPTION) + code + words + b"\0"


def data(block: bytes, *, compressed: bool) -> bytes:
    """A block (without its info) on its way to the client."""
    body = BLOCK_INFO + block
    return varint(ServerPacket.DATA) + text("") + (compress(body) if compressed else body)


def progress(
    *, rows: int = 0, read_bytes: int = 0, written_rows: int = 0, written_bytes: int = 0
) -> bytes:
    """What was read and written since the last such packet."""
    numbers = (rows, read_bytes, 0, written_rows, written_bytes)
    return varint(ServerPacket.PROGRESS) + b"".join(map(varint, numbers))


def profile_info(*, rows: int, blocks: int, size: int) -> bytes:
    """How large the whole result was; no limit is reported."""
    return b"".join(
        (varint(ServerPacket.PROFILE_INFO), *map(varint, (rows, blocks, size)), bytes(3))
    )


PONG: Final = varint(ServerPacket.PONG)
END_OF_STREAM: Final = varint(ServerPacket.END_OF_STREAM)
