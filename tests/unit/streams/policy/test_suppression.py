"""What holds a trigger back, one reason after the other."""

import pytest

from schemas.profile import Stamped
from streams.consent.consent import may_speak
from streams.policy.holdouts import is_held_out
from tests.harness.histories import BEGIN, MINUTE
from tests.harness.simulated_customer import SimulatedCustomer, playbook_of, said

HOUR = 60.0
DAY = 24 * HOUR
MAIL = "then: {channel: email}"

CART = f"""
triggers:
  - {{name: cart, when: stage.reached, topic: product/*, stages: [cart], {MAIL}}}
"""


def stamped(**stated: tuple[bool, int]) -> dict[str, Stamped]:
    return {name: Stamped(value, at, 1) for name, (value, at) in stated.items()}


@pytest.mark.parametrize(
    ("stated", "channel", "may"),
    [
        ({}, None, True),
        ({}, "call", True),
        ({}, "email", False),
        ({"all": (True, 1)}, "email", True),
        ({"all": (False, 1)}, None, False),
        ({"all": (False, 1)}, "call", False),
        ({"email": (True, 1)}, "email", True),
        ({"email": (True, 1)}, "sms", False),
        ({"call": (False, 1)}, "call", False),
        ({"call": (False, 1)}, None, True),
        ({"email": (False, 1), "all": (True, 2)}, "email", False),
        ({"email": (True, 1), "all": (False, 2)}, "email", False),
        ({"email": (True, 2), "all": (False, 1)}, "email", True),
        ({"email": (True, 1), "all": (False, 1)}, "email", False),
    ],
)
def test_consent_of_a_channel(
    stated: dict[str, tuple[bool, int]], channel: str | None, may: bool
) -> None:
    assert may_speak(stamped(**stated), channel) is may


def test_without_consent_for_its_channel_nothing_is_sent() -> None:
    customer = SimulatedCustomer(playbook_of(CART))
    assert said(customer.does("Added", 0)) == [("cart", "no_consent")]
    customer.states(1, consent={"email": True})
    (trigger,) = customer.does("Added", 2, category="socks")
    assert (trigger.decision, trigger.channel) == ("fire", "email")
    assert trigger.playbook == playbook_of(CART).version


def test_a_condition_that_does_not_hold_is_no_decision() -> None:
    text = """
triggers:
  - {name: again, when: stage.reached, topic: product/*, stages: [cart], if: purchases > 0}
"""
    customer = SimulatedCustomer(playbook_of(text))
    assert customer.does("Added", 0) == []
    customer.does("Bought", 1)
    assert said(customer.does("Added", 2, category="socks")) == [("again", None)]


def test_a_condition_can_ask_what_fires_it() -> None:
    text = """
triggers:
  - {name: shoes, when: stage.reached, topic: product/*,
     if: 'topic == "product/shoes" && stage == "cart"'}
"""
    customer = SimulatedCustomer(playbook_of(text))
    assert customer.does("Viewed", 0) == []
    assert said(customer.does("Added", 1)) == [("shoes", None)]
    assert customer.does("Added", 2, category="socks") == []


def test_a_stall_whose_condition_does_not_hold_is_looked_at_once() -> None:
    text = """
triggers:
  - {name: left, when: stage.stalled, topic: product/*, stages: [cart], after: 30m,
     if: purchases > 0}
"""
    customer = SimulatedCustomer(playbook_of(text))
    customer.does("Added", 0)
    assert customer.lives_until(DAY) == []
    assert customer.deadlines == {}


def test_a_cap_counts_what_fired() -> None:
    text = CART.replace(MAIL, MAIL + ", cap: {at_most: 2, per: 1d}")
    customer = SimulatedCustomer(playbook_of(text))
    customer.states(0, consent=True)
    topics = [f"c{number}" for number in range(5)]
    found = [customer.does("Added", 1 + at, category=c) for at, c in enumerate(topics[:3])]
    assert [one.suppressed_by for (one,) in found] == [None, None, "cap"]
    (trigger,) = customer.does("Added", DAY, category="later")
    assert trigger.suppressed_by == "cap"
    (trigger,) = customer.does("Added", DAY + 1, category="next")
    assert trigger.decision == "fire"


def test_a_cap_over_all_counts_every_channel_and_no_staff() -> None:
    text = """
policy: {caps: {all: {at_most: 1, per: 1d}}}
triggers:
  - {name: staff, when: stage.reached, topic: product/*, stages: [cart]}
  - {name: mail, when: stage.reached, topic: product/*, stages: [cart], then: {channel: email}}
  - {name: text, when: stage.reached, topic: product/*, stages: [cart], then: {channel: sms}}
"""
    customer = SimulatedCustomer(playbook_of(text))
    customer.states(0, consent=True)
    found = said(customer.does("Added", 1))
    assert found == [("staff", None), ("mail", None), ("text", "cap")]
    found = said(customer.does("Added", 2, category="socks"))
    assert found == [("staff", None), ("mail", "cap"), ("text", "cap")]


