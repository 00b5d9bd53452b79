"""`churn.risk` as a playbook asks for it: by purchases, by visits, at stages of leaving."""

from typing import Any

import msgspec
import pytest
import yaml

from schemas.effect import Count, Folded, Send
from schemas.event import Event
from schemas.models import ChurnModels, GammaGamma, Models, ValueModel
from schemas.playbook import Playbook
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.codec.codec import encode_profile
from streams.definitions.compile import compile_playbook
from streams.fold.fold import fold
from streams.fold.timers import timer_event
from streams.models.learned import Learned
from streams.models.tiers import KIND, spend_bin
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.errors import RuleErrors
from tests.harness.histories import BEGIN, DAY, SHOP, event


def playbook_with(*rules: dict[str, Any]) -> CompiledPlaybook:
    """The shop's playbook with other triggers."""
    written = yaml.safe_load(SHOP.read_text())
    written["triggers"] = list(rules)
    for part in ("segments", "campaigns", "policy"):
        written.pop(part, None)
    return compile_playbook(msgspec.convert(written, Playbook))


def models(fitted: ChurnModels | None = None, learned: Learned | None = None) -> Models:
    fitted, learned = fitted or ChurnModels(), learned or Learned()
    return Models(learned.transitions, fitted.churn, fitted.value, learned)


def run(
    history: list[Event], playbook: CompiledPlaybook, by: Models | None = None
) -> tuple[Profile, list[Trigger]]:
    """The customer after the events and every deadline that came due between them."""
    by = by or models()
    profile: Profile | None = None
    triggers: list[Trigger] = []

    def one(happened: Event) -> None:
        nonlocal profile
        outcome = fold(profile, "u1", happened, playbook, by)
        assert isinstance(outcome, Folded), outcome
        profile = outcome.profile
        triggers.extend(found for found in outcome.effects if isinstance(found, Trigger))

    for happened in history:
        while profile is not None and profile.decisions.deadlines:
            kind, due = min(profile.decisions.deadlines.items(), key=lambda item: item[1])
            if due > happened.occurred_at:
                break
            one(timer_event("u1", kind, due, due))
        one(happened)
    assert profile is not None
    return profile, triggers


def visit(day: int) -> Event:
    return event(f"v{day}", "page", user_id="u1", occurred_at=BEGIN + day * DAY)


def order(day: int, total: float = 100.0) -> Event:
    return event(
        f"o{day}",
        name="Order Completed",
        user_id="u1",
        occurred_at=BEGIN + day * DAY,
        properties={"total": total, "currency": "EUR"},
    )


VISITS = {"name": "quiet", "when": "churn.risk", "by": "visits"}
LEAVING = {
    "name": "leaves", "when": "churn.risk", "topic": "subscription/*", "stages": ["cancelling"],
}  # fmt: skip
PURCHASES = {"name": "lost", "when": "churn.risk", "p_alive": 0.4}


def test_a_silence_unlike_the_customer_fires_when_its_day_has_come() -> None:
    playbook = playbook_with(VISITS)
    profile, triggers = run([visit(day) for day in range(12)], playbook)
    assert triggers == []
    due = profile.decisions.deadlines["quiet"]
    _, triggers = run([*(visit(day) for day in range(12)), visit(60)], playbook)
    (risk,) = triggers
    assert (risk.type, risk.decision) == ("churn.risk", "fire")
    assert risk.why["active_days"] == risk.why["known_days"] == 12
    assert risk.why["chance"] < risk.why["threshold"] == 0.02
    assert "here on 12 of 12 days" in risk.reason
    assert risk.occurred_at >= due


def test_who_keeps_coming_gets_no_alarm_and_who_comes_seldom_gets_a_later_one() -> None:
    playbook = playbook_with(VISITS)
    _, steady = run([visit(day) for day in range(0, 100, 3)], playbook)
    assert steady == []
    daily, _ = run([visit(day) for day in range(20)], playbook)
    weekly, _ = run([visit(day) for day in range(0, 64, 7)], playbook)
    waits = [
        profile.decisions.deadlines["quiet"] - profile.lifecycle.last_seen
        for profile in (daily, weekly)
    ]
    assert 2 * waits[0] < waits[1]


def test_a_sharp_fall_is_seen_at_the_visit_that_shows_it_and_once() -> None:
    """Every other day for 50 days, then twice in a fortnight."""
    playbook = playbook_with({**VISITS, "chance": 0.02, "least_days": 10})
    days = [*range(0, 46, 2), 51, 58, 59]
    _, triggers = run([visit(day) for day in days], playbook)
    falls = [found for found in triggers if "active_days_lately" in found.why]
    assert len(falls) == 1
    assert falls[0].why["active_days_lately"] < 4
    assert falls[0].why["chance"] < 0.02


def test_cancelling_fires_at_once_and_puts_everything_at_stake() -> None:
    cancel = event(
        "c", name="Subscription Cancel Requested", user_id="u1", occurred_at=BEGIN + 31 * DAY,
        properties={"plan": "gold"},
    )  # fmt: skip
    _, triggers = run([order(0), order(30), cancel], playbook_with(LEAVING))
    (risk,) = triggers
    assert (risk.type, risk.topic, risk.stage) == ("churn.risk", "subscription/gold", "cancelling")
    assert risk.occurred_at == cancel.occurred_at
    assert risk.why["value_at_stake"] == risk.why["residual_value_if_kept"] > 0


