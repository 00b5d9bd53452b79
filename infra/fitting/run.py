"""The whole way from the archive to fitted models."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import msgspec
from clickhouse_driver import Client

from infra.clock import now_ms
from infra.fitting.purchases import archived_span, read_purchases
from schemas.playbook import Playbook
from streams.models.fitting.bg_nbd import UnfittableError
from streams.models.fitting.fit import Fit, TooThinError, fit_models

Tell = Callable[[str, int], None]
"""(step, number of rows read)."""


class NothingToFitError(Exception):
    """No or too little data; one sentence that says what there is."""


class Found(msgspec.Struct, frozen=True):
    """A fit and where it comes from."""

    fit: Fit
    until: date
    """The last day learned from."""
    seconds: float


def fit_archive(client: Client, playbook: Playbook, until: date | None, tell: Tell) -> Found:
    """Fits to the days up to `until` (None: all), reading once. Raises `NothingToFitError` and
    clickhouse-driver's errors."""
    begun = time.perf_counter()
    span = archived_span(client)
    if span is None:
        raise NothingToFitError("the archive is empty: there is nothing to fit a model to")
    last = min(until or span.last, span.last)
    cut = span.first + timedelta(days=max(0, (last - span.first).days // 2))
    observed = []
    for one in read_purchases(client, playbook, last, cut):
        observed.append(one)
        if len(observed) % 1000 == 0:
            tell("reading customers", len(observed))

    def step(name: str) -> None:
        tell(name, len(observed))

    at = min(
        now_ms(), int(datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp() * 1000)
    )
    try:
        fit = fit_models(observed, (last - cut).days / 7, (span.last - last).days / 7, at, step)
    except (TooThinError, UnfittableError) as problem:
        raise NothingToFitError(str(problem)) from None
    return Found(fit, last, time.perf_counter() - begun)
