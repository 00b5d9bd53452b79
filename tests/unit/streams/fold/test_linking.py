"""One customer however they were called: link, merge and forward on a log in memory."""

from base64 import b64encode
from random import Random

from hypothesis import given
from msgspec.structs import replace

from schemas.effect import Dead, Dropped, Effect, Folded, Send
from schemas.event import Event
from schemas.profile import Profile
from streams.codec.codec import decode_profile, encode_profile
from streams.fold.fold import fold
from streams.fold.links import MAX_HOPS
from streams.fold.merging import merge_profiles
from streams.identity.aliases import aliases_of
from streams.identity.contact_keys import contact_key
from streams.identity.linking import MAX_IDENTITIES
from streams.identity.profile_key import profile_key
from tests.harness.histories import (
    BEGIN,
    MINUTE,
    MODELS,
    event,
    fold_all,
    histories,
    law,
    seeds,
    shop,
)


class Log:
    """Profiles, and the events on their way to them.

    What one sender sends to one profile arrives in order, as on a partition; everything else
    interleaves as `random` has it. Profiles go through their bytes, as through Redis.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.profiles: dict[str, bytes] = {}
        self.waiting: dict[tuple[str, str], list[Event]] = {}
        self.dead: list[Dead] = []
        self.steps = 0

    def put(self, happened: Event, sender: str = "collector") -> None:
        key = profile_key(happened)
        assert key is not None
        self.waiting.setdefault((sender, key), []).append(happened)

    def run(self) -> None:
        """Until nothing is on its way."""
        while self.waiting:
            self.steps += 1
            assert self.steps < 10_000, "messages circulate for ever"
            limiter = self.random.choice(sorted(self.waiting))
            happened = self.waiting[limiter].pop(0)
            if not self.waiting[limiter]:
                del self.waiting[limiter]
            self._fold(limiter[1], happened)

    def _fold(self, key: str, happened: Event) -> None:
        data = self.profiles.get(key)
        outcome = fold(decode_profile(data) if data else None, key, happened, shop(), MODELS)
        if isinstance(outcome, Folded):
            self.profiles[key] = encode_profile(outcome.profile)
            for effect in outcome.effects:
                if isinstance(effect, Send):
                    self.put(effect.event, key)
        elif isinstance(outcome, Dead):
            self.dead.append(outcome)

    def profile(self, key: str) -> Profile:
        return decode_profile(self.profiles[key])

    def alive(self) -> dict[str, Profile]:
        found = {key: decode_profile(data) for key, data in self.profiles.items()}
        return {key: profile for key, profile in found.items() if profile.forwarded_to is None}


def told(profile: Profile) -> tuple[object, ...]:
    """What happened to a customer, without the traces of how it came together."""
    return (
        profile.traits,
        profile.consent,
        profile.lifecycle,
        profile.dialogues,
        profile.quiet_dialogues,
    )


def scattered(history: list[Event], seed: int) -> list[Event]:
    """The same history seen from outside: before and between logins it is a visitor's."""
    random = Random(seed)
    found = []
    for happened in history:
        visitor = f"a{random.randrange(3)}"
        if happened.type == "identify" or random.random() < 0.3:
            found.append(replace(happened, user_id="u1", anonymous_id=visitor))
        else:
            found.append(replace(happened, user_id=None, anonymous_id=visitor))
    logins = [event(f"login{n}", "identify", user_id="u1", anonymous_id=f"a{n}") for n in (0, 1, 2)]
    for login in logins:
        found.insert(random.randrange(len(found) + 1), login)
    return found


@law
@given(histories(24), seeds)
def test_a_customer_has_the_facts_of_all_their_visits(history: list[Event], seed: int) -> None:
    events = scattered(history[:24], seed)
    log = Log(seed)
    for happened in events:
        log.put(happened)
        if log.random.random() < 0.2:
            log.put(happened)  # a producer's retry
        if log.random.random() < 0.3:
            log.run()
    log.run()
    expected = fold_all(replace(happened, key="u1") for happened in events)
    assert list(log.alive()) == ["u1"]
    customer = log.profile("u1")
    assert told(customer) == told(expected)
    assert customer.identities == {"a0": True, "a1": True, "a2": True}
    assert not log.dead


