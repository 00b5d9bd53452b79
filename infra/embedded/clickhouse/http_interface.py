"""ClickHouse's HTTP interface: ``/ping`` and statements at ``/``."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .access import Account
from .backend import Backend
from .failure import (
    ACCESS_DENIED,
    AUTHENTICATION_FAILED,
    READONLY,
    TOO_MANY_BYTES,
    ClickHouseError,
)
from .http_statement import (
    Statement,
    account_of,
    check_origin,
    settings_of,
    statement_of,
    values_of,
)
from .session import Chunk, Results, Session
from .session_settings import Setting
from .spool import Spool
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
    48: 501,
}

log = structlog.get_logger(__name__)


def http_application(backend: Backend) -> Starlette:
    """The ASGI application over one engine."""

    async def root(request: Request) -> Response:
        try:
            if request.method == "GET" and not request.query_params.get("query"):
                check_origin(request)
                return PlainTextResponse("Ok.\n")
            check_origin(request)
            account = backend.access.check(*account_of(request))
            return await _respond(backend, request, account)
        except ClickHouseError as error:
            return _error(error)

    async def ping(request: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    return Starlette(
        routes=[Route("/ping", ping), Route("/", root, methods=["GET", "POST", "HEAD"])]
    )


async def _respond(backend: Backend, request: Request, account: Account) -> Response:
    engine = backend.engine
    with backend.spool() as body:
        await _receive(request, body)
        body.check()
        statement = statement_of(request, body)
        settings = settings_of(request)
        if request.method != "POST":
            settings["readonly"] = Setting("2", important=True)
        session = await engine.run(partial(engine.open_session, readonly=account.readonly))
        keeps_session = False
        try:
            await engine.run(partial(_prepare, session, request, settings))
            if statement.insert is not None:
                rows = itertools.chain(
                    [statement.insert.inline.encode()] if statement.insert.inline else [],
                    body.pieces(statement.body_start),
                )
                head, data_format = statement.insert.head, statement.output_format
                await engine.run(partial(session.insert, head, data_format, rows))
                return Response()
            if statement.output_format in _STREAMED and first_word(statement.sql) in SELECTING:
                results = session.stream(statement.sql, statement.output_format, values_of(request))
                first = await engine.run(results.pull)
                keeps_session = True
                return StreamingResponse(
                    _stream(backend, session, first, results), headers=_headers(statement)
                )
            output = await engine.run(
                partial(session.query, statement.sql, statement.output_format, values_of(request))
            )
            return Response(output, headers=_headers(statement))
        finally:
            if not keeps_session:
                await engine.close_session(session)


def _prepare(session: Session, request: Request, settings: dict[str, Setting]) -> None:
    database = request.query_params.get("database") or request.headers.get("x-clickhouse-database")
    session.use(database or "")
    session.prepare(settings)


async def _stream(
    backend: Backend, session: Session, first: Chunk | None, results: Results
) -> AsyncIterator[bytes]:
    """Give the result piece by piece; a late error is written into it and breaks the response."""
    try:
        chunk = first
        while chunk is not None:
            yield chunk.data
            chunk = await backend.engine.run(results.pull)
    except ClickHouseError as error:
        log.warning("query failed after its answer began", code=error.code)
        yield f"\n{error}\n".encode()
        raise
    finally:
        await backend.engine.close_session(session)


async def _receive(request: Request, body: Spool) -> None:
    """Spool the request's body, unpacked when it is gzip or deflate."""
    encoding = request.headers.get("content-encoding", "")
    unpack = zlib.decompressobj(wbits=47) if encoding in ("gzip", "deflate") else None
    async for piece in request.stream():
        body.write(unpack.decompress(piece) if unpack else piece)


def _headers(statement: Statement) -> dict[str, str]:
    name = statement.output_format
    text = "text/plain; charset=UTF-8"
    kind = _CONTENT_TYPES.get(name, _TSV if name.startswith(("TSV", "TabSep")) else text)
    return {"Content-Type": kind, "X-ClickHouse-Format": name}


def _error(error: ClickHouseError) -> Response:
    return PlainTextResponse(
        f"{error}\n",
        status_code=_STATUS.get(error.code, 500),
        headers={"X-ClickHouse-Exception-Code": str(error.code)},
    )
