"""A customer whose stored profile cannot be decoded: dead letters for them, the fold for the rest,
and once the bytes are mended and the letters replayed, what would have been without the trouble."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from agents.dialogue import unreadable_profiles
from agents.dialogue.unreadable_profiles import UnreadableProfiles
from infra.metrics import PROFILES_UNREADABLE
from infra.rebuilding.profile_spool import ProfileSpool
from infra.rebuilding.replay import Replayed, ReplayPlan, replay_partition
from infra.redis.profile_reader import ProfileReader, UnreadableProfileError
from infra.redis.state_store import FencedError, Fetched, decoded
from schemas.event import Event
from schemas.profile import Profile
from schemas.watermark import Watermark
from streams.archive.replay import Identity, archived_identity
from streams.codec.codec import decode_profile, encode_event, encode_profile
from streams.definitions.definitions import Definitions
from streams.fold.batch import Batch
from streams.fold.links import MAX_HOPS
from streams.fold.timers import timer_event
from tests.harness.histories import event
from tests.unit.agents.dialogue.test_partition_folder import (
    Effects,
    Record,
    Store,
    folded,
    folder_of,
)
from tests.unit.streams.archive.test_replay import BOOK, LIVES, Definers, archived

MINUTE = 60_000
BEGIN = 1_750_000_000_000
BROKEN = b"\xff not a profile"


class Bytes(Store):
    """A state store in memory that holds what Redis holds: bytes."""

    def __init__(self, **profiles: bytes) -> None:
        super().__init__()
        self.bytes = dict(profiles)
        self.deadlines: dict[tuple[str, str], int] = {}

    async def read(self, _: int, keys: Sequence[str], expected: Watermark) -> Fetched:
        if self.held != expected:
            raise FencedError(self.held)
        return decoded(keys, [self.bytes.get(key) for key in keys])

    async def due_at(self, _: int, names: Sequence[tuple[str, str]]) -> list[int | None]:
        return [self.deadlines.get(name) for name in names]

    async def write(self, _: int, batch: Batch, expected: Watermark, reached: Watermark) -> None:
        await super().write(_, batch, expected, reached)
        self.bytes |= {key: encode_profile(one) for key, one in batch.profiles.items()}
        for name, due in batch.deadlines.items():
            if due is None:
                self.deadlines.pop(name, None)
            else:
                self.deadlines[name] = due


class Partition:
    """One partition, its log, and a worker that remembers nothing between two batches."""

    def __init__(self, **profiles: bytes) -> None:
        self.store = Bytes(**profiles)
        self.effects = Effects()
        self._offset = 0

    async def take(self, *payloads: bytes) -> list[Event]:
        """Folds a batch with a record for each payload; what it sent to the log."""
        folder = await folder_of(self.store, self.effects)
        records = [Record(self._offset + n, payload) for n, payload in enumerate(payloads)]
        self._offset += len(records)
        before = len(self.effects.sends)
        await folded(folder, *records)
        assert self.store.held.next_offset == self._offset
        return self.effects.sends[before:]

    async def take_all(self, events: Iterable[Event]) -> None:
        """Folds events one by one, and everything they send until nobody sends any more."""
        waiting = [encode_event(one) for one in events]
        while waiting:
            waiting += [encode_event(one) for one in await self.take(waiting.pop(0))]

    def profile(self, key: str) -> Profile:
        return decode_profile(self.store.bytes[key])


def page(number: int, key: str, **fields: Any) -> Event:
    at = BEGIN + number * MINUTE
    more = {"user_id": key, "properties": {"path": f"/products/hat-{number}"}, **fields}
    return event(f"m{number}", "page", occurred_at=at, **more)


def envelope(*events: Event) -> bytes:
    return b"[" + b",".join(map(encode_event, events)) + b"]"


async def test_one_between_two_good_ones_holds_nobody_up_and_keeps_the_bytes() -> None:
    partition = Partition(b=BROKEN)
    before = PROFILES_UNREADABLE._value.get()
    first = envelope(page(1, "a"), page(2, "b"), page(3, "c"))
    with capture_logs() as logs:
        await partition.take(first, encode_event(page(4, "b")), encode_event(page(5, "c")))
    assert [partition.profile(key).lifecycle.events for key in "ac"] == [1, 2]
    assert partition.store.bytes["b"] == BROKEN
    assert [(one.reason, one.origin, one.payload) for one in partition.effects.letters] == [
        ("profile_unreadable", "daehwa.events/0/0[1]", encode_event(page(2, "b"))),
        ("profile_unreadable", "daehwa.events/0/1[0]", encode_event(page(4, "b"))),
    ]
    detail = partition.effects.letters[0].detail
    assert "daehwa:{0}:profile:b" in detail
    assert "daehwa rebuild" in detail
    (told,) = [line for line in logs if line["log_level"] == "error"]
    assert told["customer"] != "b"
    assert PROFILES_UNREADABLE._value.get() == before + 1


async def test_the_log_speaks_once_of_a_customer_and_not_of_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unreadable_profiles, "MAX_TOLD", 2)
    apart = UnreadableProfiles(0, Bytes())  # type: ignore[arg-type]
    with capture_logs() as logs:
        for keys in ("a", "ab", "abcd"):
            await apart.set_aside([], [], dict.fromkeys(keys, "why"), Batch())
    assert [line["last_told"] for line in logs] == [False, True]


async def test_a_timer_is_a_letter_once_and_a_later_deadline_stays() -> None:
    partition = Partition(b=BROKEN)
    partition.store.deadlines = {("left", "b"): BEGIN, ("other", "b"): BEGIN + 1}
    late = timer_event("b", "other", BEGIN, BEGIN)
    await partition.take(envelope(timer_event("b", "left", BEGIN, BEGIN), late))
    assert [one.reason for one in partition.effects.letters] == ["profile_unreadable"] * 2
    assert partition.store.deadlines == {("other", "b"): BEGIN + 1}


VISIT = [
    page(0, "", user_id=None, anonymous_id="v"),
    page(1, "u"),
]
AFTER = [page(3, "", user_id=None, anonymous_id="v"), page(4, "u")]


def identify(number: int) -> Event:
    at = BEGIN + number * MINUTE
    return event(
        f"m{number}", "identify", occurred_at=at, user_id="u", anonymous_id="v",
        properties={"plan": "gold"},
    )  # fmt: skip


async def never_broken() -> Partition:
    partition = Partition()
    await partition.take_all([*VISIT, identify(2), *AFTER])
    assert partition.profile("u").identities == {"v": True}
    return partition


@pytest.mark.parametrize("broken", ["u", "v"])
async def test_on_either_side_of_a_merge_nothing_is_lost(broken: str) -> None:
    expected = await never_broken()
    partition = Partition()
    await partition.take_all(VISIT)
    good = partition.store.bytes[broken]
    other = partition.store.bytes["v"]
    partition.store.bytes[broken] = BROKEN
    await partition.take_all([identify(2), *AFTER])
    assert partition.store.bytes[broken] == BROKEN
    if broken == "u":
        assert decode_profile(other).forwarded_to is None
        assert partition.profile("v").forwarded_to is None, "nobody asked the visitor"
        assert len(partition.effects.letters) == 2
    else:
        assert partition.profile("u").identities == {"v": False}, "asked, without an answer"
        assert len(partition.effects.letters) == 2
    letters = [one.payload for one in partition.effects.letters]
    partition.store.bytes[broken] = good
    for _ in range(2):  # replaying what is replayed changes nothing
        for payload in letters:
            for sent in await partition.take(payload):
                await partition.take_all([sent])
    assert partition.profile("u") == expected.profile("u")
    assert partition.profile("v").forwarded_to == "u"


async def test_a_merge_that_arrives_at_one_keeps_the_state_it_carries() -> None:
    expected = await never_broken()
    partition = Partition()
    await partition.take_all(VISIT)
    (link,) = await partition.take(encode_event(identify(2)))
    (merge,) = await partition.take(encode_event(link))
    good = partition.store.bytes["u"]
    partition.store.bytes["u"] = BROKEN
    assert await partition.take(encode_event(merge)) == []
    await partition.take_all(AFTER)  # forwarded, too
    letters = [one.payload for one in partition.effects.letters]
    assert len(letters) == 3
    assert letters[0] == encode_event(merge)
    partition.store.bytes["u"] = good
    for payload in reversed(letters):
        await partition.take(payload)
    assert partition.profile("u") == expected.profile("u")


def rebuilt(events: Sequence[Event], skipped: set[Identity]) -> tuple[Replayed, ProfileSpool]:
    spool = ProfileSpool(Path(":memory:"))
    rows = archived(envelope(*events))
    block = [(*row, one.received_at) for row, one in zip(rows, events, strict=True)]
    plan = ReplayPlan(Definers(Definitions(), BOOK), 1, LIVES, skipped)
    return replay_partition([block], spool, 0, plan, lambda _: None), spool


def test_a_rebuild_leaves_to_the_replay_what_waits_in_a_letter() -> None:
    """Folded by the rebuild, the link it asks for would never be sent."""
    waiting = {archived_identity(identify(2))}
    done, spool = rebuilt([*VISIT, identify(2)], waiting)
    profile = spool.read(["u"])["u"]
    assert (done.skipped, done.folded) == (1, 2)
    assert profile.identities == {}
    assert profile.lifecycle.events == 1
    copy = replace(page(1, "u"), key="u", hops=1)
    assert archived_identity(copy) not in {archived_identity(page(1, "u"))}
    spool.close()


class Redis:
    """Answers with what it holds."""

    def __init__(self, held: dict[Any, Any]) -> None:
        self.held = held

    def register_script(self, script: str) -> None: ...

    async def get(self, name: str) -> bytes | None:
        return self.held.get(name)


async def test_who_looks_on_is_told_whom_they_asked_for_and_how_it_is_mended() -> None:
    held = {
        "daehwa:{0}:profile:v": encode_profile(Profile("v", forwarded_to="secret")),
        "daehwa:{0}:profile:secret": BROKEN,
    }
    with pytest.raises(UnreadableProfileError) as raised:
        await ProfileReader(Redis(held), 1).read("v")  # type: ignore[arg-type]
    assert "'v'" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "daehwa rebuild --replace" in str(raised.value)


async def test_who_looks_on_follows_as_many_addresses_as_the_fold() -> None:
    names = [f"u{n}" for n in range(MAX_HOPS + 1)]
    chain = [Profile(one, forwarded_to=to) for one, to in pairwise(names)] + [Profile(names[-1])]
    held = {f"daehwa:{{0}}:profile:{one.key}": encode_profile(one) for one in chain}
    found = await ProfileReader(Redis(held), 1).read("u0")  # type: ignore[arg-type]
    assert found is not None
    assert found.key == names[-1]
