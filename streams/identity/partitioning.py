"""Kafka's default partitioner (murmur2): every client agrees on the partition of a key."""

from functools import lru_cache
from struct import unpack_from

SEED = 0x9747B28C
MULTIPLIER = 0x5BD1E995
MASK_31 = 0x7FFFFFFF
_MASK_32 = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit MurmurHash2 of Kafka's Java client (`Utils.murmur2`), as an unsigned integer."""
    length = len(data)
    whole = length >> 2
    h = SEED ^ length
    for k in unpack_from(f"<{whole}I", data):
        k = (k * MULTIPLIER) & _MASK_32  # noqa: PLW2901 - the algorithm mixes each word in place
        k ^= k >> 24  # noqa: PLW2901
        h = ((h * MULTIPLIER) & _MASK_32) ^ ((k * MULTIPLIER) & _MASK_32)
    rest = data[whole << 2 :]
    if rest:
        h ^= int.from_bytes(rest, "little")
        h = (h * MULTIPLIER) & _MASK_32
    h ^= h >> 13
    h = (h * MULTIPLIER) & _MASK_32
    return h ^ (h >> 15)


@lru_cache(maxsize=200_000)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a profile key, 0 to `partitions` - 1, as Kafka's default partitioner."""
    return (murmur2(key.encode("utf-8", "surrogatepass")) & MASK_31) % partitions
