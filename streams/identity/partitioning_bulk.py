"""Kafka's partitioner for many keys at once, in numpy: a tenth of the time of single calls. For
batches with hundreds of new customers."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from streams.identity.partitioning import MASK_31, MULTIPLIER, SEED

Words = NDArray[np.uint32]

_M = np.uint32(MULTIPLIER)


def partitions_of(keys: Iterable[str], partitions: int) -> dict[str, int]:
    """Key -> partition, as `streams.identity.partitioning.partition_of`."""
    by_length: dict[int, list[tuple[str, bytes]]] = {}
    for key in keys:
        data = key.encode("utf-8", "surrogatepass")
        by_length.setdefault(len(data), []).append((key, data))
    found: dict[str, int] = {}
    for alike in by_length.values():
        hashes = _murmur2([data for _, data in alike])
        places = (hashes & np.uint32(MASK_31)) % np.uint32(partitions)
        found.update(zip([key for key, _ in alike], places.tolist(), strict=True))
    return found


def _murmur2(alike: Sequence[bytes]) -> Words:
    """The hash of each of these, which are equally long: `streams.identity.partitioning.murmur2`
    in columns. The arithmetic of 32 bits overflows, as it is meant to."""
    length = len(alike[0])
    whole = length >> 2
    table = np.frombuffer(b"".join(alike), dtype=np.uint8).reshape(len(alike), length)
    words = table[:, : whole << 2].copy().view("<u4") * _M
    words ^= words >> np.uint32(24)
    words *= _M
    hashes: Words = np.full(len(alike), SEED ^ length, dtype=np.uint32)
    for column in range(whole):
        hashes *= _M
        hashes ^= words[:, column]
    if length & 3:
        for place in range(whole << 2, length):
            hashes ^= table[:, place].astype(np.uint32) << np.uint32(8 * (place & 3))
        hashes *= _M
    hashes ^= hashes >> np.uint32(13)
    hashes *= _M
    return hashes ^ (hashes >> np.uint32(15))
