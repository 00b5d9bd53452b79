"""Whoever asks to be forgotten is, and nothing that comes late brings them back."""

from random import Random

import pytest
from hypothesis import given
from msgspec.structs import replace

from schemas.effect import ClearDeadline, Dropped, Folded, Send
from schemas.event import Event
from schemas.profile import Profile
from streams.codec.codec import encode_profile
from streams.fold.fold import fold
from streams.fold.merging import merge_profiles
from streams.privacy.erasure import LATE, Erasure, Tombstones, erase_event, is_tombstone
from streams.profile.expiry import is_passing
from tests.harness.histories import (
    BEGIN,
    DAY,
    MINUTE,
    MODELS,
    event,
    fold_all,
    histories,
    law,
    seeds,
)
from tests.harness.histories import shop as playbook

T = BEGIN + 10 * DAY


class People:
    """Profiles that send each other messages, delivered in order."""

    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}
        self.pending: list[Event] = []
        self.held: set[str] = set()
        """Types of messages that stay pending."""

    def take(self, *events: Event) -> None:
        """Folds events and all that follows from them."""
        self.pending += events
        kept: list[Event] = []
        while self.pending:
            happened = self.pending.pop(0)
            if happened.type in self.held:
                kept.append(happened)
                continue
            key = happened.key or happened.user_id or happened.anonymous_id or ""
            outcome = fold(self.profiles.get(key), key, happened, playbook(), MODELS)
            if isinstance(outcome, Folded):
                self.profiles[key] = outcome.profile
                self.pending += [e.event for e in outcome.effects if isinstance(e, Send)]
        self.pending = kept

    def release(self) -> None:
        """Delivers what was held."""
        self.held.clear()
        self.take()


def view(message_id: str, at: int = BEGIN, **who: str) -> Event:
    return event(
        message_id, name="Product Viewed", occurred_at=at, properties={"category": "shoes"}, **who
    )


@law
@given(histories(), seeds)
def test_erase_then_late_event_is_late_event_then_erase(history: list[Event], seed: int) -> None:
    """Whatever happened before the erasure, in whatever order it comes: the tombstone alone."""
    erase = erase_event("u1", T)
    mixed = history[:]
    mixed.insert(Random(seed).randint(0, len(mixed)), erase)
    assert fold_all(mixed) == fold_all([*history, erase]) == fold_all([erase, *history])
    assert fold_all(mixed) == Profile("u1", erased_at=T)


@law
@given(histories(), seeds)
def test_what_happens_after_begins_anew(history: list[Event], seed: int) -> None:
    later = [
        replace(e, occurred_at=e.occurred_at + 20 * DAY, received_at=e.received_at + 20 * DAY)
        for e in history
    ]
    mixed = [*later, *(replace(e, message_id=f"before-{e.message_id}") for e in history)]
    Random(seed).shuffle(mixed)
    only_later = [e for e in mixed if e.occurred_at > T]
    erased = fold_all([erase_event("u1", T), *mixed])
    assert encode_profile(replace(erased, erased_at=0)) == encode_profile(fold_all(only_later))
    assert erased.erased_at == T


def test_erasing_twice_is_erasing_up_to_the_later_moment() -> None:
    one, two = erase_event("u1", T), erase_event("u1", T + 1)
    assert fold_all([one, two]) == fold_all([two, one]) == Profile("u1", erased_at=T + 1)
    assert fold(fold_all([one]), "u1", one, playbook(), MODELS) == Dropped(LATE)


def test_deadlines_go_and_nothing_waits_any_more() -> None:
    before = fold_all([view("1", user_id="u1"), event("2", name="Product Added", user_id="u1",
                       occurred_at=BEGIN + MINUTE, properties={"category": "shoes"})])  # fmt: skip
    assert before.decisions.deadlines
    outcome = fold(before, "u1", erase_event("u1", T), playbook(), MODELS)
    assert isinstance(outcome, Folded)
    cleared = {e.kind for e in outcome.effects if isinstance(e, ClearDeadline)}
    assert cleared == set(before.decisions.deadlines)
    assert is_tombstone(outcome.profile)
    assert not is_passing(outcome.profile), "a tombstone outlives a visitor"


def test_every_id_of_the_customer_is_erased_whichever_is_named() -> None:
    for named in ("phone", "laptop", "ann", "anna"):
        people = People()
        people.take(
            view("1", anonymous_id="phone"),
            view("2", anonymous_id="phone", user_id="ann"),
            view("3", anonymous_id="laptop", user_id="ann"),
            event("4", "alias", user_id="anna", previous_id="ann"),
        )
        assert people.profiles["phone"].forwarded_to
        people.take(erase_event(named, T))
        for key in ("phone", "laptop", "ann", "anna"):
            assert people.profiles[key] == Profile(key, erased_at=T), (named, key)
        people.take(view("late", BEGIN + DAY, anonymous_id="phone", user_id="anna"))
        assert is_tombstone(people.profiles["anna"])
        people.take(view("new", T + 1, anonymous_id="phone"))
        assert people.profiles["phone"].lifecycle.events == 1


def test_who_shares_the_browser_keeps_their_profile() -> None:
    people = People()
    people.take(
        view("1", anonymous_id="tablet", user_id="ann"),
        view("2", anonymous_id="tablet", user_id="bob"),
        view("3", anonymous_id="bob", user_id="cleo"),
    )
    before = people.profiles["bob"]
    people.take(erase_event("cleo", T))
    assert people.profiles["bob"] == before, "cleo only named bob's id: it stays bob's"
    people.take(erase_event("bob", T))
    assert people.profiles["ann"].lifecycle.events == 1, "the tablet is ann's"
    assert is_tombstone(people.profiles["bob"])


@pytest.mark.parametrize("linked_at", [BEGIN + DAY, T + MINUTE])
def test_a_merge_under_way_brings_nothing_back_and_its_visitor_is_erased(linked_at: int) -> None:
    people = People()
    people.take(view("1", anonymous_id="phone"))
    people.held = {"merge"}
    people.take(view("2", linked_at, anonymous_id="phone", user_id="ann"))
    people.take(erase_event("ann", T))
    people.release()
    assert people.profiles["ann"].dialogues == {}
    assert people.profiles["phone"] == Profile("phone", erased_at=T)


def test_a_visitor_met_after_the_erasure_merges() -> None:
    people = People()
    people.take(view("1", user_id="ann"), erase_event("ann", T))
    people.take(view("2", T + 1, anonymous_id="phone"))
    people.take(view("3", T + 2, anonymous_id="phone", user_id="ann"))
    assert people.profiles["ann"].lifecycle.events == 2
    assert people.profiles["ann"].identities == {"phone": True}
    assert people.profiles["ann"].erased_at == T


def test_what_we_said_before_is_not_told_of_after() -> None:
    said = event("s", "contact", name="trigger.delivered", direction="outbound", key="u1",
                 occurred_at=T + 1, properties={"topic": "product/shoes"})  # fmt: skip
    erased = fold_all([view("1", user_id="u1"), erase_event("u1", T)])
    assert fold(erased, "u1", said, playbook(), MODELS) == Dropped(LATE)


def test_a_tombstone_stays_with_its_key() -> None:
    one, other = Profile("one", erased_at=5), Profile("other", erased_at=9)
    assert merge_profiles(one, other).erased_at == 5


def test_tombstones_remember_the_latest_erasure() -> None:
    found = Tombstones([Erasure("a", 5)])
    found.add(Erasure("a", 3))
    assert (found.until("a"), found.until("b"), found.until(None)) == (5, 0, 0)
    assert found
    assert not Tombstones()
