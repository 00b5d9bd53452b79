"""What of a customer's events is in ClickHouse."""

from dataclasses import dataclass

from tests.harness.stack import RunningStack

SENT = "('identify', 'page', 'screen', 'group', 'track', 'alias')"


@dataclass(frozen=True)
class Stored:
    """Rows of the view `daehwa.events`."""

    rows: int
    message_ids: set[str]
    marks: list[int]
    """Of the events that bear one, in order; an alias has -1."""
    texts: set[str]


def stored(stack: RunningStack, customer: str) -> Stored:
    """What the archive holds of the customer, also under the name an alias gave."""
    rows = stack.sql(
        "SELECT message_id, if(type = 'alias', -1, JSONExtractInt(properties, 'mark')), "
        f"JSONExtractString(properties, 'text') FROM daehwa.events "
        f"WHERE startsWith(user_id, '{customer}') AND type IN {SENT} ORDER BY 2"
    )
    return Stored(
        rows=len(rows),
        message_ids={row[0] for row in rows},
        marks=[row[1] for row in rows],
        texts={row[2] for row in rows if row[2]},
    )
