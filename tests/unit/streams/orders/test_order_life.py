"""Carts, products and orders as shops send them, by the playbook that ships."""

from typing import Any

import pytest

from schemas.effect import Folded
from schemas.event import Event
from schemas.trigger import Trigger
from streams.fold.fold import fold
from streams.fold.timers import timer_event
from streams.views.customer_view import customer_view
from tests.harness.histories import BEGIN, DAY, MINUTE, MODELS, event, fold_all, shop

HATS = {"category": "hats"}
HAT = {"category": "Hats", "product_id": "p-1", "sku": "H1", "name": "Straw Hat"}
CAP = {"category": "Hats", "product_id": "p-2", "sku": "H2", "name": "Cap"}


def told(number: int, name: str, kind: str = "track", /, **properties: Any) -> Event:
    return event(f"m{number}", kind, name=name, user_id="u1", properties=properties,
                 occurred_at=BEGIN + number * MINUTE)  # fmt: skip


def reminders(*history: Event) -> list[str]:
    """Topics that `cart-left` speaks of when everything has come due."""
    found: list[str] = []
    profile = fold_all(history)
    for _ in range(20):
        due = profile.decisions.deadlines.get("cart-left")
        if due is None:
            return found
        outcome = fold(profile, "u1", timer_event("u1", "cart-left", due, due), shop(), MODELS)
        assert isinstance(outcome, Folded)
        profile = outcome.profile
        found += [
            one.topic
            for one in outcome.effects
            if isinstance(one, Trigger) and one.rule == "cart-left" and one.topic
        ]
    raise AssertionError("it comes due for ever")


@pytest.mark.parametrize(
    ("history", "topics"),
    [
        ([told(1, "Product Added", **HATS)], ["product/hats"]),
        ([told(1, "Product Added", **HATS), told(2, "Product Removed", **HATS)], []),
        ([told(1, "Product Added", **HAT), told(2, "Product Removed", **HAT)], []),
        ([told(1, "Added Product", **HAT), told(2, "removed_product", product_id="p-1")], []),
        ([told(1, "Product Added", **HAT), told(2, "Product Removed", sku="H1")], []),
        ([told(1, "Product Added", **HAT), told(2, "Product Added", **CAP),
          told(3, "Product Removed", **HAT)], ["product/hats"]),
        ([told(1, "Product Added", **HAT), told(2, "Product Added", **CAP),
          told(3, "Cart Emptied")], []),
        ([told(1, "Product Added", **HAT), told(2, "Cart Emptied"),
          told(3, "Product Added", **CAP)], ["product/hats"]),
        ([told(1, "Product Added", **HAT), told(2, "Product Removed", **HAT),
          told(3, "Product Added", **HAT)], ["product/hats"]),
        ([told(1, "Product Added", **HAT),
          told(2, "Order Completed", products=[{"product_id": "p-1"}])], []),
        ([told(1, "Product Added", **HAT),
          told(2, "Order Completed", products=[{"sku": "H1"}])], []),
        ([told(1, "Product Added", **HAT),
          told(2, "Order Completed", products=[{"name": "Straw Hat"}])], []),
        ([told(1, "Product Viewed", **HAT), told(2, "Product Added", product_id="p-1"),
          told(3, "Order Completed", products=[{"product_id": "p-1"}])], []),
        ([told(1, "Product Added", product_id="p-1"), told(2, "Cart Viewed", products=[HAT]),
          told(3, "Order Completed", products=[HATS])], []),
        ([told(1, "Product Added", product_id="p-1"),
          told(2, "Order Completed", products=[HAT])], []),
        ([told(1, "Checkout Started", products=[HAT, CAP]),
          told(2, "Product Removed", **HAT)], ["product/hats"]),
        ([told(1, "Checkout Started", products=[HAT, CAP]), told(2, "Product Removed", **HAT),
          told(3, "Product Removed", **CAP)], []),
        ([told(1, "Wishlist Product Added to Cart", **HATS)], ["product/hats"]),
    ],
)  # fmt: skip
def test_a_reminder_comes_for_what_is_still_in_the_cart(
    history: list[Event], topics: list[str]
) -> None:
    assert reminders(*history) == topics


def test_a_cart_of_a_hundred_topics_loses_nothing_silently() -> None:
    products = [{"category": f"c{number}", "product_id": f"p-{number}"} for number in range(100)]
    profile = fold_all([told(1, "Checkout Started", products=products)])
    counted = sum(span.count for d in profile.dialogues.values() for span in d.stages.values())
    assert counted + profile.quiet_dialogues == 100


