"""The effect of each campaign: counts of the archive, statistics of `streams.campaigns.uplift`."""

from collections.abc import Mapping

import msgspec

from infra.campaigns.counting import NOBODY, ArmCounts, Counts, count_campaigns
from infra.clickhouse.connection import open_client
from infra.settings import Settings
from streams.campaigns.uplift import (
    MIN_RELATIVE,
    Estimate,
    Looks,
    Uplift,
    measure,
)
from streams.campaigns.uplift_in_words import uplift_in_words
from streams.playbook.parts import CompiledCampaign


class PerArm(msgspec.Struct, frozen=True):
    """Numbers of customers."""

    treated: int
    held_out: int


class CampaignEffect(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as the playbook defines it now, and its effect."""

    name: str
    conversion: str
    """Topic, `family/*` or `*`."""
    stages: tuple[str, ...]
    within_ms: int
    holdout: float
    pending: PerArm
    """Customers whose conversion window is open: in no other figure."""
    crossed: PerArm
    """Customers exposed in the other arm later; they count in the arm of their first exposure."""
    effect: Uplift
    spend: dict[str, Estimate]
    """Currency -> mean spend of treated minus held-out customers within the window."""
    in_words: str


class CampaignEffects(msgspec.Struct, frozen=True, kw_only=True):
    """Effects of all campaigns."""

    as_of: int
    """Milliseconds since 1970 up to which the archive is complete; 0 without exposures."""
    campaigns: tuple[CampaignEffect, ...]
    not_in_playbook: tuple[str, ...]
    """Campaigns with exposures that the playbook does not define any more."""


def measure_campaigns(
    settings: Settings,
    campaigns: Mapping[str, CompiledCampaign],
    *,
    now: int,
    since: int = 0,
    looks: Looks = "any",
    least_relative: float = MIN_RELATIVE,
) -> CampaignEffects:
    """The effect of each campaign on the customers first exposed at `since` or later (both in
    milliseconds since 1970). Blocks. Raises ClickHouseUnavailable or ClickHouseRefused."""
    client = open_client(settings)
    try:
        counts = count_campaigns(client, campaigns.values(), now=now, since=since)
    finally:
        client.disconnect()
    return CampaignEffects(
        as_of=counts.as_of,
        campaigns=tuple(
            campaign_effect(campaign, counts, looks, least_relative)
            for campaign in campaigns.values()
        ),
        not_in_playbook=tuple(sorted({name for name, _ in counts.arms} - set(campaigns))),
    )


def campaign_effect(
    campaign: CompiledCampaign, counts: Counts, looks: Looks, least_relative: float
) -> CampaignEffect:
    """The effect of one campaign by its counts."""
    treated = counts.arms.get((campaign.name, "treated"), NOBODY)
    held_out = counts.arms.get((campaign.name, "held_out"), NOBODY)
    effect = measure(treated.arm, held_out.arm, looks=looks, least_relative=least_relative)
    return CampaignEffect(
        name=campaign.name,
        conversion=campaign.topic,
        stages=campaign.stages,
        within_ms=campaign.within,
        holdout=campaign.holdout,
        pending=PerArm(treated.pending, held_out.pending),
        crossed=PerArm(treated.crossed, held_out.crossed),
        effect=effect,
        spend=_spend_differences(treated, held_out),
        in_words=uplift_in_words(effect),
    )


def _spend_differences(treated: ArmCounts, held_out: ArmCounts) -> dict[str, Estimate]:
    # scipy takes 0.7 s and 46 MB: an API that never measures spend does not load it.
    from streams.campaigns.spend_uplift import Spend, spend_difference  # noqa: PLC0415

    found = {}
    for currency in sorted({*treated.spent, *held_out.spent}):
        difference = spend_difference(
            Spend(treated.arm.customers, *treated.spent.get(currency, (0.0, 0.0))),
            Spend(held_out.arm.customers, *held_out.spent.get(currency, (0.0, 0.0))),
        )
        if difference is not None:
            found[currency] = difference
    return found
