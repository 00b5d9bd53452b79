"""How bodies are packed: ClickHouse's own frames (`compress`, `decompress`), and the encodings of
HTTP, asked for by `Content-Encoding` and, with `enable_http_compression`, by `Accept-Encoding`."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Final, Protocol

import lz4.frame
import zstandard

from .byte_stream import ByteStream, DisconnectedError, MalformedError
from .compression import compress, read_frame
from .failure import CANNOT_DECOMPRESS, NOT_IMPLEMENTED, ClickHouseError, failure
from .spool import Spool

PIECE_BYTES: Final = 1 << 20
"""Unpacked bytes held at a time: what a few bytes unpack to has no bound of its own."""

_MAX_ZSTD_WINDOW: Final = 1 << 27
_ZSTD_STEP: Final = 1 << 10
_ON: Final = ("1", "true")


class Packer(Protocol):
    """Packs one answer, piece by piece."""

    def pack(self, data: bytes) -> bytes:
        """The next bytes of the answer."""

    def finish(self) -> bytes:
        """The last bytes of the answer."""


class _Frames:
    """LZ4 frames with checksums, as in the native protocol."""

    def pack(self, data: bytes) -> bytes:
        return compress(data)

    def finish(self) -> bytes:
        return b""


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._stream = zlib.compressobj(level=3, wbits=wbits)

    def pack(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def finish(self) -> bytes:
        return self._stream.flush()


class _Zstd:
    def __init__(self) -> None:
        self._stream = zstandard.ZstdCompressor(level=1).compressobj()

    def pack(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def finish(self) -> bytes:
        return self._stream.flush()


class _Lz4:
    def __init__(self) -> None:
        self._stream = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def pack(self, data: bytes) -> bytes:
        head = b"" if self._begun else bytes(self._stream.begin())
        self._begun = True
        return head + bytes(self._stream.compress(data))

    def finish(self) -> bytes:
        return self.pack(b"") + bytes(self._stream.flush())


_PACKERS: Final[Mapping[str, Callable[[], Packer]]] = {
    "zstd": _Zstd,
    "lz4": _Lz4,
    "gzip": lambda: _Zlib(31),
    "deflate": lambda: _Zlib(15),
}
"""Encoding -> packer, in the order in which a ClickHouse server prefers them."""


def answer_packer(
    parameters: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[Packer | None, str]:
    """(the packer of an answer, its `Content-Encoding`): none and "" for one that is not packed.

    ClickHouse's frames stand inside of the encoding of HTTP; asked for both, a client gets the
    encoding, which it can name.
    """
    if parameters.get("enable_http_compression") in _ON:
        accepted = _accepted(headers.get("accept-encoding", ""))
        for name, packer in _PACKERS.items():
            if name in accepted:
                return packer(), name
    if parameters.get("compress") in _ON:
        return _Frames(), ""
    return None, ""


def packed(packer: Packer | None, data: bytes) -> bytes:
    """A whole answer."""
    return data if packer is None else packer.pack(data) + packer.finish()


def _accepted(header: str) -> set[str]:
    """The encodings of an `Accept-Encoding` without those of weight 0."""
    found = set()
    for part in header.lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        if weight.strip("0.") or not weight:
            found.add(name)
    return found


async def receive(
    pieces: AsyncIterator[bytes],
    body: Spool,
    parameters: Mapping[str, str],
    headers: Mapping[str, str],
) -> None:
    """Unpacks a request's body into `body`, which holds no more than its limit.

    Raises `ClickHouseError`: 271 for a body that is broken or cut off, 48 for an unknown encoding.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    if parameters.get("decompress") not in _ON:
        await _unpack(pieces, encoding, body)
        return
    with Spool(body.directory, body.limit) as frames:
        await _unpack(pieces, encoding, frames)
        frames.check()
        await _read_frames(frames, body)


async def _read_frames(frames: Spool, body: Spool) -> None:
    packed_pieces = frames.pieces()

    async def more() -> bytes:
        return next(packed_pieces, b"")

    stream = ByteStream(more)
    try:
        while not stream.drained or await _filled(stream):
            body.write(await read_frame(stream))
    except DisconnectedError:
        raise _broken("the frames of the body: they are cut off") from None
    except MalformedError as problem:
        raise _broken(f"the frames of the body: {problem}") from None


async def _filled(stream: ByteStream) -> bool:
    try:
        await stream.fill()
    except DisconnectedError:
        return False
    return True


async def _unpack(pieces: AsyncIterator[bytes], encoding: str, body: Spool) -> None:
    if encoding in ("", "identity"):
        async for piece in pieces:
            body.write(piece)
        return
    if encoding not in _STREAMS:
        known = "gzip, deflate, zstd or lz4"
        raise failure(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", f"send {known}, not {encoding[:40]!r}")
    members = _Members(_STREAMS[encoding], body)
    try:
        async for piece in pieces:
            members.unpack(piece)
    except (zlib.error, zstandard.ZstdError, RuntimeError) as error:
        raise _broken(f"the {encoding} of the body: {error}") from None
    if not members.whole:
        raise _broken(f"the {encoding} of the body: it is cut off")


class _Stream(Protocol):
    """Unpacks one gzip member or one frame."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def unused_data(self) -> bytes:
        """After the end: what follows it."""

    def unpacked(self, data: bytes) -> Iterator[bytes]:
        """What is in the data, in bounded pieces."""


class _Inflate:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=47)  # the header says whether it is gzip or zlib

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def unpacked(self, data: bytes) -> Iterator[bytes]:
        while data and not self._stream.eof:
            yield self._stream.decompress(data, PIECE_BYTES)
            data = self._stream.unconsumed_tail


class _Unlz4:
    def __init__(self) -> None:
        self._stream = lz4.frame.LZ4FrameDecompressor()

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._stream.unused_data or b"")

    def unpacked(self, data: bytes) -> Iterator[bytes]:
        yield bytes(self._stream.decompress(data, PIECE_BYTES))
        while not self._stream.needs_input and not self._stream.eof:
            yield bytes(self._stream.decompress(b"", PIECE_BYTES))


class _Unzstd:
    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).decompressobj()
        self._unused = b""

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._unused

    def unpacked(self, data: bytes) -> Iterator[bytes]:
        # The library has no bound of what one call gives: a block of four bytes holds 128 KiB.
        for at in range(0, len(data), _ZSTD_STEP):
            yield self._stream.decompress(data[at : at + _ZSTD_STEP])
            if self._stream.eof:
                self._unused = self._stream.unused_data + data[at + _ZSTD_STEP :]
                return


_STREAMS: Final[Mapping[str, Callable[[], _Stream]]] = {
    "gzip": _Inflate,
    "x-gzip": _Inflate,
    "deflate": _Inflate,
    "zstd": _Unzstd,
    "lz4": _Unlz4,
}


class _Members:
    """Unpacks a body of one or more members into a spool."""

    def __init__(self, begin: Callable[[], _Stream], body: Spool) -> None:
        self._begin = begin
        self._body = body
        self._stream: _Stream | None = None

    @property
    def whole(self) -> bool:
        """Whether the last member has ended."""
        return self._stream is None or self._stream.eof

    def unpack(self, piece: bytes) -> None:
        """Takes the next bytes of the body."""
        while piece:
            if self._stream is None or self._stream.eof:
                self._stream = self._begin()
            for found in self._stream.unpacked(piece):
                self._body.write(found)
            piece = self._stream.unused_data if self._stream.eof else b""


def _broken(what: str) -> ClickHouseError:
    return failure(CANNOT_DECOMPRESS, "CANNOT_DECOMPRESS", f"Cannot unpack {what}")
