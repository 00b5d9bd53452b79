"""What is kept for how long and in how much memory, and that none of it changes a result."""

from random import Random

import pytest
from hypothesis import given
from msgspec.structs import replace

from schemas.decisions import Decisions
from schemas.effect import Folded, Send
from schemas.event import Event
from schemas.models import ChurnModels
from schemas.profile import Lifecycle, Profile, Stamped
from streams.codec.codec import decode_profile, encode_profile
from streams.fold.batch import fold_batch
from streams.fold.fold import fold
from streams.fold.hot_profiles import MAX_A_MINUTE
from streams.models.learned import Learned
from streams.profile.expiry import is_passing
from streams.profile.message_ids import ENTRY, MAX_YOUNG
from tests.harness.histories import (
    BEGIN,
    MODELS,
    event,
    fold_all,
    histories,
    law,
    seeds,
    shop,
)


def viewed(message_id: str, **who: str) -> Event:
    return event(message_id, name="Product Viewed", properties={"category": "shoes"}, **who)


def sent_by(profile: Profile | None, key: str, happened: Event) -> tuple[Profile, list[Event]]:
    """The profile after the event, and the events it sent to other profiles."""
    outcome = fold(profile, key, happened, shop(), MODELS)
    assert isinstance(outcome, Folded)
    return outcome.profile, [e.event for e in outcome.effects if isinstance(e, Send)]


def test_a_visitor_who_only_looked_is_passing() -> None:
    assert is_passing(fold_all([viewed("m1", anonymous_id="a1")], key="a1"))


@pytest.mark.parametrize(
    "profile",
    [
        Profile("c1", known=True),
        Profile("a1", forwarded_to="c1"),
        Profile("a1", identities={"a2": True}),
        Profile("a1", consent={"all": Stamped(False, BEGIN, 1)}),
        Profile("a1", lifecycle=Lifecycle(purchases=1)),
        Profile("a1", decisions=Decisions(deadlines={"cart-left": BEGIN})),
    ],
    ids=["customer", "address", "merged", "refused", "bought", "waiting"],
)
def test_what_is_still_needed_is_not_passing(profile: Profile) -> None:
    assert not is_passing(profile)


def test_a_visitor_who_expired_before_the_link_merges_as_nobody() -> None:
    customer, links = sent_by(None, "c1", viewed("m1", user_id="c1", anonymous_id="a1"))
    stub, merges = sent_by(None, "a1", links[0])
    merged, _ = sent_by(customer, "c1", merges[0])
    assert merged.identities == {"a1": True}
    assert merged.lifecycle == customer.lifecycle
    assert stub.forwarded_to == "c1"


def test_an_address_that_is_used_is_written_again() -> None:
    """The store writes what is another object than before, and each write begins its time anew."""
    _, links = sent_by(None, "c1", viewed("m1", user_id="c1", anonymous_id="a1"))
    stub, _ = sent_by(None, "a1", links[0])
    again, forwarded = sent_by(stub, "a1", viewed("m2", anonymous_id="a1"))
    assert again == stub
    assert again is not stub
    assert forwarded[0].key == "c1"


def test_the_hottest_profile_has_a_bound() -> None:
    burst = [
        event(f"v{n}", name="Product Viewed", properties={"category": f"c{n % 200}"},
              occurred_at=BEGIN + n * 20, anonymous_id="u1")
        for n in range(3 * MAX_A_MINUTE)
    ]  # fmt: skip
    profile = fold_all(burst)
    assert len(profile.recent) == MAX_YOUNG * ENTRY
    assert len(encode_profile(profile)) < MAX_YOUNG * ENTRY + 8 * 1024
    quiet = replace(profile, recent=b"")
    assert len(encode_profile(quiet)) < 8 * 1024


@law
@given(histories(), seeds)
def test_whoever_leaves_the_memory_comes_back_the_same(history: list[Event], seed: int) -> None:
    """Batches that end anywhere, profiles evicted and read again at any time: the same bytes and
    the same decisions as one batch that never forgot."""
    random = Random(seed)
    keyed = [(f"c{random.randrange(3)}", happened) for happened in history]
    whole = fold_batch(keyed, {}, Learned(), shop(), ChurnModels())

    stored: dict[str, bytes] = {}
    cached: dict[str, Profile] = {}
    learned, decided, begin = Learned(), [], 0
    while begin < len(keyed):
        end = begin + random.randrange(1, 8)
        for key, _ in keyed[begin:end]:
            if key not in cached and key in stored:
                cached[key] = decode_profile(stored[key])
        batch = fold_batch(keyed[begin:end], cached, learned, shop(), ChurnModels())
        stored.update((key, encode_profile(profile)) for key, profile in batch.profiles.items())
        cached.update(batch.profiles)
        cached = {key: profile for key, profile in cached.items() if random.random() < 0.5}
        decided += batch.triggers
        begin = end
    assert stored == {key: encode_profile(profile) for key, profile in whole.profiles.items()}
    assert decided == whole.triggers
