"""Bloom filter over 64-bit hashes: what it does not contain was certainly never added.

Two blocked filters (Putze, Sanders, Singler 2007, "Cache-, Hash- and Space-Efficient Bloom
Filters"), each a 64-bit word with three bits a key: two random memory accesses a key. At 24 bits a
key about 1 of 2,000 unknown keys is taken for known.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
"""Shape (n,): well-mixed 64-bit hashes."""

BYTES_PER_KEY: Final = 3

_WORD_BYTES: Final = 8
_LEAST_WORDS: Final = 4_096
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
"""Multiplier of Fibonacci hashing: the second filter sees other bits of the hash."""

_SHIFTS: Final = (np.uint64(0), np.uint64(6), np.uint64(12))
_BIT: Final = np.uint64(63)
_HIGH: Final = np.uint64(32)
_ONE: Final = np.uint64(1)


class KeyFilter:
    """A filter of a fixed size. More keys than it is made for cost precision, never a key."""

    def __init__(self, keys: int, max_bytes: int) -> None:
        """For so many keys; at most `max_bytes` large (64 KiB at least)."""
        words = min(keys * BYTES_PER_KEY, max_bytes) // (2 * _WORD_BYTES)
        words = max(_LEAST_WORDS, words)
        self._words = (np.zeros(words, np.uint64), np.zeros(words, np.uint64))
        self.bytes = 2 * words * _WORD_BYTES
        self.capacity = self.bytes // BYTES_PER_KEY
        """Number of keys at which it is as precise as said above."""

    def add(self, hashes: Hashes) -> None:
        """Adds the keys."""
        for words, (places, masks) in zip(self._words, self._marks(hashes), strict=True):
            np.bitwise_or.at(words, places, masks)

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Shape (n,): whether each key may have been added. False is certain."""
        found = np.ones(len(hashes), np.bool_)
        for words, (places, masks) in zip(self._words, self._marks(hashes), strict=True):
            found &= (words[places] & masks) == masks
        return found

    def _marks(self, hashes: Hashes) -> list[tuple[Hashes, Hashes]]:
        size = np.uint64(len(self._words[0]))
        marks = []
        for mixed in (hashes, hashes * _MIX):
            masks = np.zeros(len(mixed), np.uint64)
            for shift in _SHIFTS:
                masks |= _ONE << ((mixed >> shift) & _BIT)
            marks.append((((mixed >> _HIGH) * size) >> _HIGH, masks))
        return marks
