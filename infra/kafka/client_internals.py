"""The private attributes of aiokafka that Daehwa sets because there is no setting; all are here.

`tests/unit/infra/kafka/test_client_internals.py` fails when an upgrade moves one of them: setting a
removed name would silently change nothing.
"""

from collections.abc import Callable
from typing import Any


def never_expire_batches(producer: Any) -> None:
    """A batch waits as long as its caller; by default aiokafka gives it up."""
    producer._message_accumulator._batch_ttl = -1.0


def on_connection_closed(producer: Any, callback: Callable[[Any, Any], None]) -> None:
    """Calls `callback(connection, reason)` when a connection of the producer is closed."""
    producer.client._on_connection_closed = callback


def stop_sending(producer: Any) -> None:
    """Stops the producer's sender. An idempotent one would retry its batches for ever."""
    producer.client._get_conn = _no_connection
    producer._sender._txn_manager = None


def set_fetch_wait(consumer: Any, milliseconds: int) -> None:
    """How long a broker may hold a fetch; Faust has 1.5 s and no setting."""
    consumer._fetch_max_wait_ms = milliseconds


def set_running_fetch_wait(consumer: Any, milliseconds: int) -> None:
    """The same for a running consumer, from its next fetch on."""
    consumer._fetcher._fetch_max_wait_ms = milliseconds


def set_request_timeout(consumer: Any, milliseconds: int) -> None:
    """Request time-out of the consumer and its client."""
    for part in (consumer, consumer._client):
        part._request_timeout_ms = milliseconds


async def close_connections(consumer: Any) -> None:
    """Closes the connections of a consumer whose `stop` was cancelled by its own fetcher."""
    await consumer._client.close()


async def _no_connection(*_: object, **__: object) -> None:
    return None
