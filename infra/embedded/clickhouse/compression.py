"""Compressed frames: checksum, method, two sizes, data. They are written as LZ4."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import zstandard
from clickhouse_driver.compression.lz4 import Compressor, block
from clickhouse_driver.streams.compressed import CityHash128
from clickhouse_driver.writer import write_binary_uint128

from .byte_stream import ByteStream, MalformedError

FRAME_BYTES: Final = 1 << 20
# A client may put a whole block into one frame; more than this is taken for garbage.
MAX_FRAME_BYTES: Final = 1 << 30
_NONE: Final = 0x02
_LZ4: Final = 0x82
_ZSTD: Final = 0x90
_CHECKSUM_BYTES: Final = 16
_HEAD_BYTES: Final = 9


def compress(data: bytes) -> bytes:
    """Pack bytes into LZ4 frames of at most 1 MiB of content each."""
    frames = BytesIO()
    for start in range(0, len(data), FRAME_BYTES):
        compressor = Compressor()
        compressor.write(data[start : start + FRAME_BYTES])
        frame = bytes((compressor.method_byte,)) + compressor.get_compressed_data(1)
        write_binary_uint128(CityHash128(frame), frames)
        frames.write(frame)
    return frames.getvalue()


async def read_frame(stream: ByteStream) -> bytes:
    """Read one frame's content; `MalformedError` when size, checksum or method is wrong."""
    checksum = await stream.take(_CHECKSUM_BYTES)
    head = await stream.take(_HEAD_BYTES)
    packed = int.from_bytes(head[1:5], "little")
    unpacked = int.from_bytes(head[5:9], "little")
    if not _HEAD_BYTES <= packed <= MAX_FRAME_BYTES or not 0 < unpacked <= MAX_FRAME_BYTES:
        raise MalformedError("impossible frame size")
    data = await stream.take(packed - _HEAD_BYTES)
    found = BytesIO()
    write_binary_uint128(CityHash128(head + data), found)
    if found.getvalue() != checksum:
        raise MalformedError("checksum of a frame does not match")
    content = _content(head[0], data, unpacked)
    if len(content) != unpacked:
        raise MalformedError("a frame that is not as long as it says")
    return content


def _content(method: int, data: bytes, unpacked: int) -> bytes:
    try:
        if method == _LZ4:
            return bytes(block.decompress(data, uncompressed_size=unpacked))
        if method == _ZSTD:
            # A frame that states its size is unpacked to that size, whatever the maximum.
            if zstandard.frame_content_size(data) > unpacked:
                raise MalformedError("a frame that is not as long as it says")
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=unpacked)
    except (block.LZ4BlockError, zstandard.ZstdError) as error:
        raise MalformedError(f"a frame that cannot be decompressed: {error}") from error
    if method == _NONE:
        return data
    raise MalformedError(f"a frame of the unknown method {method:#x}")
