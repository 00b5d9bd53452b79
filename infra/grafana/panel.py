"""What a board is made of."""

from typing import Final, Literal

import msgspec

Kind = Literal["stat", "timeseries", "barchart", "table"]

DAYS: Final = "$__days"
"""Stands for the board's span of time in the query of a view by day."""


class Panel(msgspec.Struct, frozen=True):
    """One question, and how its answer is shown."""

    title: str
    about: str
    """What the numbers are, for whoever points at the title."""
    kind: Kind
    sql: str
    """Over documented views, with Grafana's macros and `DAYS`. A time series begins with the column
    `time`."""
    unit: str = "short"
    """As Grafana names it."""


class MetricPanel(msgspec.Struct, frozen=True):
    """One metric of the running processes over time."""

    title: str
    about: str
    expr: str
    """PromQL over the metrics of `infra/metrics.py`."""
    legend: str
    """Name of a line, with labels in double braces."""
    unit: str = "short"


class Board(msgspec.Struct, frozen=True):
    """Panels that are looked at together."""

    uid: str
    title: str
    panels: tuple[Panel | MetricPanel, ...]
    days: int = 90
    """What is shown first: so many days until now."""


VARIABLES: Final = {
    "source": ("Source", "SELECT DISTINCT source FROM daehwa.source_freshness ORDER BY source"),
    "channel": ("Channel", "SELECT DISTINCT channel FROM daehwa.channel_mix ORDER BY channel"),
    "topic": ("Topic", "SELECT DISTINCT topic FROM daehwa.stage_events ORDER BY topic"),
}
"""Name -> label and query. A board has those that its panels use."""
