"""The ring of recent message ids: small, exact, and the same in any order."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.profile.message_ids import (
    ENTRY,
    MAX_YOUNG,
    RING,
    YOUNG,
    holds,
    is_ring,
    message_hash,
    received_between,
    remember,
    unite,
)
from tests.harness.histories import law, seeds

Entries = list[tuple[bytes, int]]
"""(hash of the id, second of receipt)"""


def ring_of(entries: Entries) -> bytes:
    ring = b""
    for hashed, at in entries:
        ring = remember(ring, hashed, at * 1000)
    return ring


def entries_of(times: list[int]) -> Entries:
    return [(message_hash(f"m{index}"), at) for index, at in enumerate(times)]


def held(entries: Entries) -> Entries:
    """What the ring promises to hold, in the words of the promise."""
    ordered = sorted(entries, key=lambda entry: (entry[1], entry[0]))
    latest = ordered[-1][1] if ordered else 0
    young = [entry for entry in ordered if entry[1] >= latest - YOUNG][-MAX_YOUNG:]
    return max(ordered[-RING:], young, key=len)


def _times(code: bytes) -> list[int]:
    """Two bytes an id: bursts within a second, sessions of minutes, gaps of hours."""
    pairs = zip(code[::2], code[1::2], strict=False)
    return [hour % 4 * 3600 + second * (hour % 3) * 3 for hour, second in pairs]


received = st.binary(max_size=600).map(_times)


@law
@given(received, seeds)
def test_the_latest_are_held_whatever_the_order(times: list[int], seed: int) -> None:
    entries = entries_of(times)
    ring = ring_of(entries)
    mixed = list(entries)
    Random(seed).shuffle(mixed)
    assert ring_of(mixed) == ring
    latest = held(entries)
    assert all(holds(ring, hashed) for hashed, _ in latest)
    assert sum(holds(ring, hashed) for hashed, _ in entries) == len(latest)
    assert len(ring) == ENTRY * len(latest)
    assert is_ring(ring)
    begin, end = sorted((seed % 15_000, seed // 15_000 % 15_000))
    assert received_between(ring, begin, end) == sum(begin <= at < end for _, at in latest)


@law
@given(received, seeds)
def test_uniting_parts_is_remembering_all(times: list[int], seed: int) -> None:
    random = Random(seed)
    entries = entries_of(times)
    parts: list[Entries] = [[], [], []]
    for entry in entries:
        random.choice(parts).append(entry)
    a, b, c = map(ring_of, parts)
    whole = ring_of(entries)
    assert unite(unite(a, b), c) == whole
    assert unite(c, unite(b, a)) == whole
    assert unite(whole, whole) == whole
    assert unite(whole, b"") == whole


def test_a_burst_is_bounded_in_any_order_and_forgotten_when_it_is_old() -> None:
    burst = [(message_hash(f"m{at}"), 1000 + at // 9) for at in range(MAX_YOUNG + 500)]
    ring = ring_of(burst)
    assert len(ring) == MAX_YOUNG * ENTRY
    assert ring_of(burst[::-1]) == ring == unite(ring_of(burst[1::2]), ring_of(burst[::2]))
    assert ring_of(held(burst)) == ring
    later = remember(ring, message_hash("late"), (1000 + 10 * YOUNG) * 1000)
    assert len(later) == RING * ENTRY


def test_an_id_that_two_rings_hold_stays_once_at_its_later_time() -> None:
    hashed = message_hash("m")
    early, late = remember(b"", hashed, 1000), remember(b"", hashed, 9000)
    assert unite(early, late) == unite(late, early) == late


@law
@given(st.text(max_size=20), st.integers(-(10**20), 10**20))
def test_any_id_and_any_time_can_be_remembered(message_id: str, at: int) -> None:
    hashed = message_hash(message_id)
    ring = remember(b"", hashed, at)
    assert holds(ring, hashed)
    assert is_ring(ring)
    assert not is_ring(ring + b"x")


def test_lone_surrogates_have_a_hash() -> None:
    assert message_hash("\ud800") != message_hash("\ud801")
