"""Writes the answer of a query to standard output or to a file, in a format of `FORMATS`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from infra.cli.archive import PROBLEMS, archive_refusal
from infra.cli.formats import FORMATS
from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal
from infra.clickhouse.connection import open_client
from infra.settings import Settings

CHUNK_ROWS = 10_000


def check_format(name: str, output: Path | None) -> None:
    """Refuses a format that is unknown, or that no terminal can show."""
    if name not in FORMATS:
        raise Refusal(f"no format {name!r}; give one of {', '.join(FORMATS)}")
    if name == "parquet" and output is None and sys.stdout.isatty():
        raise Refusal("Parquet is no text; give a file with --output")


def write_answer(query: str, name: str, output: Path | None, settings: Settings) -> None:
    """Writes the answer of `query` in the format `name` as it arrives; every failure but a closed
    pipe is a refusal."""
    try:
        with output_stream(output) as stream:
            _copy(_answer(query, settings), name, stream)
    except BrokenPipeError:  # whoever reads has enough: `| head`
        raise
    except OSError as problem:  # ClickHouse's are refusals already: a disk that is full
        raise Refusal(f"cannot write the result: {problem.strerror or problem}") from None


@contextmanager
def output_stream(output: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or the file: it appears whole, or not at all."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    part = output.with_name(f"{output.name}.part")
    try:
        stream = part.open("wb")
    except OSError as problem:
        raise Refusal(f"cannot write {output}: {problem.strerror}") from None
    try:
        with stream:
            yield stream
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def _answer(query: str, settings: Settings) -> Iterator[list[Any]]:
    """The result in chunks, the columns before the first row. A failure of ClickHouse is a
    refusal."""
    client = open_client(settings)
    try:
        yield from client.execute_iter(
            query, with_column_types=True, chunk_size=CHUNK_ROWS, settings={"readonly": 2}
        )
    except PROBLEMS as problem:
        raise archive_refusal(problem, settings) from None
    finally:
        client.disconnect()


def _copy(chunks: Iterator[list[Any]], name: str, stream: BinaryIO) -> None:
    """Writes the result as it arrives."""
    columns, *rows = next(chunks, [()])  # a statement without a result has no columns
    writer = FORMATS[name](columns, stream)
    whole = False
    try:
        with _progress() as progress:
            task = progress.add_task("rows", total=None)
            for chunk in filter(None, chain([rows], chunks)):
                writer.write(chunk)
                progress.advance(task, len(chunk))
        whole = True
    finally:
        writer.finish(whole=whole)


def _progress() -> Progress:
    """The number of rows and the time, on a terminal only."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} {task.description}"),
        TimeElapsedColumn(),
        console=plain_console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
