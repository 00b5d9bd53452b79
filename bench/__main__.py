"""`make bench [BENCH=fold,latency]`: JSON lines, each a figure measured through the real parts."""

import os
import platform
import sys
from collections.abc import Callable, Iterator

import msgspec

from bench import (
    archive,
    archive_views,
    churn,
    collector,
    customer_view,
    flatness,
    fold,
    latency,
    lateness,
    offers,
    rules,
    scale,
    screen_pop,
    state,
    webhook,
)
from bench.figure import Figure
from infra.logs import quiet_clients

BENCHES: tuple[tuple[str, Callable[[], Iterator[Figure]]], ...] = (
    ("fold.throughput", fold.measure),
    ("fold.vs_faust_idiomatic", fold.measure),
    ("fold.vs_in_memory", fold.measure),
    ("fold.flatness", flatness.measure),
    ("scale.two_workers", scale.measure),
    ("latency.click_to_trigger", latency.measure),
    ("latency.click_to_webhook", webhook.measure),
    ("delivery.throughput", webhook.measure_throughput),
    ("deadline.lateness", lateness.measure),
    ("collector", collector.measure),
    ("screen_pop", screen_pop.measure),
    ("customer_view", customer_view.measure),
    ("archive.rows_per_s", archive.measure),
    ("archive.vs_bare_insert", archive.measure),
    ("archive.disk", archive.measure),
    ("archive.view", archive_views.measure),
    ("churn", churn.measure),
    ("fit.seconds", churn.measure),
    ("profile.bytes", state.measure_profiles),
    ("state", state.measure),
    ("offers", offers.measure),
    ("rules", rules.measure),
)
"""What figures' names begin with, and what measures them."""


def main() -> int:
    """Prints one JSON object a figure, at once when it is measured."""
    requested = [name for argument in sys.argv[1:] for name in argument.split(",") if name]
    chosen = dict.fromkeys(
        measure
        for name, measure in BENCHES
        if not requested
        or any(name.startswith(part) or part.startswith(name) for part in requested)
    )
    if not chosen:
        names = ", ".join(name for name, _ in BENCHES)
        sys.stderr.write(f"bench: no figure begins so; there are {names}\n")
        return 2
    quiet_clients()
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    for measure in chosen:
        for figure in measure():
            if requested and not any(figure.bench.startswith(part) for part in requested):
                continue
            line = {
                "bench": figure.bench,
                "value": figure.value,
                "unit": figure.unit,
                **figure.about,
                **machine,
            }
            print(msgspec.json.encode(line).decode(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
