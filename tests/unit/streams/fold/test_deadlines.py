"""Silence is a signal: carts left, timers late, twice or out of date."""

import pytest
from hypothesis import given

from schemas.effect import ClearDeadline, Dead, Dropped, Effect, Folded, SetDeadline
from schemas.event import Event
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.fold.fold import fold
from streams.fold.timers import timer_event
from tests.harness.histories import (
    BEGIN,
    DAY,
    MINUTE,
    MODELS,
    event,
    fold_all,
    histories,
    law,
    shop,
    triggers_of,
)

HALF_AN_HOUR = 30 * MINUTE


class Customer:
    """One customer's profile, the effects of the last event and the deadlines that are set."""

    def __init__(self) -> None:
        self.profile = Profile("u1")
        self.effects: list[Effect] = []
        self.set: dict[str, int] = {}
        self.count = 0

    def take(self, happened: Event) -> Folded | Dropped | Dead:
        outcome = fold(self.profile, "u1", happened, shop(), MODELS)
        self.effects = outcome.effects if isinstance(outcome, Folded) else []
        if isinstance(outcome, Folded):
            self.profile = outcome.profile
        for effect in self.effects:
            if isinstance(effect, ClearDeadline):
                del self.set[effect.kind]
            elif isinstance(effect, SetDeadline):
                assert effect.kind not in self.set, "one deadline of a kind at a time"
                self.set[effect.kind] = effect.at
        assert self.profile.decisions.deadlines == self.set
        return outcome

    def does(self, name: str, minute: float, category: str = "shoes") -> None:
        self.count += 1
        self.take(
            event(
                f"m{self.count}",
                name=name,
                user_id="u1",
                occurred_at=int(BEGIN + minute * MINUTE),
                properties={"category": category},
            )
        )

    def timer(self, late: int = 0) -> list[Trigger]:
        """The cart deadline comes due; the triggers it causes."""
        due = self.set["cart-left"]
        self.take(timer_event("u1", "cart-left", due, due + late))
        return [effect for effect in self.effects if isinstance(effect, Trigger)]


@pytest.fixture
def customer() -> Customer:
    return Customer()


def test_a_cart_left_for_half_an_hour_fires(customer: Customer) -> None:
    customer.does("Product Added", 0)
    assert customer.set == {"cart-left": BEGIN + HALF_AN_HOUR}
    (trigger,) = customer.timer()
    assert (trigger.type, trigger.rule, trigger.decision) == ("stage.stalled", "cart-left", "fire")
    assert (trigger.topic, trigger.stage) == ("product/shoes", "cart")
    assert trigger.occurred_at == BEGIN + HALF_AN_HOUR
    assert trigger.reason == "left product/shoes at cart and was quiet for 30 minutes"
    assert customer.set == {}


def test_a_cart_that_was_bought_stays_silent(customer: Customer) -> None:
    customer.does("Product Added", 0)
    customer.does("Order Completed", 10)
    assert customer.timer() == []
    assert "cart-left" not in customer.set


def test_an_order_that_arrives_before_its_cart_counts_by_its_time(customer: Customer) -> None:
    customer.does("Order Completed", 10)
    customer.does("Product Added", 0)
    assert "cart-left" not in customer.set


def test_a_new_cart_after_the_order_waits_again(customer: Customer) -> None:
    customer.does("Product Added", 0)
    customer.does("Order Completed", 5)
    customer.does("Product Added", 10)
    assert customer.timer() == []
    assert customer.set["cart-left"] == BEGIN + 10 * MINUTE + HALF_AN_HOUR
    assert len(customer.timer()) == 1


def test_activity_moves_the_moment_but_not_the_deadline(customer: Customer) -> None:
    customer.does("Product Added", 0)
    customer.does("Product Viewed", 20)
    assert customer.set == {"cart-left": BEGIN + HALF_AN_HOUR}
    assert customer.timer() == []
    assert customer.set == {"cart-left": BEGIN + 20 * MINUTE + HALF_AN_HOUR}
    (trigger,) = customer.timer()
    assert trigger.why["quiet_since"] == BEGIN + 20 * MINUTE


def test_a_stall_speaks_once(customer: Customer) -> None:
    customer.does("Product Added", 0)
    assert len(customer.timer()) == 1
    customer.does("Product Viewed", 40)
    assert customer.set == {}, "looking at the page is no new cart"
    customer.does("Product Added", 41, category="socks")
    (trigger,) = customer.timer()
    assert trigger.topic == "product/socks"
    assert customer.set == {}


def test_a_cart_filled_again_speaks_again(customer: Customer) -> None:
    customer.does("Product Added", 0)
    (first,) = customer.timer()
    customer.does("Product Added", 60)
    (second,) = customer.timer()
    assert first.id != second.id


