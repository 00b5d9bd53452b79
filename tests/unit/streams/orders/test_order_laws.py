"""Orders in any permutation, duplication and split give the same facts, and the right money."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.event import Event
from schemas.profile import Profile
from streams.codec.codec import decode_profile, encode_profile
from streams.fold.merging import merge_profiles
from streams.orders.ledger import MAX_ORDERS
from streams.orders.order import MAX_REFUNDS
from streams.values.purchase_days import count_days
from tests.harness.histories import BEGIN, MINUTE, event, facts, fold_all, law, seeds, shuffled
from tests.harness.order_histories import SIZE, cart_history, order_history, plain_totals

codes = st.binary(min_size=SIZE, max_size=18 * SIZE)


def copied(history: list[Event], seed: int) -> list[Event]:
    """The history with retries of some events under other message ids, at the same time."""
    random = Random(seed)
    copies = [
        replace(one, message_id=f"{one.message_id}-retry")
        for one in history
        if one.properties.get("order_id", one.properties.get("orderId")) and random.random() < 0.4
    ]
    return history + copies


def agrees(profile: Profile, history: list[Event]) -> None:
    life, plain = profile.lifecycle, plain_totals(history)
    assert life.purchases == plain.purchases
    assert (life.first_purchase, life.last_purchase) == (plain.first, plain.last)
    assert count_days(life.purchase_days) == len(plain.days)
    spend = {currency: Decimal(cents) / 100 for currency, cents in life.spend.items() if cents}
    assert spend == plain.spend


@law
@given(codes, seeds)
def test_any_order_gives_the_same_orders_and_the_right_money(code: bytes, seed: int) -> None:
    history = order_history(code)
    once = fold_all(history)
    agrees(once, history)
    assert facts(fold_all(shuffled(history, seed))) == facts(once)
    assert facts(fold_all(history[::-1])) == facts(once)


@law
@given(codes, seeds)
def test_a_copy_with_another_message_id_changes_no_money(code: bytes, seed: int) -> None:
    history = order_history(code)
    agrees(fold_all(shuffled(copied(history, seed), seed)), history)


@law
@given(codes, seeds)
def test_two_halves_merged_are_the_whole(code: bytes, seed: int) -> None:
    history = copied(order_history(code), seed)
    random = Random(seed)
    side = [random.random() < 0.5 for _ in history]
    one = fold_all(e for e, left in zip(history, side, strict=True) if left)
    other = fold_all(e for e, left in zip(history, side, strict=True) if not left)
    whole = facts(fold_all(history))
    assert facts(merge_profiles(one, other)) == whole
    assert facts(merge_profiles(other, one)) == whole
    assert facts(merge_profiles(one, Profile("u1"))) == facts(one)


@law
@given(codes)
def test_a_profile_with_orders_survives_its_bytes(code: bytes) -> None:
    profile = fold_all(order_history(code))
    data = encode_profile(profile)
    assert decode_profile(data) == profile
    assert encode_profile(decode_profile(data)) == data


def test_two_thousand_histories_agree_with_plain_arithmetic() -> None:
    random = Random(20261129)
    for _ in range(2000):
        history = order_history(random.randbytes(SIZE * random.randrange(1, 12)))
        agrees(fold_all(history), history)


@pytest.mark.slow
def test_a_hundred_thousand_histories_agree_with_plain_arithmetic() -> None:
    random = Random(7)
    for _ in range(100_000):
        history = order_history(random.randbytes(SIZE * random.randrange(1, 12)))
        agrees(fold_all(history), history)


def test_beyond_its_bound_an_order_is_settled_with_its_money() -> None:
    many = [
        event(
            f"m{number}",
            name="Order Completed",
            user_id="u1",
            occurred_at=BEGIN + number * MINUTE,
            properties={"order_id": f"S-{number}", "total": 2, "currency": "EUR"},
        )
        for number in range(MAX_ORDERS + 30)
    ]
    profile = fold_all(many)
    assert len(profile.orders) == MAX_ORDERS
    assert profile.lifecycle.purchases == len(many)
    assert profile.lifecycle.spend == {"EUR": 200 * len(many)}
    back = {"order_id": "S-0", "total": 2}
    late = event("late", name="Order Refunded", user_id="u1", properties=back,
                 occurred_at=BEGIN + 9999 * MINUTE)  # fmt: skip
    assert fold_all([late], profile=profile).lifecycle.spend == profile.lifecycle.spend


def test_the_refunds_of_an_order_are_bounded_and_the_largest_stay() -> None:
    order = {"order_id": "S-1", "total": 100_000, "currency": "EUR"}
    refunds = [
        event(f"r{number}", name="Order Refunded", user_id="u1",
              properties={"order_id": "S-1", "total": number + 1, "refund_id": str(number)})
        for number in range(MAX_REFUNDS + 20)
    ]  # fmt: skip
    profile = fold_all([event("o", name="Order Completed", user_id="u1", properties=order),
                        *refunds])  # fmt: skip
    (kept,) = profile.orders.values()
    assert len(kept.refunds) == MAX_REFUNDS
    assert {refund.amount for refund in kept.refunds.values()} == {
        100 * (number + 1) for number in range(20, MAX_REFUNDS + 20)
    }


carts = st.binary(min_size=4, max_size=4 * 16)


@law
@given(carts, codes, seeds)
def test_carts_and_orders_in_any_permutation_copy_and_split_give_the_same_facts(
    cart: bytes, code: bytes, seed: int
) -> None:
    """Products added, removed, bought, and carts emptied, beside the life of orders."""
    random = Random(seed)
    history = cart_history(cart) + order_history(code)
    whole = facts(fold_all(history))
    mixed = shuffled(history, seed)
    assert facts(fold_all(mixed)) == whole
    assert facts(fold_all(history[::-1])) == whole
    side = [random.random() < 0.5 for _ in mixed]
    one = fold_all(e for e, left in zip(mixed, side, strict=True) if left)
    other = fold_all(e for e, left in zip(mixed, side, strict=True) if not left)
    assert facts(merge_profiles(one, other)) == whole
    assert facts(merge_profiles(other, one)) == whole
    assert facts(fold_all(mixed + random.choices(mixed, k=5))) == whole
