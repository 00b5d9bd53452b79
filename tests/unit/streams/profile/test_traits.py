"""Traits and consent: the latest word counts, by the time it was said."""

import pytest

from schemas.event import Event
from streams.profile.traits import MAX_NAME_LENGTH, MAX_VALUE_LENGTH
from tests.harness.histories import BEGIN, MINUTE, event, fold_all


def says(number: int, minute: int, kind: str = "identify", name: str | None = None,
         **properties: object) -> Event:  # fmt: skip
    return event(
        f"m{number}",
        kind,
        name=name,
        user_id="u1",
        occurred_at=BEGIN + minute * MINUTE,
        properties=properties,
    )


def test_the_latest_wins_even_when_it_arrives_first() -> None:
    profile = fold_all([says(1, 9, city="Seoul"), says(2, 1, city="Busan", plan="gold")])
    assert {name: trait.value for name, trait in profile.traits.items()} == {
        "city": "Seoul",
        "plan": "gold",
    }
    assert profile.traits["city"].at == BEGIN + 9 * MINUTE


def test_of_two_at_the_same_instant_the_same_one_wins_in_either_order() -> None:
    one, other = says(1, 1, city="Seoul"), says(2, 1, city="Busan")
    assert fold_all([one, other]).traits == fold_all([other, one]).traits


def test_null_takes_a_trait_back() -> None:
    profile = fold_all([says(1, 1, phone="010"), says(2, 2, phone=None)])
    assert profile.traits["phone"].value is None


def test_lists_and_objects_neither_become_traits_nor_erase_them() -> None:
    history = [says(1, 1, size="M"), says(2, 2, size=["M", "L"]), says(3, 3, size={"a": 1})]
    assert fold_all(history).traits["size"].value == "M"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x" * 10_000, "x" * MAX_VALUE_LENGTH),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (-(10**30), str(-(10**30))),
        (10**400, None),
        (1.5, 1.5),
        (False, False),
    ],
)
def test_values_are_kept_small(value: object, kept: object) -> None:
    assert fold_all([says(1, 1, trait=value)]).traits["trait"].value == kept


def test_names_without_end_are_not_folded() -> None:
    profile = fold_all(
        [says(1, 1, **{"n" * MAX_NAME_LENGTH: 1, "n" * (MAX_NAME_LENGTH + 1): 1, "": 1})]
    )
    assert list(profile.traits) == ["n" * MAX_NAME_LENGTH]


def test_only_identify_writes_traits() -> None:
    assert fold_all([says(1, 1, "track", "Something", city="Seoul")]).traits == {}


def consent(*history: Event) -> dict[str, bool]:
    return {name: stated.value for name, stated in fold_all(history).consent.items()}


def test_consent_by_channel_or_for_all() -> None:
    assert consent(says(1, 1, consent={"email": True, "call": False, "sms": "yes"})) == {
        "email": True,
        "call": False,
        "sms": True,
    }
    assert consent(says(1, 1, consent=False)) == {"all": False}
    assert consent(says(1, 1, consent="perhaps")) == {"all": False}


def test_unsubscribing_and_coming_back_counts_by_time() -> None:
    given = says(1, 5, consent=True)
    taken = says(2, 3, "track", "Unsubscribed")
    assert consent(given, taken) == consent(taken, given) == {"all": True}
    later = says(3, 8, "track", "Unsubscribed")
    assert consent(later, given, taken) == {"all": False}