def test_two_carts_fire_each_at_its_time(customer: Customer) -> None:
    customer.does("Product Added", 0, category="shoes")
    customer.does("Product Added", 10, category="socks")
    assert [trigger.topic for trigger in customer.timer()] == ["product/shoes"]
    assert customer.set == {"cart-left": BEGIN + 10 * MINUTE + HALF_AN_HOUR}
    assert [trigger.topic for trigger in customer.timer()] == ["product/socks"]


def test_two_carts_of_the_same_instant_fire_together(customer: Customer) -> None:
    customer.does("Product Added", 0, category="shoes")
    customer.does("Product Added", 0, category="socks")
    assert [trigger.topic for trigger in customer.timer()] == ["product/shoes", "product/socks"]


def test_a_timer_that_comes_a_day_late_is_suppressed(customer: Customer) -> None:
    customer.does("Product Added", 0)
    (trigger,) = customer.timer(late=DAY + 1)
    assert (trigger.decision, trigger.suppressed_by) == ("suppressed", "expired")
    assert customer.profile.decisions.sent[-1].fired is False
    assert customer.set == {}


def test_without_consent_the_decision_is_kept_and_suppressed(customer: Customer) -> None:
    customer.does("Product Added", 0)
    customer.does("Unsubscribed", 1)
    customer.set["cart-left"] = customer.profile.decisions.deadlines["cart-left"]
    triggers = customer.timer()
    assert [(t.decision, t.suppressed_by) for t in triggers] == [("suppressed", "no_consent")]


def test_a_timer_appended_twice_or_out_of_date_is_dropped(customer: Customer) -> None:
    customer.does("Product Added", 0)
    due = customer.set["cart-left"]
    assert customer.take(timer_event("u1", "cart-left", due - 1, due)) == Dropped("stale_timer")
    assert customer.take(timer_event("u1", "no-such-rule", due, due)) == Dropped("stale_timer")
    timer = timer_event("u1", "cart-left", due, due)
    assert timer == timer_event("u1", "cart-left", due, due)
    assert isinstance(customer.take(timer), Folded)
    assert customer.take(timer) == Dropped("duplicate")
    later = timer_event("u1", "cart-left", due, due + MINUTE)
    assert customer.take(later) == Dropped("duplicate")


@pytest.mark.parametrize("due", [None, "soon", 1.5, [1], float(BEGIN + HALF_AN_HOUR)])
def test_a_timer_that_says_no_instant_is_a_dead_letter(customer: Customer, due: object) -> None:
    customer.does("Product Added", 0)
    timer = event("t1", "timer", key="u1", properties={"kind": "cart-left", "due": due})
    assert isinstance(customer.take(timer), Dead)


def test_a_deadline_whose_rule_is_gone_is_cleared(customer: Customer) -> None:
    from msgspec.structs import replace

    customer.does("Product Added", 0)
    decisions = replace(customer.profile.decisions, deadlines={"old-rule": BEGIN})
    outcome = fold(
        replace(customer.profile, decisions=decisions),
        "u1",
        timer_event("u1", "old-rule", BEGIN, BEGIN),
        shop(),
        MODELS,
    )
    assert isinstance(outcome, Folded)
    assert outcome.effects == [ClearDeadline("old-rule")]
    assert outcome.profile.decisions.deadlines == {}


@law
@given(histories())
def test_timers_come_to_an_end(history: list[Event]) -> None:
    """However a history went, letting every deadline come due leaves none behind."""
    customer = Customer()
    customer.profile = fold_all(history)
    customer.set = dict(customer.profile.decisions.deadlines)
    for _ in range(200):
        if not customer.set:
            break
        kind, due = min(customer.set.items(), key=lambda item: item[1])
        customer.take(timer_event("u1", kind, due, due))
        assert customer.set.get(kind, due + 1) > due
    assert customer.set == {}


@law
@given(histories())
def test_the_same_history_decides_the_same(history: list[Event]) -> None:
    assert triggers_of(history) == triggers_of(history)


@law
@given(histories())
def test_a_stage_is_reached_once_and_only_going_further(history: list[Event]) -> None:
    reached: dict[str, list[int]] = {}
    for trigger in triggers_of(history):
        if trigger.type == "stage.reached":
            assert trigger.topic is not None
            assert trigger.stage is not None
            rank = shop().rank(trigger.topic, trigger.stage)
            reached.setdefault(trigger.topic, []).append(rank)
    for ranks in reached.values():
        assert ranks == sorted(set(ranks))
    ids = [trigger.id for trigger in triggers_of(history)]
    assert len(ids) == len(set(ids))


def test_a_step_back_and_forth_is_no_news() -> None:
    names = ["Product Viewed", "Product Clicked", "Product Viewed", "Product Added",
             "Product Viewed", "Product Added", "Order Completed"]  # fmt: skip
    history = [
        event(
            f"m{at}",
            name=name,
            user_id="u1",
            occurred_at=BEGIN + at * MINUTE,
            properties={"category": "shoes"},
        )
        for at, name in enumerate(names)
    ]
    found = [t.stage for t in triggers_of(history) if t.type == "stage.reached"]
    assert found == ["details", "cart", "purchase"]
