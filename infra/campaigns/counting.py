"""Counts customers and conversions of campaigns: one query over the archive's views."""

from collections.abc import Iterable

import msgspec
from clickhouse_driver import Client

from infra.clickhouse.failures import translated
from streams.campaigns.uplift import Arm
from streams.playbook.parts import CompiledCampaign

_COUNTS = """
WITH
    (
        SELECT least(%(now)s, toUnixTimestamp64Milli(max(received_at))) FROM daehwa.events_stored
    ) AS as_of,
    definitions AS
    (
        SELECT
            definition.1 AS campaign,
            definition.2 AS topic,
            definition.3 AS beginning,
            definition.4 AS stages,
            toInt64(definition.5) AS within
        FROM (SELECT arrayJoin(%(definitions)s) AS definition)
    ),
    reached AS
    (
        SELECT
            customer_id,
            groupArray((toUnixTimestamp64Milli(occurred_at), topic, toString(stage))) AS steps
        FROM daehwa.stage_events
        WHERE stage IN %(stages)s AND occurred_at > fromUnixTimestamp64Milli(toInt64(%(since)s))
            -- A purchase that was cancelled is none.
            AND (order_key = '' OR (customer_id, order_key) NOT IN
                (SELECT customer_id, order_key FROM daehwa.orders WHERE status = 'cancelled'))
        GROUP BY customer_id
    ),
    bought AS
    (
        SELECT
            orders.customer_id AS buyer,
            groupArray((
                toUnixTimestamp64Milli(assumeNotNull(orders.placed_at)),
                toString(orders.currency),
                toFloat64(orders.net))) AS orders
        FROM daehwa.orders AS orders
        WHERE orders.counts AND orders.net_hundredths != 0
            AND orders.placed_at > fromUnixTimestamp64Milli(toInt64(%(since)s))
        GROUP BY buyer
    ),
    exposed AS
    (
        SELECT
            toString(exposures.campaign) AS campaign,
            exposures.arm AS arm,
            exposures.customer_id AS customer_id,
            exposures.crossed AS crossed,
            toUnixTimestamp64Milli(exposures.first_exposed_at) AS begins,
            begins + definitions.within AS ends,
            definitions.topic AS topic,
            definitions.beginning AS beginning,
            definitions.stages AS stages
        FROM daehwa.campaign_exposures AS exposures
        LEFT JOIN definitions ON definitions.campaign = toString(exposures.campaign)
        WHERE exposures.first_exposed_at >= fromUnixTimestamp64Milli(toInt64(%(since)s))
    ),
    outcomes AS
    (
        SELECT
            exposed.campaign AS campaign,
            exposed.arm AS arm,
            exposed.crossed AS crossed,
            -- What ends now can still be told of by an event that is received now.
            exposed.ends < as_of AS over,
            arrayExists(
                step -> step.1 > begins AND step.1 <= ends AND has(stages, step.3)
                    AND if(beginning, startsWith(step.2, topic), step.2 = topic),
                reached.steps) AS converted,
            arrayFilter(one -> one.1 > begins AND one.1 <= ends, bought.orders) AS orders,
            arrayReduce(
                'sumMap',
                arrayMap(one -> [one.2], orders),
                arrayMap(one -> [one.3], orders)) AS spent
        FROM exposed
        LEFT JOIN reached ON reached.customer_id = exposed.customer_id
        LEFT JOIN bought ON bought.buyer = exposed.customer_id
    )
SELECT
    campaign,
    arm,
    countIf(over),
    countIf(over AND converted),
    countIf(NOT over),
    countIf(crossed),
    sumMapIf(spent.1, spent.2, over),
    sumMapIf(spent.1, arrayMap(amount -> amount * amount, spent.2), over),
    any(as_of)
FROM outcomes
GROUP BY campaign, arm
ORDER BY campaign, arm
"""

ARMS = ("treated", "held_out")


class ArmCounts(msgspec.Struct, frozen=True):
    """One arm of a campaign."""

    arm: Arm
    """Customers whose conversion window is over."""
    pending: int
    """Customers whose window is open: neither converted nor not, whatever they did already."""
    crossed: int
    """Customers who were exposed in the other arm later."""
    spent: dict[str, tuple[float, float]]
    """Currency -> sum and sum of squares of each customer's spend in the window; only of closed
    windows."""


NOBODY = ArmCounts(Arm(0, 0), 0, 0, {})


class Counts(msgspec.Struct, frozen=True):
    """Campaign counts of the archive."""

    as_of: int
    """Milliseconds since 1970 up to which the archive is complete: its latest receipt, at most now.
    0 without exposures."""
    arms: dict[tuple[str, str], ArmCounts]
    """(campaign, arm) -> counts. Of a campaign that was not requested only the name is valid."""


def count_campaigns(
    client: Client, campaigns: Iterable[CompiledCampaign], *, now: int, since: int = 0
) -> Counts:
    """The customers first exposed at `since` (milliseconds since 1970) or later, by campaign and
    arm, and their conversions and orders after the exposure and within the campaign's time.

    Raises ClickHouseUnavailable or ClickHouseRefused.
    """
    definitions = [
        (
            campaign.name,
            campaign.topic if campaign.beginning is None else campaign.beginning,
            int(campaign.beginning is not None),
            list(campaign.stages),
            campaign.within,
        )
        for campaign in campaigns
    ]
    # No campaign has this name; an empty list would have no type.
    definitions.append(("|", "", 0, ["|"], 0))
    stages = tuple({stage for _, _, _, listed, _ in definitions for stage in listed})
    asked = {"definitions": definitions, "stages": stages, "since": since, "now": now}
    rows = translated(lambda: client.execute(_COUNTS, asked))
    return Counts(
        as_of=rows[0][-1] if rows else 0,
        arms={
            (campaign, arm): ArmCounts(
                Arm(customers, conversions), pending, crossed, _spent(sums, squares)
            )
            for campaign, arm, customers, conversions, pending, crossed, sums, squares, _ in rows
        },
    )


def _spent(
    sums: tuple[list[str], list[float]], squares: tuple[list[str], list[float]]
) -> dict[str, tuple[float, float]]:
    squared = dict(zip(*squares, strict=True))
    return {currency: (total, squared[currency]) for currency, total in zip(*sums, strict=True)}
