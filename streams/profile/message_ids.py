"""The ring of recent message ids: what makes a client's retry count once.

It holds the latest `RING` ids of a customer and beside them those received within `YOUNG` seconds
of the latest one, up to `MAX_YOUNG`: a whole batch that is sent again is known, and a quiet
profile stays small (decision 8). Ordered by (second of receipt, hash), what is held is always the
top of the set of all ids, and what was left out once is never among the top again: a semilattice,
the same whatever order the ids came in and however they were split.

Kept as bytes, sorted, one entry of 12 bytes each (seconds since 1970, then the hash, both
big-endian), so that comparing bytes compares entries and looking an id up is one search in C.

The limit: a copy that comes after `RING` later ids counts again if it comes more than `YOUNG`
seconds after it, or after `MAX_YOUNG` later ids.
"""

from xxhash import xxh3_64_digest

RING = 128
"""Ids held however old they are."""

YOUNG = 600
"""Seconds before the latest id within which more than `RING` ids are held."""

MAX_YOUNG = 3072
"""Ids held at most: a batch of 2,500, the most the tracking protocol allows, and some."""

ENTRY = 12
"""Bytes of an id in the ring."""

_FULL = RING * ENTRY
_LAST_SECOND = 0xFFFFFFFF


def message_hash(message_id: str) -> bytes:
    """64-bit XXH3 of the id, big-endian: an id is mistaken for one in a ring once in 10^15
    events."""
    return xxh3_64_digest(message_id.encode("utf-8", "surrogatepass"))


def holds(recent: bytes, hashed: bytes) -> bool:
    """Whether the ring holds the id."""
    # `in` first tries the bytes as a number, which raises within and costs as much as all the rest.
    return recent.find(hashed) >= 0


def hashes(recent: bytes) -> list[bytes]:
    """The hashes of the ids that the ring holds."""
    return [entry[4:] for entry in _entries(recent)]


def remember(recent: bytes, hashed: bytes, received_at: int) -> bytes:
    """The ring that also holds `hashed`, received at `received_at` (milliseconds)."""
    seconds = received_at // 1000
    if not 0 <= seconds <= _LAST_SECOND:
        seconds = 0 if seconds < 0 else _LAST_SECOND
    entry = seconds.to_bytes(4, "big") + hashed
    if recent[-ENTRY:] <= entry:  # most ids come in their order
        if len(recent) < _FULL:
            return recent + entry
        ring = recent + entry
    else:
        at = len(recent) - ENTRY
        if at and recent[at - ENTRY : at] > entry:
            at = entries_before(recent, entry) * ENTRY
        ring = recent[:at] + entry + recent[at:]
    if len(ring) <= _FULL:
        return ring
    if len(ring) == _FULL + ENTRY and int.from_bytes(ring[:4], "big") < seconds - YOUNG:
        return ring[ENTRY:]  # the usual case of `_top`, at a third of its price
    return _top(ring)


def is_ring(recent: bytes) -> bool:
    """Whether the bytes are a ring: whole entries, no more than it holds."""
    return len(recent) % ENTRY == 0 and len(recent) <= MAX_YOUNG * ENTRY


def unite(one: bytes, other: bytes) -> bytes:
    """The ring of both, each id at the time it was last received."""
    latest: dict[bytes, bytes] = {}
    for entry in sorted(_entries(one) + _entries(other)):
        latest[entry[4:]] = entry
    return _top(b"".join(sorted(latest.values())))


def received_between(recent: bytes, begin: int, end: int) -> int:
    """How many of the ring's ids were received from `begin` until before `end` (seconds)."""
    last = len(recent) // ENTRY
    if last and recent[-ENTRY:] >= _bytes(end):
        last = entries_before(recent, _bytes(end))
    return last - entries_before(recent, _bytes(begin))


def entries_before(recent: bytes, bound: bytes) -> int:
    """The number of entries of the ring that sort before `bound` (bytes as an entry begins)."""
    low, high = 0, len(recent) // ENTRY
    while low < high:
        middle = (low + high) // 2
        if recent[middle * ENTRY : middle * ENTRY + ENTRY] < bound:
            low = middle + 1
        else:
            high = middle
    return low


def _top(ring: bytes) -> bytes:
    """The part of a sorted ring that is held."""
    count = len(ring) // ENTRY
    if count <= RING:
        return ring
    begin = _bytes(int.from_bytes(ring[-ENTRY : 4 - ENTRY], "big") - YOUNG)
    first = max(0, count - MAX_YOUNG)
    if ring[:4] < begin:
        first = max(first, min(entries_before(ring, begin), count - RING))
    return ring[first * ENTRY :]


def _bytes(seconds: int) -> bytes:
    return min(max(seconds, 0), _LAST_SECOND).to_bytes(4, "big")


def _entries(recent: bytes) -> list[bytes]:
    return [recent[at : at + ENTRY] for at in range(0, len(recent), ENTRY)]
