"""The ring of recent message ids: what makes a client's retry count once.

It is the top `RING` of a set ordered by (received at, hash), which is a semilattice: the same
whatever order the ids came in and however they were split. Kept as bytes, sorted, one entry of
12 bytes each (seconds since 1970, then the hash, both big-endian), so that comparing bytes
compares entries and looking an id up is one search in C.

The limit: a copy that comes after `RING` later ids of the same customer counts again.
"""

from xxhash import xxh3_64_intdigest

RING = 128
_ENTRY = 12
_FULL = RING * _ENTRY


def message_hash(message_id: str) -> int:
    """64-bit XXH3 of the id: an id is mistaken for one in a ring once in 10^16 events."""
    return xxh3_64_intdigest(message_id.encode("utf-8", "surrogatepass"))


def holds(recent: bytes, hashed: int) -> bool:
    """Whether the ring holds the id."""
    return hashed.to_bytes(8, "big") in recent


def remember(recent: bytes, hashed: int, received_at: int) -> bytes:
    """The ring that also holds `hashed`, received at `received_at` (milliseconds)."""
    seconds = min(max(received_at // 1000, 0), 0xFFFFFFFF)
    entry = seconds.to_bytes(4, "big") + hashed.to_bytes(8, "big")
    at = len(recent)
    while at and recent[at - _ENTRY : at] > entry:  # seldom: most ids come in their order
        at -= _ENTRY
    return (recent[:at] + entry + recent[at:])[-_FULL:]


def is_ring(recent: bytes) -> bool:
    """Whether the bytes are a ring: whole entries, no more than it holds."""
    return len(recent) % _ENTRY == 0 and len(recent) <= _FULL


def unite(one: bytes, other: bytes) -> bytes:
    """The ring of both, each id at the time it was last received."""
    latest: dict[bytes, bytes] = {}
    for entry in sorted(_entries(one) + _entries(other)):
        latest[entry[4:]] = entry
    return b"".join(sorted(latest.values())[-RING:])


def _entries(recent: bytes) -> list[bytes]:
    return [recent[at : at + _ENTRY] for at in range(0, len(recent), _ENTRY)]