def stage_of(topic: str, *history: Event) -> str | None:
    seen = customer_view(fold_all(history), shop(), MODELS, BEGIN + DAY)
    found: str | None = seen["dialogues"][topic]["stage"]
    return found


def test_leaving_a_stage_is_a_word_for_every_channel() -> None:
    opened = told(1, "complaint.opened", "contact", about="delivery")
    withdrawn = told(2, "complaint.withdrawn", "contact", about="delivery")
    assert stage_of("complaint/delivery", opened) == "opened"
    assert stage_of("complaint/delivery", opened, withdrawn) is None
    assert stage_of("complaint/delivery", withdrawn, opened) is None
    active = told(1, "Subscription Started", plan="gold")
    cancelling = told(2, "subscription.cancel", "contact", plan="gold")
    kept = told(3, "subscription.keep", "contact", plan="gold")
    assert stage_of("subscription/gold", active, cancelling) == "cancelling"
    assert stage_of("subscription/gold", active, cancelling, kept) == "active"
    entered, denied = (
        told(1, "Coupon Entered", coupon_id="X"),
        told(2, "Coupon Denied", coupon_id="X"),
    )
    assert stage_of("coupon/x", entered, denied) is None


def test_a_withdrawn_complaint_has_no_clock() -> None:
    opened = told(1, "complaint.opened", "contact", about="delivery")
    withdrawn = told(2, "complaint.withdrawn", "contact", about="delivery")
    again = told(3, "complaint.opened", "contact", about="delivery")
    rules = shop()

    def overdue(*history: Event) -> int:
        profile = fold_all(history)
        due = profile.decisions.deadlines["complaint-overdue"]
        timer = timer_event("u1", "complaint-overdue", due, due)
        outcome = fold(profile, "u1", timer, rules, MODELS)
        assert isinstance(outcome, Folded)
        return sum(isinstance(one, Trigger) for one in outcome.effects)

    assert overdue(opened) == 1
    assert overdue(opened, withdrawn) == 0
    assert overdue(opened, withdrawn, again) == 0, "the new case has a clock of its own"
    profile = fold_all([opened, withdrawn, again])
    assert profile.decisions.deadlines["complaint-overdue"] > 0


@pytest.mark.parametrize(
    ("name", "topic", "stage"),
    [
        ("Products Searched", "search/products", "searched"),
        ("Promotion Viewed", "promotion/sale", "viewed"),
        ("Promotion Clicked", "promotion/sale", "clicked"),
        ("Checkout Step Viewed", "checkout/shop", "step"),
        ("Checkout Step Completed", "checkout/shop", "step"),
        ("Payment Info Entered", "checkout/shop", "payment"),
        ("Coupon Applied", "coupon/ten", "applied"),
        ("Product Added to Wishlist", "product/hats", "details"),
        ("Viewed Product Category", "product/hats", "introduction"),
        ("Cart Shared", "referral/cart", "recommended"),
    ],
)
def test_the_vocabulary_of_shops_is_known(name: str, topic: str, stage: str) -> None:
    properties = {"name": "sale", "coupon_name": "ten", "category": "hats"}
    assert stage_of(topic, told(1, name, **properties)) == stage


def test_a_cancelled_order_is_no_purchase_and_its_topic_is_not_bought() -> None:
    placed = told(1, "Order Completed", order_id="S-1", total=5, currency="EUR", products=[HAT])
    cancelled = told(2, "Order Canceled", order_id="S-1", products=[HAT])
    profile = fold_all([cancelled, placed])
    assert profile.lifecycle.purchases == 0
    assert profile.lifecycle.purchase_days == b""
    assert profile.lifecycle.spend == {}
    assert stage_of("product/hats", placed, cancelled) is None


def test_sources_are_shops_of_their_own_unless_the_playbook_says_otherwise() -> None:
    def placed(number: int, source: str) -> Event:
        return event(f"m{number}", name="Order Completed", user_id="u1", source=source,
                     properties={"order_id": "S-1", "total": 5, "currency": "EUR"})  # fmt: skip

    assert fold_all([placed(1, "web"), placed(2, "web")]).lifecycle.purchases == 1
    assert fold_all([placed(1, "web"), placed(2, "outlet")]).lifecycle.purchases == 2
