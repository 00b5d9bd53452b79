"""The ring of recent message ids: small, exact, and the same in any order."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.message_ids import RING, holds, is_ring, message_hash, remember, unite
from tests.unit.histories import law, seeds

received = st.lists(st.integers(0, 5_000), max_size=90)


def ring_of(entries: list[tuple[int, int]]) -> bytes:
    ring = b""
    for hashed, at in entries:
        ring = remember(ring, hashed, at * 1000)
    return ring


def entries_of(times: list[int]) -> list[tuple[int, int]]:
    return [(message_hash(f"m{index}"), at) for index, at in enumerate(times)]


@law
@given(received, seeds)
def test_the_latest_are_held_whatever_the_order(times: list[int], seed: int) -> None:
    entries = entries_of(times)
    ring = ring_of(entries)
    mixed = list(entries)
    Random(seed).shuffle(mixed)
    assert ring_of(mixed) == ring
    latest = sorted(entries, key=lambda entry: (entry[1], entry[0]))[-RING:]
    assert all(holds(ring, hashed) for hashed, _ in latest)
    assert sum(holds(ring, hashed) for hashed, _ in entries) == len(latest)
    assert len(ring) == 12 * len(latest)
    assert is_ring(ring)


@law
@given(received, seeds)
def test_uniting_parts_is_remembering_all(times: list[int], seed: int) -> None:
    random = Random(seed)
    entries = entries_of(times)
    parts: list[list[tuple[int, int]]] = [[], [], []]
    for entry in entries:
        random.choice(parts).append(entry)
    a, b, c = map(ring_of, parts)
    whole = ring_of(entries)
    assert unite(unite(a, b), c) == whole
    assert unite(c, unite(b, a)) == whole
    assert unite(whole, whole) == whole
    assert unite(whole, b"") == whole


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
