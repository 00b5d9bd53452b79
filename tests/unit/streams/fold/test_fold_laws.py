"""Order does not matter: the facts of a profile are a commutative monoid of what happened."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.effect import Dead, Dropped, Folded
from schemas.event import Event
from schemas.profile import Profile
from streams.codec.codec import decode_envelope, decode_profile, encode_event, encode_profile
from streams.consent.consent import MAX_STATEMENTS as MAX_CONSENTS
from streams.fold.fold import fold
from streams.fold.merging import merge_profiles
from streams.identity.linking import MAX_IDENTITIES
from streams.profile.dialogues import MAX_CHANNELS, MAX_DIALOGUES, last_at
from streams.profile.message_ids import RING, message_hash
from streams.profile.traits import MAX_TRAITS
from streams.values.money import MAX_CURRENCIES
from tests.harness.histories import (
    BEGIN,
    MINUTE,
    MODELS,
    event,
    facts,
    fold_all,
    histories,
    junk,
    junk_properties,
    law,
    many_topics,
    seeds,
    shop,
    shuffled,
)


@law
@given(histories(), seeds)
def test_any_order_gives_the_same_facts(history: list[Event], seed: int) -> None:
    once = facts(fold_all(history))
    assert facts(fold_all(shuffled(history, seed))) == once
    assert facts(fold_all(sorted(history, key=lambda e: e.occurred_at))) == once
    assert facts(fold_all(history[::-1])) == once


@law
@given(histories(), seeds)
def test_what_comes_twice_counts_once(history: list[Event], seed: int) -> None:
    """A copy is known as long as fewer than `RING` later ids were received since; of ids received
    in the same second, the greater hash is the later one."""
    random = Random(seed)
    history.sort(key=lambda e: (e.received_at // 1000, message_hash(e.message_id)))
    doubled: list[Event] = []
    for at, happened in enumerate(history):
        doubled.append(happened)
        while random.random() < 0.4:
            doubled.append(random.choice(history[max(0, at - RING + 1) : at + 1]))
    assert facts(fold_all(doubled)) == facts(fold_all(history))


@law
@given(histories(), seeds)
def test_two_halves_merged_are_the_whole(history: list[Event], seed: int) -> None:
    random = Random(seed)
    side = [random.random() < 0.5 for _ in history]
    one = fold_all(e for e, left in zip(history, side, strict=True) if left)
    other = fold_all(e for e, left in zip(history, side, strict=True) if not left)
    whole = facts(fold_all(history))
    assert facts(merge_profiles(one, other)) == whole
    assert facts(merge_profiles(other, one)) == whole


@law
@given(histories(), seeds)
def test_three_parts_merge_in_any_grouping(history: list[Event], seed: int) -> None:
    random = Random(seed)
    parts: list[list[Event]] = [[], [], []]
    for happened in history:
        random.choice(parts).append(happened)
    a, b, c = (fold_all(part) for part in parts)
    grouped = facts(merge_profiles(merge_profiles(a, b), c))
    assert grouped == facts(merge_profiles(a, merge_profiles(b, c)))
    assert grouped == facts(fold_all(history))
    assert facts(merge_profiles(a, Profile("u1"))) == facts(a)
    assert facts(merge_profiles(Profile("u1"), a)) == facts(a)


@law
@given(histories(18), st.binary(max_size=90), seeds)
def test_what_was_said_is_remembered_in_any_order(
    history: list[Event], code: bytes, seed: int
) -> None:
    said = [
        event(
            f"said{at}",
            "contact",
            name=("trigger.delivered", "trigger.delivered", "trigger.failed")[number % 3],
            direction="outbound",
            user_id="u1",
            occurred_at=BEGIN + number % 50 * MINUTE,
            properties={"topic": f"product/kind-{number % 80}" if number % 7 else number},
        )
        for at, number in enumerate(code)
    ]
    whole = fold_all(history + said)
    mixed = shuffled(history + said, seed)
    half = seed % (len(mixed) + 1)
    assert facts(fold_all(mixed)) == facts(whole)
    assert facts(merge_profiles(fold_all(mixed[half:]), fold_all(mixed[:half]))) == facts(whole)
    assert len(whole.spoken) <= MAX_DIALOGUES
    assert whole.dialogues == fold_all(history).dialogues
    assert whole.lifecycle == fold_all(history).lifecycle


@law
@given(histories(), seeds)
def test_a_replay_from_any_committed_point_is_the_one_pass(history: list[Event], seed: int) -> None:
    """Decisions included: the bytes in Redis are all that a worker needs to go on."""
    cut = seed % (len(history) + 1)
    committed = encode_profile(fold_all(history[:cut]))
    resumed = fold_all(history[cut:], profile=decode_profile(committed))
    assert encode_profile(resumed) == encode_profile(fold_all(history))


@law
@given(histories())
def test_a_profile_survives_its_bytes(history: list[Event]) -> None:
    profile = fold_all(history)
    data = encode_profile(profile)
    assert decode_profile(data) == profile
    assert encode_profile(decode_profile(data)) == data


@law
@given(many_topics(), seeds)
def test_beyond_the_most_dialogues_the_same_topics_stay(history: list[Event], seed: int) -> None:
    """The limit of the laws: counts of a topic that was given up and came back begin anew,
    but which topics stay, their last times and the sum of all counts never depend on order."""

    def outline(profile: Profile) -> tuple[dict[str, int], int]:
        counted = sum(span.count for d in profile.dialogues.values() for span in d.stages.values())
        return (
            {topic: last_at(d) for topic, d in profile.dialogues.items()},
            counted + profile.quiet_dialogues,
        )

    once = outline(fold_all(history))
    mixed = shuffled(history, seed)
    half = seed % (len(history) + 1)
    merged = merge_profiles(fold_all(mixed[:half]), fold_all(mixed[half:]))
    assert outline(fold_all(mixed)) == once
    assert outline(merged) == once
    assert once[1] == len(history)
    assert len(once[0]) <= MAX_DIALOGUES


@law
@given(st.binary(min_size=40, max_size=240), seeds)
def test_bounds_of_traits_consent_channels_and_currencies_obey_the_laws(
    code: bytes, seed: int
) -> None:
    history = [
        event(
            f"m{at}",
            ("identify", "track", "identify", "contact")[number % 4],
            name=("order.placed" if number % 4 == 3 else "Order Completed"),
            channel=f"channel{number % 31}",
            user_id="u1",
            occurred_at=BEGIN + number % 5 * MINUTE,
            properties={
                f"trait{number}": number,
                f"trait{at}": at,
                "consent": {f"a{number % 40}": bool(at % 2), "all": bool(number % 3)},
                "category": "one",
                "about": "one",
                "total": number,
                "currency": "E" + chr(65 + number % 26) + chr(65 + at % 3),
            },
        )
        for at, number in enumerate(code)
    ]
    profile = fold_all(history)
    mixed = shuffled(history, seed)
    half = seed % (len(mixed) + 1)
    assert facts(fold_all(mixed)) == facts(profile)
    assert facts(merge_profiles(fold_all(mixed[half:]), fold_all(mixed[:half]))) == facts(profile)
    assert len(profile.traits) <= MAX_TRAITS
    assert len(profile.consent) <= MAX_CONSENTS
    assert len(profile.lifecycle.spend) <= MAX_CURRENCIES
    assert all(len(d.channels) <= MAX_CHANNELS for d in profile.dialogues.values())
    if any(happened.type == "identify" for happened in history):
        assert "all" in profile.consent, "made-up channels must not push a refusal out"


@law
@given(
    st.sampled_from(["track", "page", "identify", "alias", "contact", "timer", "link", "merge"]),
    st.sampled_from(["Order Completed", "Product Viewed", "complaint.opened", "Unsubscribed", ""]),
    junk_properties,
    st.text(max_size=6),
    st.text(max_size=6),
)
def test_no_event_breaks_the_fold(
    kind: str, name: str, properties: dict[str, object], message_id: str, other: str
) -> None:
    """Neither as Python values nor, where JSON can say it, through the decoder and back."""
    happened = event(
        message_id,
        kind,
        name=name,
        properties=properties,
        user_id="u1",
        anonymous_id=other,
        previous_id=message_id,
    )
    assert isinstance(fold(None, "u1", happened, shop(), MODELS), Folded | Dropped | Dead)
    try:
        data = encode_event(happened)
    except (UnicodeEncodeError, OverflowError):
        return
    events, _ = decode_envelope(data)
    for decoded in events:
        outcome = fold(None, "u1", decoded, shop(), MODELS)
        if isinstance(outcome, Folded):
            data = encode_profile(outcome.profile)
            assert encode_profile(decode_profile(data)) == data


@law
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | junk.map(repr).map(
    lambda text: text.encode("utf-8", "replace")))  # fmt: skip
def test_no_bytes_break_the_decoder(data: bytes) -> None:
    for value in (data, b"[" + data + b"]", b'[{"message_id":' + data + b"}]"):
        events, unreadable = decode_envelope(value)
        assert events or unreadable or value.strip() == b"[]" or not value.strip(b"[] \n\r\t")


@pytest.mark.parametrize("depth", [500, 100_000])
def test_nesting_without_end_is_unreadable_and_not_a_crash(depth: int) -> None:
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    data = (
        b'{"message_id":"m","type":"track","occurred_at":1,"received_at":1,"user_id":"u1",'
        b'"properties":' + nested + b"}"
    )
    events, unreadable = decode_envelope(data)
    assert len(events) + len(unreadable) == 1
    for happened in events:
        assert isinstance(fold(None, "u1", happened, shop(), MODELS), Folded)


@pytest.mark.parametrize("occurred_at", [0, -1, 253_402_300_800_000, 10**30])
def test_times_outside_the_calendar_are_refused_when_decoded(occurred_at: int) -> None:
    data = (
        b'{"message_id":"m","type":"track","received_at":1,"user_id":"u1","occurred_at":%d}'
        % occurred_at
    )
    events, unreadable = decode_envelope(data)
    assert not events
    assert unreadable[0].reason == "invalid_event"


def test_a_hostile_history_cannot_make_a_profile_grow() -> None:
    profile = Profile("u1")
    sizes = []
    for at in range(600):
        for kind, name in (
            ("track", "Product Added"),
            ("identify", None),
            ("track", "Cart Viewed"),
        ):
            happened = event(
                f"{kind}{name}{at}",
                kind,
                name=name,
                user_id="u1",
                anonymous_id=f"{at}" + "a" * 190,
                channel=f"{at % 80}" + "c" * 60,
                occurred_at=BEGIN + at * MINUTE,
                properties={
                    "category": f"{at}" + "t" * 5000,
                    "products": [{"category": f"{at}/{item}"} for item in range(200)],
                    "consent": {f"{at}-{item}": True for item in range(50)},
                    "total": 10**10,
                    "currency": chr(65 + at % 26) * 3,
                    **{f"{at}-{item}": "v" * 5000 for item in range(100)},
                    "n" * 5000: 1,
                },
            )
            profile = fold_all([happened], profile=profile)
        sizes.append(len(encode_profile(profile)))
    assert len(profile.dialogues) == MAX_DIALOGUES
    assert len(profile.traits) == MAX_TRAITS
    assert len(profile.identities) == MAX_IDENTITIES
    assert len(profile.recent) == RING * 12
    assert max(sizes) < 64 * 1024
    assert max(sizes[300:]) < 1.2 * sizes[300], "it stopped growing"


def test_ordinary_profiles_stay_within_a_few_kilobytes() -> None:
    history = [
        event(
            f"550e8400-e29b-41d4-a716-{at:012d}",
            name=("Product Viewed", "Product Added", "Order Completed")[at % 3],
            user_id="u1",
            occurred_at=BEGIN + at * MINUTE,
            properties={"category": f"category-{at % 12}", "total": 9.5, "currency": "EUR"},
        )
        for at in range(300)
    ]
    assert len(encode_profile(fold_all(history))) < 4 * 1024
