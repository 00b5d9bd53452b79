"""ClickHouse's HTTP interface: ``/ping`` and statements at ``/``."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .access import Account
from .backend import Backend
from .blocks import Columns, for_revision
from .column_layout import UnsupportedTypeError
from .failure import (
    ACCESS_DENIED,
    AUTHENTICATION_FAILED,
    INVALID_SESSION_TIMEOUT,
    NOT_IMPLEMENTED,
    READONLY,
    SESSION_NOT_FOUND,
    TOO_MANY_BYTES,
    ClickHouseError,
    failure,
)
from .http_answers import AnswerHeaders
from .http_coding import Packer, answer_packer, packed, receive
from .http_sessions import HttpSessions, Lease
from .http_statement import (
    DEFAULT_FORMAT,
    Statement,
    account_of,
    check_origin,
    revision_of,
    settings_of,
    statement_of,
    values_of,
)
from .session import Results, Session
from .session_settings import Setting
from .statement import SELECTING, first_word

# Formats whose documents can be put one after the other; others are made in one piece.
_STREAMED: Final = frozenset(
    {
        "TabSeparated",
        "TSV",
        "TabSeparatedRaw",
        "TSVRaw",
        "CSV",
        "JSONEachRow",
        "JSONLines",
        "NDJSON",
        "JSONCompactEachRow",
        "JSONStringsEachRow",
        "LineAsString",
        "RowBinary",
        "Native",
    }
)
# Words of statements that change nothing, not even the session's settings.
_READING: Final = frozenset({"SELECT", "SHOW", "DESCRIBE", "DESC", "EXISTS"})
_CONTENT_TYPES: Final = {
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "Native": "application/octet-stream",
    "Parquet": "application/octet-stream",
    "RowBinary": "application/octet-stream",
}
_TSV: Final = "text/tab-separated-values; charset=UTF-8"
_STATUS: Final = {
    AUTHENTICATION_FAILED: 403,
    READONLY: 403,
    ACCESS_DENIED: 403,
    TOO_MANY_BYTES: 413,
    # Not there: table, database, function, column's name.
    60: 404,
    81: 404,
    46: 404,
    47: 404,
    16: 404,
    # Not understood: syntax, parsing of values, unknown setting or format, parameters.
    62: 400,
    26: 400,
    27: 400,
    36: 400,
    38: 400,
    41: 400,
    72: 400,
    73: 400,
    115: 400,
    456: 400,
    457: 400,
    SESSION_NOT_FOUND: 404,
    INVALID_SESSION_TIMEOUT: 400,
    48: 501,
}

log = structlog.get_logger(__name__)


def http_application(backend: Backend, sessions: HttpSessions) -> Starlette:
    """The ASGI application over one engine."""

    async def root(request: Request) -> Response:
        try:
            if request.method == "GET" and not request.query_params.get("query"):
                check_origin(request)
                return PlainTextResponse("Ok.\n")
            check_origin(request)
            account = backend.access.check(*account_of(request))
            return await _respond(backend, sessions, request, account)
        except ClickHouseError as error:
            return _error(error)

    async def ping(request: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    return Starlette(
        routes=[Route("/ping", ping), Route("/", root, methods=["GET", "POST", "HEAD"])]
    )


async def _respond(
    backend: Backend, sessions: HttpSessions, request: Request, account: Account
) -> Response:
    engine = backend.engine
    started = time.perf_counter_ns()
    query, headers = request.query_params, request.headers
    packer, encoding = answer_packer(query, headers)
    about = AnswerHeaders(query.get("query_id", ""), engine.timezone, encoding, started)
    with backend.spool() as body:
        await receive(request.stream(), body, query, headers)
        body.check()
        statement = statement_of(request, body)
        lease = await sessions.take(query, account)
        session, keeps_session, whole = lease.session, False, False
        try:
            settings = settings_of(request)
            if request.method != "POST":
                _only_read(statement, settings, lease)
            await engine.run(partial(_prepare, session, request, settings))
            if statement.insert is not None:
                rows = itertools.chain(
                    [statement.insert.inline.encode()] if statement.insert.inline else [],
                    body.pieces(statement.body_start),
                )
                head, data_format = statement.insert.head, statement.output_format
                written = await engine.run(partial(session.insert, head, data_format, rows))
                whole = True
                return Response(headers=about.of(_TSV, DEFAULT_FORMAT, written=written))
            kind, name = _content_type(statement), statement.output_format
            waits = query.get("wait_end_of_query") in ("1", "true")
            values = values_of(request)
            revision = revision_of(request) if name == "Native" else 0
            shaped = await engine.run(partial(_shape, session, statement.sql, values, revision))
            is_streamed = name in _STREAMED and first_word(statement.sql) in SELECTING
            if is_streamed and not waits:
                results = session.stream(statement.sql, name, values)
                first = await engine.run(partial(_pull, results, shaped)) or shaped(b"")
                keeps_session = True
                pull = partial(_pull, results, shaped)
                stream = _stream(backend, first, pull, partial(sessions.give_back, lease))
                return StreamingResponse(_packed(stream, packer), headers=about.of(kind, name))
            answer = await engine.run(partial(session.answer, statement.sql, name, values))
            data = packed(packer, shaped(answer.data))
            whole = True
            return Response(data, headers=about.of(kind, name, read=answer))
        except ClickHouseError:
            whole = True  # the session stays usable; after a cancellation it may still be at work
            raise
        finally:
            if not keeps_session:
                await sessions.give_back(lease, whole=whole)


def _only_read(statement: Statement, settings: dict[str, Setting], lease: Lease) -> None:
    """What is not a POST changes nothing. A setting cannot say so in a session that goes on: it
    could not be taken back."""
    if lease.name is None:
        settings["readonly"] = Setting("2", important=True)
    elif statement.insert is not None or first_word(statement.sql) not in _READING:
        text = "a request of a session that is not a POST only reads"
        raise failure(READONLY, "READONLY", text)


def _shape(
    session: Session, sql: str, values: Mapping[str, str], revision: int
) -> Callable[[bytes], bytes]:
    """What turns the engine's blocks into those of a client's protocol revision."""
    if not revision:
        return bytes
    try:
        columns = session.columns_of_query(sql, values)
    except ClickHouseError:
        columns = ()  # a statement that can be run but not described
    return partial(_for_revision, columns, revision)


def _for_revision(columns: Columns, revision: int, data: bytes) -> bytes:
    try:
        return for_revision(data, columns, revision)
    except UnsupportedTypeError as error:
        text = f"Columns of type {error} cannot be sent to this client"
        raise failure(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", text) from None


def _pull(results: Results, shaped: Callable[[bytes], bytes]) -> bytes | None:
    chunk = results.pull()
    return None if chunk is None else shaped(chunk.data)


def _prepare(session: Session, request: Request, settings: dict[str, Setting]) -> None:
    database = request.query_params.get("database") or request.headers.get("x-clickhouse-database")
    session.use(database or "")
    session.prepare(settings)


async def _stream(
    backend: Backend,
    first: bytes,
    pull: Callable[[], bytes | None],
    give_back: Callable[..., Awaitable[None]],
) -> AsyncIterator[bytes]:
    """Give the result piece by piece; a late error is written into it and breaks the response."""
    whole = False
    try:
        piece: bytes | None = first
        while piece is not None:
            yield piece
            piece = await backend.engine.run(pull)
        whole = True
    except ClickHouseError as error:
        log.warning("query failed after its answer began", code=error.code)
        yield f"\n{error}\n".encode()
        raise
    finally:
        await give_back(whole=whole)


async def _packed(stream: AsyncIterator[bytes], packer: Packer | None) -> AsyncIterator[bytes]:
    async for piece in stream:
        yield piece if packer is None else packer.pack(piece)
    if packer is not None:
        yield packer.finish()


def _content_type(statement: Statement) -> str:
    name = statement.output_format
    text = "text/plain; charset=UTF-8"
    return _CONTENT_TYPES.get(name, _TSV if name.startswith(("TSV", "TabSep")) else text)


def _error(error: ClickHouseError) -> Response:
    return PlainTextResponse(
        f"{error}\n",
        status_code=_STATUS.get(error.code, 500),
        headers={"X-ClickHouse-Exception-Code": str(error.code)},
    )
