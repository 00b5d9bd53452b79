"""Connections to ClickHouse's native protocol."""

from urllib.parse import parse_qsl, unquote

from clickhouse_driver import Client

from infra.settings import Settings

NATIVE_PORT = 9000
NATIVE_TLS_PORT = 9440
CONNECT_SECONDS = 5
ANSWER_SECONDS = 60


def address(settings: Settings) -> tuple[str, int]:
    """Host and port of `settings.clickhouse_url`."""
    url = settings.clickhouse
    port = NATIVE_TLS_PORT if url.scheme == "clickhouses" else NATIVE_PORT
    return url.hostname or "127.0.0.1", url.port or port


def open_client(settings: Settings, *, answer_seconds: float = ANSWER_SECONDS) -> Client:
    """A client of `settings.clickhouse_url`; it connects with its first query.

    `clickhouses://` speaks TLS; `?verify=0` and `?ca_certs=PATH` say how. A client serves one
    thread at a time.
    """
    url = settings.clickhouse
    secure = url.scheme == "clickhouses"
    query = dict(parse_qsl(url.query))
    tls: dict[str, object] = {"verify": query.get("verify", "1") not in ("0", "false")}
    if "ca_certs" in query:
        tls["ca_certs"] = query["ca_certs"]
    host, port = address(settings)
    return Client(
        host=host,
        port=port,
        user=unquote(url.username or "default"),
        password=unquote(url.password or ""),
        database=url.path.strip("/") or "default",
        secure=secure,
        compression="lz4",
        connect_timeout=CONNECT_SECONDS,
        send_receive_timeout=answer_seconds,
        client_name="daehwa",
        # A block is never split: half of it could be stored.
        settings={"insert_block_size": 1_000_000},
        **(tls if secure else {}),
    )
