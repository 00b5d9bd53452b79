"""Unpacking of bodies: gzip, deflate, br and zstd, bounded while it unpacks."""

import zlib
from collections.abc import Callable

from api.errors import Refused

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes, as sent and after unpacking: the maximum of RudderStack's SDKs (Segment's: 500 KB)."""

_MAX_MEMBERS = 64
"""Maximum of gzip members of one body: each costs a copy of the rest, and senders write one."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_PLAIN = (b"{", b"[", b"\xef")
"""Beginnings of JSON: unpacking proxies leave the header."""


def check_encoding(encoding: str) -> list[str]:
    """The names in a `Content-Encoding`. Refused: 415 for one that cannot be unpacked."""
    names = [name.strip() for name in encoding.lower().split(",") if name.strip()]
    for name in names:
        if name not in _UNPACK:
            known = "gzip, deflate, br or zstd"
            raise Refused(415, "unsupported_encoding", f"send {known} or plain JSON, not {name}")
    return names


def unpacked(data: bytes, encoding: str) -> bytes:
    """The content of a body with this `Content-Encoding`. Refused: 413 where it holds more than
    `LARGEST_BODY`, 400 where it is broken, 415 for another encoding."""
    names = check_encoding(encoding)
    # Detected by its first bytes: senders forget the header, too.
    if data.startswith(_GZIP):
        return gunzip(data)
    if data.startswith(_ZSTD):
        return _unzstd(data)
    if data.lstrip()[:1] in _PLAIN:
        return data
    for name in reversed(names):
        data = _UNPACK[name](data)
    return data


def gunzip(data: bytes) -> bytes:
    """The content of a gzip of one or more members, never more than `LARGEST_BODY` bytes in memory.

    Refused: 413 where it holds more, 400 where it is broken.
    """
    found = b""
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        try:
            found += member.decompress(data, LARGEST_BODY + 1 - len(found))
        except zlib.error as problem:
            raise Refused(400, "invalid_gzip", f"the gzip is broken: {problem}") from None
        if len(found) > LARGEST_BODY:
            raise too_large()
        if not member.eof:
            raise Refused(400, "invalid_gzip", "the gzip is cut off")
        data = member.unused_data.lstrip(b"\0")
        if not data:
            return found
    raise Refused(400, "invalid_gzip", f"a gzip has at most {_MAX_MEMBERS} members")


def _inflate(data: bytes) -> bytes:
    """Deflate with the header of zlib, as the standard says, or without, as some send it."""
    for wbits in (15, -15):
        stream = zlib.decompressobj(wbits=wbits)
        try:
            found = stream.decompress(data, LARGEST_BODY + 1)
        except zlib.error:
            continue
        if len(found) > LARGEST_BODY:
            raise too_large()
        if stream.eof:
            return found
    raise Refused(400, "invalid_encoding", "the deflate stream is broken or cut off")


def _unbrotli(data: bytes) -> bytes:
    import brotli  # noqa: PLC0415 - few senders use it

    stream = brotli.Decompressor()
    try:
        found: bytes = stream.process(data, output_buffer_limit=LARGEST_BODY + 1)
        while not stream.is_finished() and len(found) <= LARGEST_BODY:
            more = stream.process(b"", output_buffer_limit=LARGEST_BODY + 1)
            if not more:
                break
            found += more
    except brotli.error as problem:
        raise Refused(400, "invalid_encoding", f"the br stream is broken: {problem}") from None
    if len(found) > LARGEST_BODY:
        raise too_large()
    if not stream.is_finished():
        raise Refused(400, "invalid_encoding", "the br stream is cut off")
    return found


def _unzstd(data: bytes) -> bytes:
    import zstandard  # noqa: PLC0415 - few senders use it

    try:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 23).stream_reader(
            data, read_across_frames=True
        )
        found: bytes = reader.read(LARGEST_BODY + 1)
    except zstandard.ZstdError as problem:
        raise Refused(400, "invalid_encoding", f"the zstd stream is broken: {problem}") from None
    if len(found) > LARGEST_BODY:
        raise too_large()
    return found


_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda data: data,
    "gzip": gunzip,
    "x-gzip": gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}


def too_large() -> Refused:
    """The refusal of a body that is too large."""
    # The rest of the body stays unread: the connection cannot serve another request.
    limit = f"a request has at most {LARGEST_BODY} bytes"
    return Refused(413, "too_large", limit, {"Connection": "close"})
