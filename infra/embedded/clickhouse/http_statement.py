"""What an HTTP request asks for: the statement, its data, its settings, its account."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from .failure import ACCESS_DENIED, TOO_MANY_BYTES, failure
from .session_settings import Setting
from .spool import Spool
from .statement import Insert, insert_of, without_format

DEFAULT_FORMAT: Final = "TabSeparated"
MAX_HEAD_BYTES: Final = 1 << 18
MAX_QUERY_BYTES: Final = 16 << 20

_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names under which this server is asked."""

# Parameters that are about the request; every other one is a setting, or a value (param_…).
_NOT_SETTINGS: Final = frozenset(
    {
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "query_id",
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "quota_key",
        "role",
        "stacktrace",
        "compress",
        "decompress",
        "enable_http_compression",
        "wait_end_of_query",
        "buffer_size",
        "client_protocol_version",
    }
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, and for an INSERT with data where in the body its rows begin (bytes)."""

    sql: str
    insert: Insert | None
    body_start: int
    output_format: str


def check_origin(request: Request) -> None:
    """Raises 497 ACCESS_DENIED for a request that a web page of another origin has made, or that
    was addressed to another host (a name that somebody points at this machine)."""
    headers = request.headers
    host = headers.get("host", "")
    if _host_name(host) not in _HOSTS:
        raise failure(ACCESS_DENIED, "ACCESS_DENIED", f"this server is not {host[:100]!r}")
    origin = headers.get("origin")
    foreign = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    if foreign or (origin is not None and origin.partition("://")[2] != host):
        raise failure(ACCESS_DENIED, "ACCESS_DENIED", "a page of another origin asks nothing here")


def _host_name(host: str) -> str:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return name.strip("[]").lower()


def account_of(request: Request) -> tuple[str, str]:
    """User and password: headers before Basic before parameters, ``default`` without any."""
    headers, query = request.headers, request.query_params
    if "x-clickhouse-user" in headers:
        return headers["x-clickhouse-user"], headers.get("x-clickhouse-key", "")
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user, password = "", ""
        return user, password
    return query.get("user", "default"), query.get("password", "")


def settings_of(request: Request) -> dict[str, Setting]:
    """The parameters that are settings; an unknown one is an error, as on a ClickHouse server."""
    return {
        name: Setting(value, important=True)
        for name, value in request.query_params.items()
        if name not in _NOT_SETTINGS and not name.startswith("param_")
    }


def revision_of(request: Request) -> int:
    """The protocol revision whose native blocks the client reads; 0 for the oldest."""
    given = request.query_params.get("client_protocol_version", "")
    return int(given) if given.isdecimal() and len(given) < 10 else 0


def values_of(request: Request) -> Mapping[str, str]:
    """The values for ``{name:Type}`` in the statement."""
    return {
        name.removeprefix("param_"): value
        for name, value in request.query_params.items()
        if name.startswith("param_")
    }


def statement_of(request: Request, body: Spool) -> Statement:
    """Put the statement together from the ``query`` parameter and the body.

    With a parameter the body is an INSERT's data or, for other statements, the text's end; without
    one the body begins with the statement. Raises 307 TOO_MANY_BYTES for a text above 16 MiB.
    """
    given = request.query_params.get("query", "")
    chosen = request.query_params.get("default_format") or request.headers.get(
        "x-clickhouse-format"
    )
    insert = insert_of(given) if given else None
    if insert is not None:
        return Statement(given, insert, 0, insert.data_format or chosen or DEFAULT_FORMAT)
    if not given:
        # One character a byte, so that a place in the text is a place in the body.
        head = body.head(MAX_HEAD_BYTES).decode("latin-1")
        insert = insert_of(head)
        if insert is not None:
            return _insert_in_body(insert, head, chosen)
    if body.size > MAX_QUERY_BYTES:
        raise failure(TOO_MANY_BYTES, "TOO_MANY_BYTES", "A statement of more than 16 MiB.")
    rest = body.head(body.size).decode(errors="replace")
    sql, named = without_format(f"{given}\n{rest}" if given and rest else given or rest)
    return Statement(sql, None, 0, named or chosen or DEFAULT_FORMAT)


def _insert_in_body(insert: Insert, head: str, chosen: str | None) -> Statement:
    data_format = insert.data_format or chosen or DEFAULT_FORMAT
    start = len(head) - len(insert.inline) if insert.inline else MAX_HEAD_BYTES
    real = Insert(
        head=_real(insert.head),
        target=_real(insert.target),
        columns=_real(insert.columns),
        data_format=data_format,
        inline="",
    )
    return Statement(_real(head[:start]), real, start, data_format)


def _real(text: str) -> str:
    return text.encode("latin-1").decode(errors="replace")
