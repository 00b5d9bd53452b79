"""Whoever writes or calls is found: addresses and numbers in one way each."""

from typing import Any

import pytest
from hypothesis import given

from schemas.event import Event
from schemas.profile import Profile, Stamped
from streams.identity.aliases import Alias, alias_moves, aliases_of, email_alias, phone_alias
from tests.harness.histories import event, fold_all, histories, law


def profile(key: str, **traits: Any) -> Profile:
    return Profile(key, traits={name: Stamped(value, 1, 1) for name, value in traits.items()})


@pytest.mark.parametrize("text", ["Ann@Example.COM", "  ann@example.com\n", "ann@example.com"])
def test_an_address_is_the_same_however_it_is_typed(text: str) -> None:
    assert email_alias(text) == Alias("email", "ann@example.com")


@pytest.mark.parametrize("text", ["", "ann", "@example.com", "ann@", "a@b@c", "a b@c.example"])
def test_what_is_no_address_is_no_alias(text: str) -> None:
    assert email_alias(text) is None


@pytest.mark.parametrize(
    ("text", "region"),
    [("+82 2-312-3456", ""), ("02-312-3456", "KR"), ("(02) 312 3456", "KR"), ("+8223123456", "DE")],
)
def test_a_number_is_the_same_however_it_is_written(text: str, region: str) -> None:
    assert phone_alias(text, region) == Alias("phone", "+8223123456")


@pytest.mark.parametrize("text", ["", "call me", "12", "02-312-3456", "+" + "1" * 80, "+999123"])
def test_what_is_no_number_is_no_alias(text: str) -> None:
    assert phone_alias(text, "") is None


def test_traits_name_addresses_and_numbers_in_many_words() -> None:
    traits = profile(
        "u", email="A@b.example", mobilePhone="+82 10 1234 5678", **{"Home Phone": 8223123456},
        phone=True, tel=None, name="c@d.example", mail="nobody",
    ).traits  # fmt: skip
    assert aliases_of(traits, "KR") == {
        Alias("email", "a@b.example"),
        Alias("phone", "+821012345678"),
        Alias("phone", "+8223123456"),
    }


def test_a_changed_address_is_held_and_the_old_one_given_up() -> None:
    before = {"u": profile("u", email="old@b.example", phone="+8223123456")}
    after = {"u": profile("u", email="new@b.example", phone="+82-2-312-3456")}
    moves = alias_moves(before, after, "")
    assert {alias.value for alias, _ in moves.held} == {"new@b.example", "+8223123456"}
    assert moves.given_up == [(Alias("email", "old@b.example"), "u")]


def test_a_merge_moves_the_aliases_to_the_customer() -> None:
    visitor, customer = profile("v", email="a@b.example"), profile("c")
    after = {
        "v": Profile("v", forwarded_to="c"),
        "c": Profile("c", traits=visitor.traits, identities={"v": True}),
    }
    moves = alias_moves({"v": visitor, "c": customer}, after, "")
    assert moves.held == [(Alias("email", "a@b.example"), "c")]
    assert moves.given_up == [(Alias("email", "a@b.example"), "v")]


def test_who_only_looks_at_pages_is_not_looked_at() -> None:
    before = fold_all([event("1", "identify", properties={"email": "a@b.example"}, user_id="u1")])
    page = event("2", "page", properties={"path": "/products/hat"}, user_id="u1")
    after = fold_all([page], profile=before)
    assert after is not before
    moves = alias_moves({"u1": before}, {"u1": after}, "")
    assert (moves.held, moves.given_up) == ([], [])


@law
@given(histories(12))
def test_what_is_held_after_any_history_is_what_the_traits_say(history: list[Event]) -> None:
    held: set[Alias] = set()
    before: dict[str, Profile] = {}
    for number, happened in enumerate(history):
        traits = {"email": f"a{number % 3}@b.example", "phone": f"+8223123{number % 4}56"}
        stated = event(
            f"s{number}", "identify", properties=traits, user_id="u1",
            occurred_at=happened.occurred_at,
        )  # fmt: skip
        after = {"u1": fold_all([happened, stated], profile=before.get("u1"))}
        moves = alias_moves(before, after, "")
        held |= {alias for alias, _ in moves.held}
        held -= {alias for alias, _ in moves.given_up}
        assert held == aliases_of(after["u1"].traits, "")
        before = after