@law
@given(histories(18), seeds)
def test_aliased_customers_become_one_whatever_comes_first(history: list[Event], seed: int) -> None:
    """A tree of aliases over five customers: one profile is left and has everything once."""
    random = Random(seed)
    names = ["u0", "u1", "u2", "u3", "u4"]
    random.shuffle(names)
    events = [
        replace(happened, user_id=random.choice(names), anonymous_id=None)
        for happened in history[:16]
    ]
    for at in range(1, len(names)):
        alias = event(
            f"alias{at}", "alias", user_id=names[at], previous_id=random.choice(names[:at])
        )
        events.insert(random.randrange(len(events) + 1), alias)
    log = Log(seed)
    for name in names:
        log.put(event(f"known-{name}", "identify", user_id=name))
    log.run()
    for happened in events:
        log.put(happened)
        if random.random() < 0.3:
            log.run()
    log.run()
    alive = log.alive()
    assert not log.dead
    total = sum(profile.lifecycle.events for profile in alive.values())
    assert total == len(events) + len(names), "nothing is lost and nothing counts twice"
    assert len(alive) == 1
    (customer,) = alive.values()
    expected = fold_all(replace(e, key=customer.key) for e in events)
    assert customer.dialogues == expected.dialogues
    assert customer.traits == expected.traits
    assert customer.lifecycle.spend == expected.lifecycle.spend


@law
@given(histories(18), seeds)
def test_aliases_in_a_circle_end_and_lose_nothing(history: list[Event], seed: int) -> None:
    random = Random(seed)
    names = ["u0", "u1", "u2", "u3"][: 2 + seed % 3]
    events = [
        replace(happened, user_id=random.choice(names), anonymous_id=None)
        for happened in history[:12]
    ]
    for one, other in zip(names, names[1:] + names[:1], strict=True):
        alias = event(f"alias-{one}-{other}", "alias", user_id=one, previous_id=other)
        events.insert(random.randrange(len(events) + 1), alias)
    log = Log(seed)
    for happened in events:
        log.put(happened)
        if random.random() < 0.3:
            log.run()
    log.run()
    alive = log.alive()
    assert alive, "somebody is left"
    assert not log.dead
    assert sum(profile.lifecycle.events for profile in alive.values()) == len(events)


@law
@given(histories(18), seeds)
def test_one_name_given_to_a_row_of_customers_makes_them_one(
    history: list[Event], seed: int
) -> None:
    """Each alias finds whom the name belongs to by now, along all who had it before."""
    random = Random(seed)
    names = [f"u{n}" for n in range(12)]
    log = Log(seed)
    log.put(event("known", "identify", user_id="demo"))
    log.run()
    for at, name in enumerate(names):
        log.put(event(f"alias{at}", "alias", user_id=name, previous_id="demo"))
        if random.random() < 0.7:
            log.run()
    log.run()
    for happened in history:
        log.put(replace(happened, user_id=random.choice(["demo", *names]), anonymous_id=None))
        if random.random() < 0.3:
            log.run()
    log.run()
    assert not log.dead
    assert len(log.alive()) == 1
    (customer,) = log.alive().values()
    assert customer.lifecycle.events == len(history) + len(names) + 1


def send(*events: Event) -> Log:
    log = Log(0)
    for happened in events:
        log.put(happened)
        log.run()
    return log


def test_a_visitor_identified_twice_is_merged_once() -> None:
    log = send(
        event("m1", name="Product Viewed", anonymous_id="a1", properties={"category": "shoes"}),
        event("m2", "identify", user_id="u1", anonymous_id="a1"),
        event("m3", "identify", user_id="u1", anonymous_id="a1"),
        event("m4", name="Product Viewed", anonymous_id="a1", properties={"category": "shoes"}),
    )
    customer = log.profile("u1")
    assert customer.lifecycle.events == 4
    assert customer.dialogues["product/shoes"].stages["details"].count == 2
    assert log.profile("a1").forwarded_to == "u1"


def test_a_merge_delivered_again_changes_nothing() -> None:
    log = Log(0)
    visit = event("m1", name="Product Viewed", anonymous_id="a1", properties={"category": "x"})
    log.put(visit)
    log.run()
    log.put(event("m2", "identify", user_id="u1", anonymous_id="a1"))
    log._fold("u1", log.waiting.pop(("collector", "u1"))[0])
    log._fold("a1", log.waiting.pop(("u1", "a1"))[0])
    (merge,) = log.waiting[("a1", "u1")]
    log.run()
    once = log.profiles["u1"]
    log.put(merge)
    log.put(replace(merge, message_id="sent by somebody else"))
    log.run()
    assert log.profiles["u1"] == once


def test_alias_of_a_name_to_itself_is_nothing() -> None:
    log = send(event("m1", "alias", user_id="u1", previous_id="u1"))
    assert log.profile("u1").identities == {}
    assert list(log.profiles) == ["u1"]


def test_identify_never_merges_two_customers() -> None:
    """A site that sends a customer's id as the anonymous id of the next one."""
    log = send(
        event("m1", "identify", user_id="u1"),
        event("m2", "identify", user_id="u2", anonymous_id="u1"),
    )
    assert set(log.alive()) == {"u1", "u2"}


