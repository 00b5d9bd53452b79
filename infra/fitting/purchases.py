"""Purchase days of customers from the archive, aggregated by ClickHouse in one query."""

from collections.abc import Iterable, Iterator
from datetime import date

import msgspec
from clickhouse_driver import Client

from schemas.playbook import Playbook
from streams.models.fitting.observations import Observation

# A purchase is an order of the view, after refunds and without the cancelled ones. Rows archived
# before orders had a life, or under a playbook that did not know the event, are purchases where the
# playbook in force says so. Visitors count as the customer they turned out to be. A row is a kind
# of customer, and `customers` how many there are of it.
_QUERY = """
WITH
    each AS
    (
        SELECT
            customer_id AS customer,
            toDate(placed_at) AS day,
            currency,
            net_hundredths AS amount,
            -- A credit note is money back and no purchase.
            total_hundredths >= 0 AS bought
        FROM daehwa.orders
        WHERE counts
        UNION ALL
        SELECT
            ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer,
            toDate(happened.occurred_at) AS day,
            '' AS currency,
            toInt64(0) AS amount,
            1 AS bought
        FROM
        (
            SELECT profile_key, occurred_at
            FROM daehwa.events_stored FINAL
            WHERE copy = 0 AND order_step = ''
                AND ((type = 'track' AND name IN %(events)s)
                    OR (type = 'contact' AND (name IN %(contacts)s OR channel IN %(channels)s)))
        ) AS happened
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key
    ),
    orders AS
    (
        SELECT customer, day, currency, sum(amount) AS amount, max(bought) AS bought
        FROM each
        GROUP BY customer, day, currency
    ),
    customers AS
    (
        SELECT
            customer,
            arraySort(groupUniqArrayIf(day, bought = 1)) AS days,
            arrayFilter(d -> d <= %(until)s, days) AS known,
            arrayFilter(d -> d <= %(cut)s, days) AS early,
            uniqExact(currency) AS currencies,
            any(currency) AS paid_in,
            sumIf(amount, day <= %(until)s) AS spent,
            argMinIf(amount, day, bought = 1 AND day <= %(until)s) AS first_spent
        FROM orders
        GROUP BY customer
        HAVING notEmpty(known)
    )
SELECT
    length(known) - 1 AS x,
    toUInt32(known[-1] - known[1]) AS last_day,
    toUInt32(toDate(%(until)s) - known[1]) AS days_observed,
    length(early) AS early_days,
    toUInt32(if(empty(early), 0, early[-1] - early[1])) AS early_last_day,
    toUInt32(if(empty(early), 0, toDate(%(cut)s) - early[1])) AS early_days_observed,
    length(days) - length(known) AS later_days,
    if(currencies = 1 AND x > 0, paid_in, '') AS spent_in,
    -- Five digits are enough for a mean, and make few kinds of many customers.
    if(currencies = 1 AND x > 0 AND spent > first_spent,
        round((spent - first_spent) / 100 / x,
            toInt8(4 - floor(log10((spent - first_spent) / 100 / x)))), 0) AS mean_spend,
    count() AS customers
FROM customers
GROUP BY x, last_day, days_observed, early_days, early_last_day, early_days_observed, later_days,
    spent_in, mean_spend
"""

_GENTLE = {"readonly": 2, "max_bytes_before_external_group_by": 1 << 30}
"""Bytes in memory; beyond them ClickHouse aggregates on disk."""

_SPAN = """
SELECT toDate(min(occurred_at)), toDate(max(occurred_at)), count()
FROM daehwa.events_stored
WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt')
"""


class Span(msgspec.Struct, frozen=True):
    """The first and the last day (UTC) with an event in the archive."""

    first: date
    last: date


def archived_span(client: Client) -> Span | None:
    """The days covered by the archive; None for an empty one. Raises clickhouse-driver's errors."""
    ((first, last, events),) = client.execute(_SPAN)
    return Span(first, last) if events else None


def read_purchases(
    client: Client, playbook: Playbook, until: date, cut: date
) -> Iterator[Observation]:
    """The kinds of customers who bought by `until`, block by block, and how many of each there
    are. `cut` is an earlier day, as of which a second model is tried."""
    rules = [rule for rule in playbook.match if rule.order in (True, "placed")]
    contacts = [
        name for rule in rules if rule.contact is not None for name in (rule.contact, *rule.also)
    ]
    channels = [code.removeprefix("channel:") for code in contacts if code.startswith("channel:")]
    told = {
        "events": _texts(
            name for rule in rules if rule.event is not None for name in (rule.event, *rule.also)
        ),
        "contacts": _texts(contacts),
        "channels": _texts(channels),
        "until": until,
        "cut": cut,
    }
    for row in client.execute_iter(_QUERY, told, settings=_GENTLE):
        yield Observation(*row)


def _texts(found: Iterable[str | None]) -> tuple[str, ...]:
    # SQL has no empty list: a name that no event has stands for it.
    return (*sorted({text for text in found if text}), "\x01")
