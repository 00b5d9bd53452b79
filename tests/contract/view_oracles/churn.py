"""Churn: survival, alarms, relationship stages."""

from collections import defaultdict
from typing import Any

from schemas.trigger import Trigger
from tests.contract.view_oracles.exposures import is_exposure
from tests.contract.view_oracles.reading import Reading, Rows, day_of, moment
from tests.contract.view_oracles.revenue import money
from tests.harness.crm_history import DAY


def churn_survival(reading: Reading) -> Rows:
    last = max(order.placed_at for order in reading.counting)
    spells: list[tuple[int, bool]] = []
    for theirs in reading.purchases.values():
        times = [order.placed_at for order in theirs]
        for at, after in zip(times, [*times[1:], None], strict=True):
            spells.append((((after if after is not None else last) - at) // DAY, after is not None))
    rows, silent = [], 1.0
    for day in sorted({day for day, _ in spells}):
        watched = sum(other >= day for other, _ in spells)
        returned = sum(followed for other, followed in spells if other == day)
        silent *= 1 - returned / watched
        rows.append((day, watched, returned, silent))
    return rows


def churn_alarms(reading: Reading) -> Rows:
    rows = []
    for one in reading.history.triggers:
        if one.type != "churn.risk":
            continue
        whose = reading.customer(one.customer_id)
        times = [order.placed_at for order in reading.purchases.get(whose, ())]
        before = [at for at in times if at <= one.decided_at]
        after = [at for at in times if at > one.decided_at]
        rows.append((
            one.id, whose, one.rule, one.campaign or "", one.decision, one.suppressed_by or "",
            one.arm or "", moment(one.decided_at),
            (one.decided_at - before[-1]) / DAY if before else None,
            moment(after[0]) if after else None,
            (after[0] - one.decided_at) / DAY if after else None,
            one.why["p_alive"], one.why["value_at_stake"], one.why["currency"],
        ))  # fmt: skip
    return rows


def churn_effect(reading: Reading) -> Rows:
    first: dict[tuple[str, str], Trigger] = {}
    for one in reading.history.triggers:
        if one.type == "churn.risk" and is_exposure(one):
            key = (one.rule, reading.customer(one.customer_id))
            first[key] = min(
                first.get(key, one), one, key=lambda found: (found.decided_at, found.id)
            )
    sizes: dict[str, dict[str | None, int]] = defaultdict(lambda: defaultdict(int))
    back: dict[str, dict[str | None, int]] = defaultdict(lambda: defaultdict(int))
    spent: dict[tuple[str, str], dict[str | None, int]] = defaultdict(lambda: defaultdict(int))
    for (rule, whose), one in first.items():
        theirs = reading.bought_within(whose, one.decided_at, 90)
        sizes[rule][one.arm] += 1
        back[rule][one.arm] += bool(theirs)
        for order in theirs:
            spent[rule, order.currency][one.arm] += order.net
    rows: Rows = []
    for (rule, currency), sums in spent.items():
        treated, held = sizes[rule]["treated"], sizes[rule]["held_out"]
        saved = (sums["treated"] / treated - sums["held_out"] / held) * treated / 100
        rows.append((rule, currency, treated, held, back[rule]["treated"], back[rule]["held_out"],
                     money(sums["treated"]), money(sums["held_out"]), saved))  # fmt: skip
    return rows


def relationship_flow(reading: Reading) -> Rows:
    found: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for one in reading.history.triggers:
        if one.type == "lifecycle.changed":
            key = (day_of(one.occurred_at), one.why["from"], one.why["to"])
            found[key].append(reading.customer(one.customer_id))
    return [(*key, len(whose), len(set(whose))) for key, whose in found.items()]


VIEWS = (churn_survival, churn_alarms, churn_effect, relationship_flow)
