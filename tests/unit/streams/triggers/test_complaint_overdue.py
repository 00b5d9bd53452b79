"""Every complaint has a clock."""

import pytest

from streams.triggers.complaint_overdue import promised
from tests.harness.histories import BEGIN, MINUTE, event
from tests.harness.simulated_customer import SimulatedCustomer, playbook_of, said

DAY = 24 * 60.0

BOOK = """
triggers:
  - {name: late, when: complaint.overdue, topic: complaint/*, after: 2d}
"""


def test_a_complaint_that_nobody_solves_is_overdue_once() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.says("opened", 0)
    customer.says("working", DAY)
    customer.says("opened", 1.5 * DAY)
    assert customer.deadlines == {"late": BEGIN + int(2 * DAY * MINUTE)}
    (trigger,) = customer.lives_until(30 * DAY)
    assert (trigger.type, trigger.topic) == ("complaint.overdue", "complaint/delivery")
    assert trigger.why["opened_at"] == BEGIN
    assert trigger.why["due"] == trigger.occurred_at == BEGIN + int(2 * DAY * MINUTE)
    assert trigger.why["open_ms"] == int(2 * DAY * MINUTE)
    assert customer.deadlines == {}
    assert customer.says("working", 31 * DAY) == []
    assert customer.lives_until(60 * DAY) == []


def test_a_solved_complaint_is_not_overdue_however_late_the_solution_is_told() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.says("opened", 0)
    customer.says("resolved", 1.9 * DAY)
    assert customer.lives_until(9 * DAY) == []
    backwards = SimulatedCustomer(playbook_of(BOOK))
    backwards.says("resolved", 1.9 * DAY)
    backwards.take(
        event(
            "late",
            "contact",
            name="opened",
            user_id="u1",
            occurred_at=BEGIN,
            received_at=BEGIN + int(1.95 * DAY * MINUTE),
            properties={"about": "delivery"},
        )
    )
    assert backwards.deadlines == {}


def test_a_case_that_is_opened_again_has_a_clock_of_its_own() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.says("opened", 0)
    customer.says("resolved", DAY)
    customer.says("opened", 10 * DAY)
    customer.says("opened", 11 * DAY)
    (trigger,) = customer.lives_until(30 * DAY)
    assert trigger.why["opened_at"] == BEGIN + int(10 * DAY * MINUTE), (
        "the impatient wait no longer"
    )
    assert trigger.decided_at == BEGIN + int(12 * DAY * MINUTE)
    customer.says("resolved", 31 * DAY)
    assert customer.profile.decisions.cases == {}
    customer.says("opened", 40 * DAY)
    (again,) = customer.lives_until(60 * DAY)
    assert again.id != trigger.id


def test_two_complaints_have_two_clocks() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK))
    customer.says("opened", 0, about="delivery")
    customer.says("opened", DAY, about="colour")
    found = customer.lives_until(30 * DAY)
    assert [trigger.topic for trigger in found] == ["complaint/delivery", "complaint/colour"]
    assert found[1].decided_at == BEGIN + int(3 * DAY * MINUTE)


def test_a_rule_may_speak_of_complaints_that_nobody_has_begun_to_work_on() -> None:
    customer = SimulatedCustomer(playbook_of(BOOK.replace("after:", "stages: [opened], after:")))
    customer.says("opened", 0)
    customer.says("working", DAY)
    assert customer.lives_until(9 * DAY) == []


@pytest.mark.parametrize(
    ("rules", "hours"),
    [
        ("topic: complaint/*, after: 48h", 48),
        ("after: 48h", 48),
        ("topic: complaint/colour, after: 48h", 0),
        ("topic: product/*, after: 48h", 0),
        ("after: 48h|topic: complaint/delivery, after: 24h|after: 36h", 24),
        # What only some cases wait for is promised to none of the others.
        ("stages: [opened], after: 4h", 0),
        ("stages: [opened], after: 4h|after: 48h", 48),
        ("stages: [working, opened], after: 4h", 4),
        ("if: purchases > 1, after: 4h|after: 48h", 48),
    ],
)
def test_what_is_promised_to_everybody_is_the_shortest_clock(rules: str, hours: int) -> None:
    written = "".join(
        f"  - {{name: r{number}, when: complaint.overdue, {rule}}}\n"
        for number, rule in enumerate(rules.split("|"))
    )
    playbook = playbook_of(f"triggers:\n{written}")
    assert promised("complaint/delivery", playbook) == hours * 3_600_000
    assert promised("product/shoes", playbook) == (48 * 3_600_000 if "product" in rules else 0)


SILENCE = """
triggers:
  - {name: silent, when: silence, after: 30d}
"""


def test_silence_of_a_customer_is_told_once() -> None:
    customer = SimulatedCustomer(playbook_of(SILENCE))
    customer.does("Viewed", 0)
    customer.does("Viewed", 20 * DAY)
    (trigger,) = customer.lives_until(200 * DAY)
    assert trigger.why["last_seen"] == BEGIN + int(20 * DAY * MINUTE)
    assert trigger.decided_at == BEGIN + int(50 * DAY * MINUTE)
    customer.take(
        event("old", name="Viewed", user_id="u1", received_at=BEGIN + int(210 * DAY * MINUTE),
              properties={"category": "shoes"})
    )  # fmt: skip
    assert customer.deadlines == {}, "what comes late ends no silence and begins none"
    customer.does("Viewed", 220 * DAY)
    assert said(customer.lives_until(300 * DAY)) == [("silent", None)]


def test_silence_of_a_visitor_is_nothing() -> None:
    visitor = SimulatedCustomer(playbook_of(SILENCE), "a1")
    visitor.take(event("m1", name="Viewed", anonymous_id="a1", properties={"category": "x"}))
    assert visitor.deadlines == {}


def test_a_message_of_ours_ends_no_silence() -> None:
    customer = SimulatedCustomer(playbook_of(SILENCE))
    customer.does("Viewed", 0)
    customer.take(
        event("d1", "contact", name="trigger.delivered", direction="outbound", user_id="u1",
              occurred_at=BEGIN + int(20 * DAY * MINUTE), properties={"topic": "product/shoes"})
    )  # fmt: skip
    (trigger,) = customer.lives_until(31 * DAY)
    assert trigger.why["last_seen"] == BEGIN