def test_an_alias_merges_them_even_after_a_refused_identify() -> None:
    log = send(
        event("m1", "identify", user_id="u1"),
        event("m2", "identify", user_id="u2", anonymous_id="u1"),
        event("m3", "alias", user_id="u2", previous_id="u1"),
    )
    assert set(log.alive()) == {"u2"}
    assert log.profile("u2").lifecycle.events == 3


def test_a_shared_browser_does_not_merge_the_people_who_share_it() -> None:
    log = send(
        event("m1", "page", anonymous_id="kiosk"),
        event("m2", "identify", user_id="u1", anonymous_id="kiosk"),
        event("m3", "identify", user_id="u2", anonymous_id="kiosk"),
        event("m4", "alias", user_id="u2", previous_id="kiosk"),
    )
    assert set(log.alive()) == {"u1", "u2"}
    assert log.profile("u1").lifecycle.events == 2
    assert log.profile("u2").lifecycle.events == 2


def test_broken_ids_are_never_linked() -> None:
    for broken in ("null", "undefined", "0", "anonymous", " ", "x" * 201):
        log = send(
            event("m1", "identify", user_id="u1", anonymous_id=broken),
            event("m2", "alias", user_id="u1", previous_id=broken),
        )
        assert list(log.profiles) == ["u1"]


def test_profiles_that_forward_to_each_other_end_in_a_dead_letter() -> None:
    log = Log(0)
    log.profiles = {
        "a": encode_profile(Profile("a", forwarded_to="b")),
        "b": encode_profile(Profile("b", forwarded_to="a")),
    }
    log.put(event("m1", name="Product Viewed", anonymous_id="a"))
    log.run()
    assert [dead.reason for dead in log.dead] == ["forward_loop"]
    assert log.steps == MAX_HOPS + 1


def test_who_was_renamed_again_and_again_is_found_at_once_the_second_time() -> None:
    renamed = [
        event(f"m{n}", "alias", user_id=f"u{n}", previous_id=f"u{n - 1}") for n in range(1, 13)
    ]
    log = send(
        event("m0", "identify", user_id="u0", anonymous_id="browser"),
        *renamed,
        event("m20", "page", anonymous_id="browser"),
    )
    assert log.profile("browser").forwarded_to == "u12"
    before = log.steps
    log.put(event("m21", "page", anonymous_id="browser"))
    log.run()
    assert log.steps == before + 2
    assert set(log.alive()) == {"u12"}
    assert log.profile("u12").lifecycle.events == 15
    assert not log.dead


def test_who_lives_at_their_own_name_is_not_moved_by_an_old_message() -> None:
    moved = event("m1", "link", key="u1", properties={"to": "u2", "moved": True})
    outcome = fold(Profile("u1"), "u1", moved, shop(), MODELS)
    assert outcome == Dropped("not_moved")


def test_one_customer_is_linked_to_so_many_ids_and_no_more() -> None:
    log = send(
        *(
            event(f"m{n}", "identify", user_id="u1", anonymous_id=f"a{n}")
            for n in range(MAX_IDENTITIES + 10)
        )
    )
    assert len(log.profile("u1").identities) == MAX_IDENTITIES
    assert log.profile("u1").lifecycle.events == MAX_IDENTITIES + 10


def test_deadlines_move_to_the_customer_with_the_cart() -> None:
    added = event("m1", name="Product Added", anonymous_id="a1", properties={"category": "shoes"})
    log = send(added, event("m2", "identify", user_id="u1", anonymous_id="a1"))
    assert log.profile("u1").decisions.deadlines == {"cart-left": added.occurred_at + 1_800_000}
    assert log.profile("a1").decisions.deadlines == {}


def outcome_of_merge(state: bytes) -> Folded | Dropped | Dead:
    merge = event(
        "m1",
        "merge",
        key="u1",
        properties={"from": "a1", "state": b64encode(state).decode()},
    )
    return fold(Profile("u1"), "u1", merge, shop(), MODELS)


def test_a_merge_that_carries_no_profile_is_a_dead_letter() -> None:
    sound = encode_profile(Profile("a1"))
    assert isinstance(outcome_of_merge(sound), Folded)
    for broken in (b"", b"\xff", sound[:-1], encode_profile(Profile("a1", recent=b"odd"))):
        outcome = outcome_of_merge(broken)
        assert isinstance(outcome, Dead)
        assert outcome.reason == "invalid_event"


def test_effects_of_an_address_are_only_the_forwarded_event() -> None:
    happened = event("m1", name="Product Viewed", anonymous_id="a1")
    outcome = fold(Profile("a1", forwarded_to="u1"), "a1", happened, shop(), MODELS)
    assert isinstance(outcome, Folded)
    expected: list[Effect] = [Send(replace(happened, key="u1", hops=1))]
    assert outcome.effects == expected


