"""First exposures of customers to campaigns."""

from collections import defaultdict
from dataclasses import dataclass

from schemas.trigger import Trigger
from tests.contract.view_oracles.reading import Reading, Rows, moment


@dataclass(frozen=True)
class Exposure:
    """Who was spoken to first, or held out, and when."""

    campaign: str
    arm: str
    customer: str
    first_at: int
    trigger: Trigger
    count: int
    crossed: bool


def is_exposure(trigger: Trigger) -> bool:
    if trigger.arm == "treated":
        return trigger.decision == "fire"
    return trigger.arm == "held_out" and trigger.suppressed_by == "holdout"


def exposures(reading: Reading) -> list[Exposure]:
    found: dict[tuple[str, str], list[Trigger]] = defaultdict(list)
    for trigger in reading.history.triggers:
        if trigger.campaign and is_exposure(trigger):
            found[trigger.campaign, reading.customer(trigger.customer_id)].append(trigger)
    made = []
    for (campaign, customer), triggers in found.items():
        first = min(triggers, key=lambda one: (one.decided_at, one.id))
        arms = {one.arm for one in triggers}
        made.append(Exposure(campaign, first.arm or "", customer, first.decided_at, first,
                             len(triggers), len(arms) > 1))  # fmt: skip
    return made


def campaign_exposures(reading: Reading) -> Rows:
    return [
        (one.campaign, one.arm, one.customer, moment(one.first_at), one.trigger.id,
         one.trigger.playbook, one.count, int(one.crossed))
        for one in exposures(reading)
    ]  # fmt: skip


VIEWS = (campaign_exposures,)