def test_of_one_event_and_channel_the_most_important_is_said() -> None:
    text = """
triggers:
  - {name: low, when: stage.reached, topic: product/*, stages: [cart], then: {channel: call}}
  - {name: high, when: stage.reached, topic: product/*, stages: [cart],
     then: {channel: call}, priority: 5}
  - {name: same, when: stage.reached, topic: product/*, stages: [cart],
     then: {channel: call}, priority: 5}
  - {name: other, when: stage.reached, topic: product/*, stages: [cart], then: {channel: letter}}
"""
    customer = SimulatedCustomer(playbook_of(text))
    found = dict(said(customer.does("Added", 0)))
    assert found == {"low": "priority", "high": None, "same": "priority", "other": None}


def test_what_is_held_back_does_not_stand_in_the_way() -> None:
    text = """
triggers:
  - {name: high, when: stage.reached, topic: product/*, stages: [cart],
     then: {channel: call}, priority: 5, cooldown: 1d}
  - {name: low, when: stage.reached, topic: product/*, stages: [cart], then: {channel: call}}
"""
    customer = SimulatedCustomer(playbook_of(text))
    assert dict(said(customer.does("Added", 0))) == {"high": None, "low": "priority"}
    found = dict(said(customer.does("Added", 1, category="socks")))
    assert found == {"high": "cooldown", "low": None}


def test_blocked_customers_are_not_spoken_to_but_staff_hears_of_it() -> None:
    text = """
relationship: {blocked: "has(traits.stole) && traits.stole"}
triggers:
  - {name: cart, when: stage.reached, topic: product/*, stages: [cart]}
  - {name: call, when: stage.reached, topic: product/*, stages: [cart], then: {channel: call}}
  - {name: exit, when: lifecycle.changed, to: [blocked]}
"""
    customer = SimulatedCustomer(playbook_of(text))
    customer.does("Viewed", 0)
    (trigger,) = customer.states(1, stole=True)
    assert (trigger.rule, trigger.decision) == ("exit", "fire")
    assert (trigger.why["from"], trigger.why["to"]) == ("prospect", "blocked")
    assert said(customer.does("Added", 2)) == [("cart", "blocked"), ("call", "blocked")]


HELD = """
campaigns: {carts: {conversion: product/*, stages: [purchase], within: 7d, holdout: 0.5}}
triggers:
  - {name: cart, when: stage.reached, topic: product/*, stages: [cart], campaign: carts,
     cooldown: 1d, then: {channel: call}}
"""


def test_a_campaign_holds_out_its_share_and_says_who() -> None:
    arms = []
    for number in range(400):
        (trigger,) = SimulatedCustomer(playbook_of(HELD), f"customer-{number}").does("Added", 0)
        assert trigger.campaign == "carts"
        arms.append(trigger.arm)
        held = trigger.arm == "held_out"
        assert (trigger.decision, trigger.suppressed_by) == (
            ("suppressed", "holdout") if held else ("fire", None)
        )
        assert held is is_held_out(f"customer-{number}", 0.5, "carts")
    assert 150 < arms.count("held_out") < 250


def test_both_arms_come_equally_far() -> None:
    """Who is held out has the same cooldown, so that the groups differ in the message alone."""
    reasons = {}
    for number in range(20):
        customer = SimulatedCustomer(playbook_of(HELD), f"customer-{number}")
        (first,) = customer.does("Added", 0)
        (second,) = customer.does("Added", 1, category="socks")
        (third,) = customer.does("Added", DAY + 1, category="hats")
        reasons[first.arm] = (second.suppressed_by, second.arm, third.arm == first.arm)
    assert reasons == {"treated": ("cooldown", None, True), "held_out": ("cooldown", None, True)}


def test_a_global_hold_out_is_never_spoken_to_and_staff_hears_all() -> None:
    text = """
policy: {holdout: 0.5}
triggers:
  - {name: call, when: stage.reached, topic: product/*, stages: [cart], then: {channel: call}}
  - {name: staff, when: stage.reached, topic: product/*, stages: [cart]}
"""
    for number in range(40):
        key = f"customer-{number}"
        found = {t.rule: t for t in SimulatedCustomer(playbook_of(text), key).does("Added", 0)}
        out = is_held_out(key, 0.5)
        assert found["call"].suppressed_by == ("holdout" if out else None)
        assert found["call"].arm == ("held_out" if out else "treated")
        assert (found["staff"].decision, found["staff"].arm) == ("fire", None)


def test_hold_outs_of_campaigns_are_independent() -> None:
    both = sum(
        is_held_out(f"k{number}", 0.5, "a") and is_held_out(f"k{number}", 0.5, "b")
        for number in range(2000)
    )
    assert 420 < both < 580
    assert not any(is_held_out(f"k{number}", 0.0, "a") for number in range(100))


def test_what_was_said_is_remembered_by_topic_and_is_no_sign_of_life() -> None:
    from tests.harness.histories import event

    customer = SimulatedCustomer(playbook_of(""))
    customer.does("Viewed", 0)
    before = customer.profile
    told = event(
        "d1",
        "contact",
        name="trigger.delivered",
        direction="outbound",
        channel="email",
        user_id="u1",
        occurred_at=BEGIN + 5 * MINUTE,
        properties={"topic": "product/shoes", "trigger": "trg_1"},
    )
    customer.take(told)
    customer.take(told)
    assert customer.profile.spoken["product/shoes"].count == 1
    assert customer.profile.spoken["product/shoes"].last_at == BEGIN + 5 * MINUTE
    assert customer.profile.dialogues == before.dialogues
    assert customer.profile.lifecycle == before.lifecycle
