"""How bodies are packed: ClickHouse's own frames (`compress`, `decompress`), and the encodings of
HTTP, asked for by `Content-Encoding` and, with `enable_http_compression`, by `Accept-Encoding`."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import IO, Final, Protocol, cast

import lz4.frame
import zstandard

from .byte_stream import ByteStream, DisconnectedError, MalformedError
from .compression import compress, read_frame
from .failure import CANNOT_DECOMPRESS, NOT_IMPLEMENTED, ClickHouseError, failure
from .spool import Spool

PIECE_BYTES: Final = 1 << 20
"""Unpacked bytes held at a time: what a few bytes unpack to has no bound of its own."""

_MAX_ZSTD_WINDOW: Final = 1 << 27
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
        name, _, weight = part.partition(";")
        if weight.replace(" ", "").rstrip("0").rstrip(".") not in ("q=", "q"):
            found.add(name.strip())
    return found


async def receive(
    pieces: AsyncIterator[bytes],
    body: Spool,
    parameters: Mapping[str, str],
    headers: Mapping[str, str],
) -> None:
    """Unpacks a request's body into `body`, which holds no more than its limit.

    Raises `ClickHouseError`: 271 for a broken body, 48 for an unknown encoding.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    unpack = _unpacker(encoding, body)
    if parameters.get("decompress") not in _ON:
        async for piece in pieces:
            unpack(piece)
        return
    with Spool(body.directory, body.limit) as frames:
        inner = _unpacker(encoding, frames)
        async for piece in pieces:
            inner(piece)
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
    except (MalformedError, DisconnectedError) as problem:
        raise _broken(f"LZ4 frames: {problem or 'cut off'}") from None


async def _filled(stream: ByteStream) -> bool:
    try:
        await stream.fill()
    except DisconnectedError:
        return False
    return True


def _unpacker(encoding: str, body: Spool) -> Callable[[bytes], object]:
    """Takes the pieces of a packed body and writes what is in them."""
    if encoding in ("", "identity"):
        return body.write
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _inflater(body)
    if encoding == "zstd":
        # It writes in pieces of its own, however much a few bytes unpack to.
        sink = cast("IO[bytes]", body)
        writer = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).stream_writer(sink)
        return _guarded(writer.write, zstandard.ZstdError, encoding)
    if encoding == "lz4":
        return _unlz4(body)
    known = "gzip, deflate, zstd or lz4"
    raise failure(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", f"send {known}, not {encoding[:40]!r}")


def _inflater(body: Spool) -> Callable[[bytes], object]:
    stream = zlib.decompressobj(wbits=47)  # the header says whether it is gzip or zlib

    def unpack(piece: bytes) -> None:
        left = piece
        while left:
            body.write(stream.decompress(left, PIECE_BYTES))
            left = stream.unconsumed_tail

    return _guarded(unpack, zlib.error, "gzip")


def _unlz4(body: Spool) -> Callable[[bytes], object]:
    stream = lz4.frame.LZ4FrameDecompressor()

    def unpack(piece: bytes) -> None:
        body.write(stream.decompress(piece, PIECE_BYTES))
        while not stream.needs_input and not stream.eof:
            body.write(stream.decompress(b"", PIECE_BYTES))

    return _guarded(unpack, RuntimeError, "lz4")


def _guarded(
    unpack: Callable[[bytes], object], problem: type[Exception], encoding: str
) -> Callable[[bytes], object]:
    def guarded(piece: bytes) -> None:
        try:
            unpack(piece)
        except problem as error:
            raise _broken(f"the {encoding} of the body: {error}") from None

    return guarded


def _broken(what: str) -> ClickHouseError:
    return failure(CANNOT_DECOMPRESS, "CANNOT_DECOMPRESS", f"Cannot unpack {what}")
