"""Compressed frames: checksum, method, two sizes, LZ4 data. The codecs are clickhouse-driver's."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from clickhouse_driver.compression import get_decompressor_cls
from clickhouse_driver.compression.lz4 import Compressor, block
from clickhouse_driver.errors import ChecksumDoesntMatchError, UnknownCompressionMethod
from clickhouse_driver.streams.compressed import CityHash128
from clickhouse_driver.writer import write_binary_uint128

from .byte_stream import ByteStream, MalformedError

FRAME_BYTES: Final = 1 << 20
# A client may put a whole block into one frame; more than this is taken for garbage.
MAX_FRAME_BYTES: Final = 1 << 30
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
    frame = head[1:] + await stream.take(packed - _HEAD_BYTES)
    high, low = checksum[:8], checksum[8:]
    expected = (int.from_bytes(high, "little") << 64) + int.from_bytes(low, "little")
    try:
        decompressor = get_decompressor_cls(head[0])(BytesIO(frame))
        content = bytes(decompressor.get_decompressed_data(head[0], expected, 1))
    except ChecksumDoesntMatchError as error:
        raise MalformedError("checksum of a frame does not match") from error
    except (UnknownCompressionMethod, ImportError, block.LZ4BlockError) as error:
        raise MalformedError(f"a frame that cannot be decompressed: {error}") from error
    if not content:
        raise MalformedError("an empty frame")
    return content
