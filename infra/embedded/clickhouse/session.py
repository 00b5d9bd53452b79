"""One client's connection to the engine: its own database, settings and temporary tables."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .blocks import Columns
from .failure import READONLY, ClickHouseError, from_engine
from .privileges import check_statement
from .session_settings import TAG_SETTING, SessionSettings, Setting, quoted
from .statement import Insert, first_word, without_format


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a result: its bytes in the asked format and how many rows are in it."""

    data: bytes
    rows: int
    read_rows: int
    read_bytes: int


@dataclass(frozen=True, slots=True)
class Written:
    """What an insert wrote."""

    rows: int = 0
    bytes: int = 0


class Results:
    """A running SELECT. Every piece is a whole document of its format: for ``Native`` a block."""

    def __init__(self, guarded: Callable[[Callable[[], Any]], Any], running: Any) -> None:
        self._guarded = guarded
        self._running = running

    def pull(self) -> Chunk | None:
        """Make and return the next piece; None after the last."""
        piece = self._guarded(self._running.fetch)
        if piece is None:
            return None
        return Chunk(
            bytes(piece.bytes()),
            piece.rows_read(),
            piece.storage_rows_read(),
            piece.storage_bytes_read(),
        )

    def close(self) -> None:
        """Stop the query if it still runs."""
        self._guarded(self._running.cancel)


class Session:
    """A connection to the engine. Every method blocks; one call at a time, from any thread.

    All of them raise `ClickHouseError` with the engine's own code. ``connect`` opens one more
    connection to the engine, ``tag`` marks this session's queries in ``system.processes``.
    """

    def __init__(self, connect: Callable[[], Any], tag: str, *, readonly: bool = False) -> None:
        self.readonly = readonly
        self._connect = connect
        self._connection = connect()
        # One call at a time is the caller's duty; the lock lets `close` come in between.
        self._lock = threading.Lock()
        self._results: Results | None = None
        self.tag = tag
        self.settings = SessionSettings(self._execute)
        # Asynchronous inserts group blocks of several clients, which breaks deduplication tokens.
        self.settings.remember(f"SET {TAG_SETTING} = {quoted(tag)}, async_insert = 0")
        self.settings.restore()

    def use(self, database: str) -> None:
        """Resolve unqualified table names in ``database``; 81 UNKNOWN_DATABASE without one."""
        if database:
            self._execute("USE `" + database.replace("\\", "\\\\").replace("`", "\\`") + "`")

    def prepare(self, requested: Mapping[str, Setting]) -> None:
        """Apply one query's settings in place of those of the query before."""
        if self.readonly:
            requested = {**requested, "readonly": Setting("2", important=True)}
        try:
            self.settings.apply(requested)
        except ClickHouseError as error:
            if error.code != READONLY:
                raise
            # The query before was made read-only by its own settings, which cannot be taken back.
            self._reopen()
            self.settings.apply(requested)

    def query(
        self, sql: str, output_format: str, parameters: Mapping[str, str] | None = None
    ) -> bytes:
        """Run a statement to its end and return its whole output (empty for most statements)."""
        return self.answer(sql, output_format, parameters).data

    def answer(
        self, sql: str, output_format: str, parameters: Mapping[str, str] | None = None
    ) -> Chunk:
        """As `query`, with what was read for it."""
        output = self._execute(sql, output_format, parameters)
        if first_word(sql) == "SET":
            self.settings.remember(sql)
        return Chunk(
            bytes(output.bytes()),
            output.rows_read(),
            output.storage_rows_read(),
            output.storage_bytes_read(),
        )

    def stream(
        self, sql: str, output_format: str, parameters: Mapping[str, str] | None = None
    ) -> Results:
        """Start a SELECT whose output is pulled in pieces as it is made."""
        check_statement(sql)
        self._results = Results(
            self._guarded,
            self._guarded(
                lambda: self._connection.send_query(
                    sql, output_format, params=dict(parameters or {})
                )
            ),
        )
        return self._results

    def insert(self, head: str, data_format: str, pieces: Iterable[bytes]) -> Written:
        """Run an INSERT over all ``pieces``; what the engine refuses is not inserted."""
        check_statement(head)
        inserter = self._guarded(lambda: self._connection.send_insert(head, data_format))
        finished = False
        try:
            for piece in pieces:
                self._guarded(partial(inserter.append, piece))
            result = self._guarded(inserter.finish)
            finished = True
            return Written(result.rows_written, result.bytes_written)
        finally:
            if not finished:
                self._guarded(inserter.cancel)

    def columns_of_query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Columns:
        """Names and types a SELECT answers with, from its analysis alone."""
        # Described as a subquery instead, its scalar subqueries would be executed.
        return self._described(f"view(\n{without_format(sql)[0]}\n)", parameters)

    def columns_of_answer(self, sql: str) -> Columns:
        """Names and types of a statement that is cheap to run again (SHOW, EXPLAIN, …)."""
        answer = json.loads(self.query(without_format(sql)[0], "JSONCompact"))
        return tuple((column["name"], column["type"]) for column in answer["meta"])

    def columns_to_insert(self, insert: Insert) -> Columns:
        """Names and types an INSERT expects, in the order it names them."""
        chosen = insert.columns.strip() or "*"
        try:
            # The client's own statement, with the rights it has anyway.
            return self._described(f"view(SELECT {chosen} FROM {insert.target})")  # noqa: S608
        except ClickHouseError:
            # The insert itself says what is wrong in the words a client expects.
            attempt = self._guarded(lambda: self._connection.send_insert(insert.head, "Native"))
            self._guarded(attempt.cancel)
            raise

    def close(self) -> None:
        """Drop the connection with its temporary tables."""
        if self._results is not None:
            self._results.close()
        with self._lock:
            self._connection.close()

    def _described(self, table: str, parameters: Mapping[str, str] | None = None) -> Columns:
        sql = f"DESCRIBE TABLE {table} SETTINGS print_pretty_type_names = 0, log_queries = 0"
        rows = json.loads(self.query(sql, "JSONCompact", parameters))["data"]
        return tuple((row[0], row[1]) for row in rows)

    def _execute(
        self, sql: str, output_format: str = "Null", parameters: Mapping[str, str] | None = None
    ) -> Any:
        check_statement(sql)
        return self._guarded(
            lambda: self._connection.query(sql, output_format, params=dict(parameters or {}))
        )

    def _reopen(self) -> None:
        database = self.query("SELECT currentDatabase()", "TSVRaw").decode().rstrip("\n")
        self._connection.close()
        self._connection = self._connect()
        self.settings.forget_passing()
        self.settings.restore()
        self.use(database)

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """Call the engine; what it raises (a RuntimeError, nothing narrower) becomes our error."""
        with self._lock:
            try:
                return call()
            except RuntimeError as error:
                raise from_engine(error) from None
