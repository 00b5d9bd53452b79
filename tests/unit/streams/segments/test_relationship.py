"""From prospect to partner, asleep and awake again."""

from streams.fold.deadlines import DORMANT_KIND
from streams.segments.relationship import relationship_of
from streams.views.customer_view import customer_view
from tests.harness.histories import BEGIN, MINUTE, MODELS
from tests.harness.simulated_customer import SimulatedCustomer, playbook_of

DAY = 24 * 60.0

BOOK = """
relationship:
  regular: purchases >= 3
  advocate: 'has(traits.recommends) && traits.recommends'
  partner: 'has(traits.dealer) && traits.dealer'
  dormant: 30d
triggers:
  - {name: stage, when: lifecycle.changed}
"""


def moves(customer: SimulatedCustomer) -> list[tuple[str, str]]:
    return [(t.why["from"], t.why["to"]) for t in customer.triggers]


def test_the_stages_of_a_relationship() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.does("Viewed", 0)
    for minute in range(1, 5):
        customer.does("Bought", minute)
    customer.states(6, recommends=True)
    customer.states(7, dealer=True)
    assert moves(customer) == [
        ("prospect", "first purchase"),
        ("first purchase", "regular"),
        ("regular", "advocate"),
        ("advocate", "partner"),
    ]
    assert customer.profile.decisions.relationship == "partner"


def test_who_was_silent_for_long_is_dormant_until_the_next_event() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.does("Bought", 0)
    customer.does("Viewed", 10 * DAY)
    assert customer.deadlines[DORMANT_KIND] == BEGIN + int(30 * DAY * MINUTE), "it is not moved"
    customer.lives_until(39.9 * DAY)
    assert moves(customer) == [("prospect", "first purchase")]
    (asleep,) = customer.lives_until(41 * DAY)
    assert (asleep.why["from"], asleep.why["to"]) == ("first purchase", "dormant")
    assert asleep.decided_at == BEGIN + int(40 * DAY * MINUTE)
    assert customer.deadlines == {}
    customer.does("Viewed", 50 * DAY)
    assert moves(customer)[-1] == ("dormant", "first purchase")
    assert DORMANT_KIND in customer.deadlines


def test_a_prospect_does_not_fall_asleep() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.does("Viewed", 0)
    assert customer.deadlines == {}


def test_only_the_stages_that_a_rule_names() -> None:
    text = BOOK.replace("lifecycle.changed", "lifecycle.changed, to: [regular]")
    customer = SimulatedCustomer(playbook_of(text))
    for minute in range(4):
        customer.does("Bought", minute)
    assert moves(customer) == [("first purchase", "regular")]


def test_the_view_says_the_stage_though_no_rule_asks() -> None:
    text = BOOK.partition("triggers:")[0]
    customer = SimulatedCustomer(playbook_of(text))
    assert customer.playbook.relationship is None
    for minute in range(2):
        customer.does("Bought", minute)
    now = BEGIN + int(5 * MINUTE)
    assert relationship_of(customer.profile, now, customer.playbook, MODELS) == "first purchase"
    view = customer_view(customer.profile, customer.playbook, MODELS, now)
    assert view["lifecycle"]["stage"] == "first purchase"
    later = BEGIN + int(40 * DAY * MINUTE)
    view = customer_view(customer.profile, customer.playbook, MODELS, later)
    assert view["lifecycle"]["stage"] == "dormant"
