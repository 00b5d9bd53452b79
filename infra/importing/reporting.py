"""Progress of an import: a bar on a terminal, JSON lines for machines."""

import json
import sys
from time import monotonic
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from infra.importing.importing import Progress

_EVERY_S = 1.0


class Report:
    """Reports progress. `as_json`: one object a second on standard output."""

    def __init__(self, name: str, as_json: bool) -> None:
        self._json = as_json
        self._bar = Bar(
            TextColumn(name, markup=False),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[said]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=as_json or not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task(name, total=None, said="")
        self._begun = self._said = monotonic()
        self._first: Progress | None = None
        self._waiting: str | None = None

    def __enter__(self) -> "Report":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def tell(self, progress: Progress) -> None:
        """Reports the progress."""
        if self._first is None:
            self._first = progress
        self._waiting = None
        rate = self._rate(progress)
        said = f"{progress.checkpoint.line - 1:,} lines, {rate:,.0f}/s"
        if progress.checkpoint.rejected:
            said += f", {progress.checkpoint.rejected:,} rejected"
        self._bar.update(self._task, total=progress.size, completed=progress.position, said=said)
        now = monotonic()
        if self._json and now - self._said >= _EVERY_S:
            self._said = now
            self._print(self._figures(progress))

    def waiting(self, why: str, seconds: float) -> None:
        """Reports that it waits for the API."""
        if self._json:
            self._print({"waiting": why, "seconds": round(seconds, 1)})
        elif self._waiting != why:
            self._bar.update(self._task, said=f"waiting: {why}")
            if self._bar.disable:
                sys.stderr.write(f"daehwa: waiting: {why}\n")
        self._waiting = why

    def done(self, progress: Progress) -> None:
        """The last JSON line."""
        if self._json:
            self._print({**self._figures(progress), "done": True})

    def _rate(self, progress: Progress) -> float:
        first = self._first or progress
        elapsed = max(monotonic() - self._begun, 0.001)
        return (progress.checkpoint.line - first.checkpoint.line) / elapsed

    def _figures(self, progress: Progress) -> dict[str, Any]:
        checkpoint = progress.checkpoint
        return {
            "lines": checkpoint.line - 1,
            "events": checkpoint.events,
            "skipped": checkpoint.skipped,
            "rejected": checkpoint.rejected,
            "bytes": progress.position,
            "of_bytes": progress.size,
            "lines_per_s": round(self._rate(progress), 1),
        }

    def _print(self, figures: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
        sys.stdout.flush()
