"""Who is in which segment, when that is looked at, and what is said when it changes."""

from schemas.effect import SetDeadline
from streams.profile.message_ids import message_hash
from streams.segments.membership import SEGMENTS_KIND
from tests.harness.histories import BEGIN, MINUTE, event
from tests.harness.simulated_customer import SimulatedCustomer, playbook_of, said

DAY = 24 * 60.0

BOOK = """
segments:
  buyers: {if: purchases >= 1}
  new: {if: purchases == 0}
  gold: {if: 'traits.plan == "gold"'}
  quiet: {if: days_since_seen >= 10 && purchases > 0}
  regulars: {if: 'relationship == "regular"'}
triggers:
  - {name: bought, when: segment.entered, segment: buyers}
  - {name: no-more-new, when: segment.left, segment: new}
  - {name: gold, when: segment.entered, segment: gold}
  - {name: quiet, when: segment.entered, segment: quiet}
  - {name: back, when: segment.left, segment: quiet}
  - {name: regular, when: segment.entered, segment: regulars}
"""


def inside(customer: SimulatedCustomer) -> set[str]:
    return set(customer.profile.decisions.segments)


def test_the_first_event_puts_a_customer_where_they_belong() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.does("Viewed", 0)
    assert inside(customer) == {"new"}


def test_entered_and_left_by_what_an_event_changed() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.does("Viewed", 0)
    found = customer.does("Bought", 60)
    assert said(found) == [("bought", None), ("no-more-new", None)]
    assert found[0].why["segment"] == "buyers"
    assert found[1].reason == "is no longer in new after 1 hour"
    assert inside(customer) == {"buyers"}
    assert said(customer.states(61, plan="gold")) == [("gold", None)]
    assert said(customer.does("Bought", 62)) == [("regular", None)], "two purchases, by default"
    assert customer.states(63, plan="gold") == []
    customer.states(64, plan="silver")
    assert "gold" not in inside(customer)


def test_the_passing_of_days_alone_changes_segments() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.does("Bought", 0)
    assert customer.lives_until(9.9 * DAY) == []
    (trigger,) = customer.lives_until(11 * DAY)
    assert (trigger.rule, trigger.type) == ("quiet", "segment.entered")
    assert trigger.decided_at >= BEGIN + 10 * DAY * MINUTE
    (back,) = customer.does("Viewed", 12 * DAY)
    assert back.rule == "back"


def test_days_are_looked_at_once_a_day_and_seldom_while_nothing_can_change() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    looks = 0
    for hour in range(100):
        customer.does("Viewed" if hour else "Bought", hour * 60.0)
    assert customer.profile.lifecycle.events == 100
    assert set(customer.deadlines) == {SEGMENTS_KIND}
    while customer.deadlines:
        due = customer.deadlines[SEGMENTS_KIND]
        customer.lives_until((due - BEGIN) / MINUTE)
        looks += 1
        assert looks < 100
    # a day after the last event, on the day of the change, and every 32 days until it is given up
    assert looks < 30


def test_nobody_watches_the_days_of_an_anonymous_visitor() -> None:
    from streams.fold.fold import fold
    from tests.harness.histories import MODELS

    outcome = fold(
        None, "a1", event("m1", name="Viewed", anonymous_id="a1", properties={"category": "x"}),
        playbook_of(BOOK), MODELS,
    )  # fmt: skip
    assert not [e for e in outcome.effects if isinstance(e, SetDeadline)]  # type: ignore[union-attr]


def test_a_rule_may_ask_for_the_segments_of_the_same_event() -> None:
    text = BOOK + (
        "  - {name: first, when: stage.reached, topic: product/*, stages: [purchase],"
        " if: '\"buyers\" in segments'}\n"
    )
    customer = SimulatedCustomer(playbook_of(text))
    assert ("first", None) in said(customer.does("Bought", 0))


def test_two_profiles_that_become_one_are_looked_at_anew() -> None:
    from streams.fold.links import fold_link
    from tests.harness.histories import MODELS

    text = BOOK.replace("purchases >= 1", "purchases >= 2")
    visitor, customer = (
        SimulatedCustomer(playbook_of(text), "a1"),
        SimulatedCustomer(playbook_of(text), "u1"),
    )
    for living in (visitor, customer):
        living.take(
            event(
                f"m-{living.key}",
                name="Bought",
                anonymous_id=living.key if living.key == "a1" else None,
                user_id=living.key if living.key == "u1" else None,
                properties={"category": "shoes"},
            )
        )
        assert "buyers" not in inside(living)
    link = event("l1", "link", key="a1", properties={"to": "u1"})
    sent = fold_link(visitor.profile, link, message_hash("l1"))
    (merge,) = [e.event for e in sent.effects if hasattr(e, "event")]  # type: ignore[union-attr]
    assert MODELS
    assert ("bought", None) in said(customer.take(merge))
    assert "buyers" in inside(customer)
    assert "new" not in inside(customer)


def test_a_segment_that_left_the_playbook_is_forgotten_with_the_next_change() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.does("Viewed", 0)
    customer.playbook = playbook_of("segments: {buyers: {if: purchases >= 1}}\n")
    customer.does("Bought", 1)
    assert inside(customer) == {"buyers"}
