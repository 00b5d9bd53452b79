"""The simulated shoppers behave as people can: the laws hold for every seed."""

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.shop.catalogue import PRODUCTS as SHOP
from infra.demo.catalogue import GOES_WITH, PRODUCTS
from infra.demo.people import is_simulated
from infra.demo.shoppers import MAX_GAP_MS, Shoppers

BEGAN = 1_760_000_000_000
MINUTE = 60_000

seeds = st.integers(0, 2**64 - 1)


def stream(seed: int, minutes: int = 6, rate: float = 5.0) -> list[dict[str, Any]]:
    shoppers = Shoppers(Random(seed), BEGAN, rate)
    return [
        item for minute in range(1, minutes + 1) for item in shoppers.until(BEGAN + minute * MINUTE)
    ]


def people(items: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The items of each person, over all their devices and before and after they logged in."""
    owner: dict[str, str] = {}
    items = list(items)
    for item in items:
        if "userId" in item:
            owner[item["anonymousId"]] = item["userId"]
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        found[owner.get(item["anonymousId"], item["anonymousId"])].append(item)
    return list(found.values())


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_a_seed_is_a_stream(seed: int) -> None:
    assert stream(seed) == stream(seed)


def test_asking_oftener_gives_the_same_stream() -> None:
    once, often = (Shoppers(Random(7), BEGAN, 5.0) for _ in range(2))
    together = once.until(BEGAN + MINUTE)
    piecewise = [item for ms in range(0, MINUTE + 1, 500) for item in often.until(BEGAN + ms)]
    assert piecewise == together


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_items_come_in_the_order_of_time_and_each_once(seed: int) -> None:
    items = stream(seed)
    times = [item["timestamp"] for item in items]
    assert times == sorted(times)
    assert len({item["messageId"] for item in items}) == len(items)


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_nobody_buys_what_they_have_not_looked_at_and_put_into_the_cart(seed: int) -> None:
    for life in people(stream(seed)):
        viewed: set[str] = set()
        cart: dict[str, int] = defaultdict(int)
        checked_out: list[dict[str, Any]] = []
        for item in life:
            properties = item.get("properties", {})
            match item.get("event"):
                case "Product Viewed":
                    viewed.add(properties["product_id"])
                case "Product Added":
                    assert properties["product_id"] in viewed
                    cart[properties["product_id"]] += properties["quantity"]
                case "Checkout Started" | "Cart Viewed":
                    checked_out = properties["products"]
                    assert {row["product_id"]: row["quantity"] for row in checked_out} == cart
                case "Order Completed":
                    assert properties["products"] == checked_out
                    paid = sum(row["price"] * row["quantity"] for row in checked_out)
                    assert properties["total"] == pytest.approx(paid)
                    assert properties["currency"] == "EUR"
                    assert "userId" in item
                    cart.clear()


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_who_has_logged_in_stays_the_same_customer(seed: int) -> None:
    account: dict[str, str] = {}
    traits: dict[str, dict[str, Any]] = {}
    for item in stream(seed):
        device, user = item["anonymousId"], item.get("userId")
        assert is_simulated(device)
        if device in account:
            assert user == account[device]
        elif user is not None:
            assert item["type"] == "identify"
            account[device] = user
            assert is_simulated(user)
            assert traits.setdefault(user, item["traits"]) == item["traits"]


def test_there_are_left_carts_and_people_who_come_back_and_go_on() -> None:
    expirations = people(stream(1, minutes=60))
    names = [[item.get("event") for item in life] for life in expirations]
    assert any("Product Added" in events and "Order Completed" not in events for events in names)
    assert any("Cart Viewed" in events for events in names)
    assert any(events.count("Order Completed") > 1 for events in names)


def test_the_rate_is_what_was_asked_for() -> None:
    shoppers = Shoppers(Random(3), BEGAN, 40.0)
    minutes = [len(shoppers.until(BEGAN + minute * MINUTE)) for minute in range(1, 21)]
    assert 36 < sum(minutes[5:]) / (15 * 60) < 44


def test_a_laptop_that_slept_is_not_flooded() -> None:
    shoppers = Shoppers(Random(3), BEGAN, 40.0)
    shoppers.until(BEGAN + MINUTE)
    night = shoppers.until(BEGAN + 8 * 60 * MINUTE)
    assert len(night) < 4 * 40 * MAX_GAP_MS / 1000


def test_the_shoppers_buy_what_the_shop_sells() -> None:
    assert {slug: product.cents for slug, product in PRODUCTS.items()} == {
        name: product.price for name, product in SHOP.items()
    }
    assert {slug: product.name for slug, product in PRODUCTS.items()} == {
        name: product.title for name, product in SHOP.items()
    }
    assert GOES_WITH.keys() == PRODUCTS.keys()
    assert all(then.keys() < PRODUCTS.keys() for then in GOES_WITH.values())


def test_a_person_at_the_keyboard_is_not_taken_for_a_simulated_one() -> None:
    assert not is_simulated("demo-8f14e45f-ceea-467f-a0e6-1c2b3d4e5f60")
    assert not is_simulated("mina")
