"""Compares views with their oracles."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from clickhouse_driver import Client

from tests.contract.view_oracles import (
    churn,
    consent_and_sources,
    contact_centre,
    customers,
    dialogues,
    exposures,
    revenue,
    triggers,
)
from tests.contract.view_oracles.reading import Reading, Rows

Oracle = Callable[[Reading], Rows]

ORACLES: dict[str, Oracle] = {
    oracle.__name__: oracle
    for module in (dialogues, customers, exposures, revenue, churn, contact_centre, triggers,
                   consent_and_sources)
    for oracle in module.VIEWS
}  # fmt: skip

NOW_COLUMNS = {"complaints": {8}}
"""Columns that grow while a test runs."""

LEFT_OUT = {"data_quality": {5}}
"""Columns with any examples."""


def rows_of(client: Client, view: str) -> Rows:
    """The rows of a view, without what may be any."""
    left_out = LEFT_OUT.get(view, set())
    return [
        tuple(value for place, value in enumerate(row) if place not in left_out)
        for row in client.execute(f"SELECT * FROM daehwa.{view}")
    ]


def assert_equal(view: str, found: Rows, expected: Rows) -> None:
    """The same rows in any order; floats to a millionth."""
    found, expected = _ordered(found), _ordered(expected)
    assert len(found) == len(expected), f"{len(found)} rows, {len(expected)} expected"
    grown = NOW_COLUMNS.get(view, set())
    for row, wanted in zip(found, expected, strict=True):
        for place, (value, right) in enumerate(zip(row, wanted, strict=True)):
            if isinstance(value, float) and right is not None:
                close = 600 if place in grown else max(abs(right) * 1e-6, 1e-6)
                assert abs(value - right) <= close, (place, row, wanted)
            else:
                assert value == right, (place, row, wanted)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _ordered(rows: Rows) -> Rows:
    plain = [tuple(map(_plain, row)) for row in rows]
    exact = [
        (tuple(repr(value) for value in row if not isinstance(value, float)), row) for row in plain
    ]
    return [row for _, row in sorted(exact, key=lambda one: (one[0], repr(one[1])))]
