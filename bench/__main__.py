"""`make bench [BENCH=fold,latency]`: JSON lines, each a figure measured through the real parts."""

import os
import platform
import sys
from collections.abc import Callable, Iterator

import msgspec

from bench import archive, collector, fold, latency, state
from bench.figure import Figure
from infra.logs import quiet_clients

BENCHES: dict[str, Callable[[], Iterator[Figure]]] = {
    "fold": fold.measure,
    "latency": latency.measure,
    "collector": collector.measure,
    "archive": archive.measure,
    "state": state.measure,
}
"""What a figure's name begins with -> what measures it."""


def main() -> int:
    """Prints one JSON object a figure, at once when it is measured."""
    wanted = [name for argument in sys.argv[1:] for name in argument.split(",") if name]
    chosen = {
        name: measure
        for name, measure in BENCHES.items()
        if not wanted or any(name.startswith(part.split(".")[0]) for part in wanted)
    }
    if not chosen:
        sys.stderr.write(f"bench: no figure begins so; there are {', '.join(BENCHES)}\n")
        return 2
    quiet_clients()
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    for measure in chosen.values():
        for figure in measure():
            if wanted and not any(figure.bench.startswith(part) for part in wanted):
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
