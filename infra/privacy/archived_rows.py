"""The rows of erased customers in ClickHouse. A deleted row is in no answer; ClickHouse removes it
from disk when it merges the part."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from streams.archive.tables import (
    DEAD_LETTERS_TABLE,
    EVENTS_TABLE,
    FACT_TABLES,
    TRIGGERS_TABLE,
)
from streams.privacy.erasure import Erasure

Ask = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]
"""Executes a query. Raises ClickHouseUnavailable or ClickHouseRefused."""

_UNTIL = "fromUnixTimestamp64Milli(%(until)s, 'UTC')"

EVENTS_OF = "(profile_key IN %(ids)s OR addressed_to IN %(ids)s) AND type != 'erase'"
"""Events of these ids and their copies; `erase` events stay, so that they stay in force."""

FACTS_OF = "profile_key IN %(ids)s OR addressed_to IN %(ids)s"
"""What was taken from events of these ids."""

TRIGGERS_OF = "customer_id IN %(ids)s"

DEAD_LETTERS_OF = "multiSearchAny(payload, %(names)s) OR multiMatchAny(payload, %(numbers)s)"
"""Dead letters in whose JSON one of the ids stands as a text, or as a number."""

_NO_NUMBER = r":\s*0{40}\s*[,}]"
"""A pattern that no JSON contains: ClickHouse refuses one that can never match."""

_LINKS_TO = "type = 'link' AND arrayExists(name -> endsWith(message_id, name), %(links)s)"


def naming(ids: Iterable[str]) -> dict[str, Any]:
    """Parameters of the conditions above."""
    found = list(ids)
    numbers = [rf":\s*{name}\s*[,}}]" for name in found if name.isdecimal() and name.isascii()]
    return {
        "ids": tuple(found),
        "names": [msgspec.json.encode(name).decode() for name in found],
        "numbers": numbers or [_NO_NUMBER],
        "links": [f":{name}" for name in found],
    }


def erase_rows(ask: Ask, erasures: Iterable[Erasure]) -> None:
    """Deletes every row of these customers up to their erasure. May be repeated. Raises as `Ask`
    does."""
    by_time: dict[int, list[str]] = {}
    for erasure in erasures:
        by_time.setdefault(erasure.at, []).append(erasure.key)
    for until, ids in by_time.items():
        for table, which, at in (
            (EVENTS_TABLE, f"({EVENTS_OF} OR {_LINKS_TO})", "occurred_at"),
            (TRIGGERS_TABLE, TRIGGERS_OF, "decided_at"),
            (DEAD_LETTERS_TABLE, f"({DEAD_LETTERS_OF})", "at"),
            # After the events: facts are derived anew from events that are still there.
            *((facts, f"({FACTS_OF})", "occurred_at") for facts in FACT_TABLES),
        ):
            ask(
                f"DELETE FROM {table} WHERE {which} AND {at} <= {_UNTIL}",  # noqa: S608 - ours
                {**naming(ids), "until": until},
            )


def erased_ids(ask: Ask, since: int) -> list[Erasure]:
    """Every erasure since then (milliseconds). Raises as `Ask` does."""
    rows = ask(
        "SELECT addressed_to, toUnixTimestamp64Milli(max(occurred_at))"  # noqa: S608 - ours
        f" FROM {EVENTS_TABLE} WHERE type = 'erase' AND occurred_at >= "
        "fromUnixTimestamp64Milli(%(since)s, 'UTC') GROUP BY addressed_to",
        {"since": since},
    )
    return [Erasure(key, at) for key, at in rows]


def rows_left(ask: Ask, ids: Iterable[str], until: int) -> int:
    """Number of rows still to delete. Raises as `Ask` does."""
    left = 0
    for table, which, at in (
        (EVENTS_TABLE, EVENTS_OF, "occurred_at"),
        (TRIGGERS_TABLE, TRIGGERS_OF, "decided_at"),
        *((facts, f"({FACTS_OF})", "occurred_at") for facts in FACT_TABLES),
    ):
        ((found,),) = ask(
            f"SELECT count() FROM {table} WHERE {which} AND {at} <= {_UNTIL}",  # noqa: S608 - ours
            {**naming(ids), "until": until},
        )
        left += found
    return left