def test_value_at_stake_ranks_the_one_who_spends_more_first() -> None:
    spend = {"EUR": GammaGamma(6.25, 3.74, 15.44)}
    by = models(ChurnModels(value=ValueModel(spend)))
    stakes = []
    for total in (20.0, 400.0):
        _, triggers = run(
            [order(0, total), order(20, total), visit(700)], playbook_with(PURCHASES), by
        )
        (risk,) = triggers
        stakes.append(risk.why["value_at_stake"])
        assert risk.why["p_alive"] <= 0.4
        assert risk.why["currency"] == "EUR"
        kept = risk.why["residual_value_if_kept"]
        assert risk.why["value_at_stake"] == pytest.approx(
            (1 - risk.why["p_alive"]) * kept, abs=0.01 + kept * 1e-4
        )
    assert stakes[1] > 4 * stakes[0] > 0


def test_the_tier_is_said_once_enough_customers_are_known() -> None:
    learned = Learned()
    for _ in range(150):
        learned.count(KIND, f"EUR|{spend_bin(1_000)}", 1, {})
    _, triggers = run(
        [order(0), order(20), visit(700)], playbook_with(PURCHASES), models(None, learned)
    )
    assert triggers[0].why["tier"] == "top"
    _, triggers = run([order(0), order(20), visit(700)], playbook_with(PURCHASES))
    assert "tier" not in triggers[0].why


def test_only_orders_move_a_customer_between_bins() -> None:
    profile: Profile | None = None
    counted: list[list[Count]] = []
    for happened in (visit(0), order(1, 50), order(2, 50), visit(3)):
        outcome = fold(profile, "u1", happened, playbook_with(VISITS), models())
        assert isinstance(outcome, Folded)
        profile = outcome.profile
        counted.append([found for found in outcome.effects if isinstance(found, Count)])
    first, second = f"EUR|{spend_bin(5_000)}", f"EUR|{spend_bin(10_000)}"
    assert counted == [
        [],
        [Count(KIND, first, 1)],
        [Count(KIND, first, -1), Count(KIND, second)],
        [],
    ]


def test_a_visitor_who_turns_out_to_be_a_customer_is_counted_once() -> None:
    """Out of the visitor's counts, into the customer's, on whichever partitions they are."""
    playbook, by = playbook_with(VISITS), models()
    bought = event(
        "o", name="Order Completed", anonymous_id="a1", occurred_at=BEGIN,
        properties={"total": 30, "currency": "EUR"},
    )  # fmt: skip
    visitor = fold(None, "a1", bought, playbook, by)
    assert isinstance(visitor, Folded)
    link = event("l", "link", key="a1", properties={"to": "u1"})
    left = fold(visitor.profile, "a1", link, playbook, by)
    assert isinstance(left, Folded)
    merge = next(found.event for found in left.effects if hasattr(found, "event"))
    taken = fold(None, "u1", merge, playbook, by)
    assert isinstance(taken, Folded)
    total: dict[str, int] = {}
    for found in (*visitor.effects, *left.effects, *taken.effects):
        if isinstance(found, Count) and found.kind == KIND:
            total[found.field] = total.get(found.field, 0) + found.by
    assert {field: count for field, count in total.items() if count} == {
        f"EUR|{spend_bin(3_000)}": 1
    }


@pytest.mark.parametrize(
    ("rule", "history"),
    [(PURCHASES, [order(0), order(10)]), (VISITS, [visit(day) for day in range(12)])],
)
def test_a_visit_merged_later_says_no_risk_again_that_was_said(
    rule: dict[str, Any], history: list[Event]
) -> None:
    """The customer whose silence was too long logs in elsewhere and does nothing new."""
    playbook, by = playbook_with(rule), models()
    letter = event("s", "group", user_id="u1", occurred_at=BEGIN + 400 * DAY, direction="outbound")
    profile, triggers = run([*history, letter], playbook, by)
    assert [found.decision for found in triggers] == ["fire"]
    assert profile.decisions.deadlines == {}

    def merged(*visits: Event) -> Profile:
        visitor: Profile | None = None
        link = event("l", "link", key="a9", properties={"to": "u1"})
        for happened in (*visits, link):
            outcome = fold(visitor, "a9", happened, playbook, by)
            assert isinstance(outcome, Folded)
            visitor = outcome.profile
        merge = next(found.event for found in outcome.effects if isinstance(found, Send))
        taken = fold(profile, "u1", merge, playbook, by)
        assert isinstance(taken, Folded)
        return taken.profile

    assert merged().decisions.deadlines == {}
    known = event("k", "group", anonymous_id="a9", occurred_at=BEGIN + DAY)
    assert merged(known).decisions.deadlines == {}
    bought = msgspec.structs.replace(order(20), user_id=None, anonymous_id="a9")
    assert rule["name"] in merged(bought).decisions.deadlines


def test_days_made_up_in_a_merge_are_refused() -> None:
    """A profile that comes as a message is looked at before it is taken in."""
    from base64 import b64encode

    from msgspec.structs import replace

    from schemas.effect import Dead

    profile, _ = run([order(0)], playbook_with(VISITS))
    broken = replace(profile, key="a1", lifecycle=replace(profile.lifecycle, purchase_days=b"\2"))
    state = b64encode(encode_profile(broken)).decode()
    merge = event("m", "merge", key="u1", properties={"from": "a1", "state": state})
    assert isinstance(fold(None, "u1", merge, playbook_with(VISITS), models()), Dead)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({**VISITS, "chance": 1.5}, "between 0 and 1"),
        ({**VISITS, "least_days": 0}, "1 or more"),
        ({**PURCHASES, "topic": "product/*"}, "together with `stages`"),
        ({**LEAVING, "stages": ["cancelled-ish"]}, "is not a stage"),
        ({"name": "x", "when": "silence", "after": "9d", "by": "visits"}, "means nothing"),
    ],
)
def test_a_rule_that_makes_no_sense_says_why(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(RuleErrors) as refused:
        playbook_with(rule)
    assert said in str(refused.value)
