"""A request's body, bounded while it is read and while it is unpacked."""

import zlib

from starlette.requests import Request

from api.errors import Refused

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes, as sent and after unpacking: the maximum of RudderStack's SDKs (Segment's: 500 KB)."""

_MAX_MEMBERS = 64
"""Maximum of gzip members of one body: each costs a copy of the rest, and senders write one."""

_GZIP = b"\x1f\x8b"
_PLAIN = frozenset({"", "identity", "gzip", "x-gzip"})


async def read_body(request: Request) -> bytes:
    """The body, unpacked. The content type is ignored: SDKs send arbitrary ones.

    Refused: 413 over `LARGEST_BODY`, 400 for a broken gzip, 415 for another encoding.
    """
    encoding = request.headers.get("content-encoding", "")
    if encoding.lower() not in _PLAIN:
        raise Refused(415, "unsupported_encoding", f"send gzip or plain JSON, not {encoding}")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise _too_large()
    message = await request.receive()
    data: bytes = message.get("body", b"")
    if message.get("more_body"):
        data = await _read_on(request, data)
    elif message["type"] == "http.disconnect":
        raise _gone()
    # Detected by its first bytes: unpacking proxies leave the header, and senders forget it.
    return unpack(data) if data.startswith(_GZIP) else data


async def _read_on(request: Request, first: bytes) -> bytes:
    chunks = [first]
    size = len(first)
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise _gone()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > LARGEST_BODY:
            raise _too_large()
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def unpack(data: bytes) -> bytes:
    """The content of a gzip of one or more members, never more than `LARGEST_BODY` bytes in memory.

    Refused: 413 where it holds more, 400 where it is broken.
    """
    unpacked = b""
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(data, LARGEST_BODY + 1 - len(unpacked))
        except zlib.error as problem:
            raise Refused(400, "invalid_gzip", f"the gzip is broken: {problem}") from None
        if len(unpacked) > LARGEST_BODY:
            raise _too_large()
        if not member.eof:
            raise Refused(400, "invalid_gzip", "the gzip is cut off")
        data = member.unused_data.lstrip(b"\0")
        if not data:
            return unpacked
    raise Refused(400, "invalid_gzip", f"a gzip has at most {_MAX_MEMBERS} members")


def _too_large() -> Refused:
    # The rest of the body stays unread: the connection cannot serve another request.
    limit = f"a request has at most {LARGEST_BODY} bytes"
    return Refused(413, "too_large", limit, {"Connection": "close"})


def _gone() -> Refused:
    return Refused(400, "disconnected", "the sender left in the middle of the body")