def signs_in(log: Log, customer: int, minute: int) -> None:
    """A customer who signs in on the browser `till` and puts something into the cart there."""
    at = BEGIN + minute * MINUTE
    log.put(event(f"in-{customer}-{minute}", "identify", user_id=f"c{customer}",
                  anonymous_id="till", occurred_at=at))  # fmt: skip
    log.put(event(f"cart-{customer}-{minute}", name="Product Added", anonymous_id="till",
                  properties={"category": f"of-{customer}"}, occurred_at=at + 1))  # fmt: skip
    log.run()


def test_an_id_that_many_customers_use_is_nobodys() -> None:
    log = Log(1)
    for customer in range(12):
        signs_in(log, customer, customer)
    till = log.profile("till")
    assert till.forwarded_to is None
    assert {f"product/of-{customer}" for customer in range(8, 12)} <= set(till.dialogues)
    for customer in range(1, 12):
        assert not log.profile(f"c{customer}").dialogues, "a stranger's cart"
    signs_in(log, 99, 9999)
    assert log.profile("till").forwarded_to is None, "and it stays so"
    assert not log.dead


def test_a_merge_into_an_id_keeps_who_used_it() -> None:
    """Otherwise an id that nobody believes any more is believed again."""
    shared = Profile("a1", claims={"u1": 1, "u2": 2})
    assert merge_profiles(shared, Profile("a0")).claims == shared.claims


def test_a_household_shares_a_browser() -> None:
    log = Log(1)
    for day in range(6):
        for customer in range(4):
            signs_in(log, customer, day * 1440 + customer)
    assert log.profile("till").forwarded_to == "c0"
    assert len(log.profile("c0").dialogues) == 4


def by_address(number: int, address: str) -> Event:
    """An order that is known by an e-mail address or a telephone number alone."""
    return event(f"order-{number}", "contact", name="order.placed", key=address,
                 properties={"order_id": f"S-{number}", "total": 50, "currency": "EUR",
                             "category": "hats"},
                 occurred_at=BEGIN + number * MINUTE)  # fmt: skip


def states(customer: str, minute: int, **traits: str) -> Event:
    return event(f"{customer}-{minute}", "identify", user_id=customer, properties=traits,
                 occurred_at=BEGIN + minute * MINUTE)  # fmt: skip


def reach(log: Log, told: Event) -> None:
    """Sends as the API does: whoever holds the address or number is meant."""
    holder = None
    for profile in log.alive().values():
        if any(contact_key(alias) == told.key for alias in aliases_of(profile.traits, "")):
            holder = profile.key if profile.known else holder
    log.put(replace(told, key=holder or told.key))
    log.run()


@law
@given(seeds)
def test_whoever_is_known_by_an_address_alone_joins_the_customer_who_states_it(seed: int) -> None:
    log = Log(seed)
    told = [
        by_address(1, "email:e@x.example"), by_address(2, "phone:+821012345678"),
        states("u", 3, email="E@x.example "), by_address(4, "email:e@x.example"),
        states("u", 5, phone="+82 10-1234-5678"), by_address(6, "phone:+821012345678"),
        states("u", 7, email="e@x.example"),
    ]  # fmt: skip
    log.random.shuffle(told)
    for one in told:
        reach(log, one)
    customer = log.profile("u")
    assert customer.lifecycle.purchases == 4
    assert customer.lifecycle.spend == {"EUR": 20_000}
    assert customer.dialogues["product/hats"].stages["purchase"].count == 4
    for key in ("email:e@x.example", "phone:+821012345678"):
        assert key not in log.profiles or log.profile(key).forwarded_to == "u"
        assert customer.identities.get(key, True) is True
    assert not log.dead


def test_an_address_that_nobody_wrote_from_leaves_nothing_behind() -> None:
    log = Log(3)
    log.put(states("u", 1, email="e@x.example", phone="+82 10-1234-5678"))
    log.run()
    assert set(log.profiles) == {"u"}
    assert log.profile("u").identities == {}


def test_an_address_that_two_customers_state_joins_one_of_them() -> None:
    log = Log(3)
    for one in (by_address(3, "email:e@x.example"), states("u", 4, email="e@x.example"),
                states("v", 5, email="e@x.example")):  # fmt: skip
        log.put(one)
        log.run()
    assert log.profile("u").lifecycle.purchases == 1
    assert log.profile("v").lifecycle.purchases == 0
    assert log.profile("v").forwarded_to is None


def test_a_visitor_who_states_an_address_joins_nobody() -> None:
    log = Log(3)
    log.put(event("m", "identify", anonymous_id="a", properties={"email": "e@x.example"}))
    log.put(by_address(3, "email:e@x.example"))
    log.run()
    assert log.profile("email:e@x.example").forwarded_to is None
