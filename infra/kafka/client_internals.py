"""The private attributes of aiokafka that Daehwa sets, each for want of a setting: nowhere else.

`tests/unit/infra/kafka/test_client_internals.py` fails when an upgrade moves one of them; a name
that is gone would be set in silence and change nothing.
"""

from collections.abc import Callable
from typing import Any


def never_expire_batches(producer: Any) -> None:
    """A batch waits for as long as its caller does; aiokafka would give it up by itself."""
    producer._message_accumulator._batch_ttl = -1.0


def on_connection_closed(producer: Any, callback: Callable[[Any, Any], None]) -> None:
    """Calls `callback(connection, reason)` when a connection of the producer is closed."""
    producer.client._on_connection_closed = callback


def stop_sending(producer: Any) -> None:
    """Nothing is sent over the producer any more. An idempotent sender would try what it holds for
    ever."""
    producer.client._get_conn = _no_connection
    producer._sender._txn_manager = None


def set_fetch_wait(consumer: Any, milliseconds: int) -> None:
    """How long a broker may wait for records; Faust has 1.5 s and offers no setting."""
    consumer._fetch_max_wait_ms = milliseconds


def set_running_fetch_wait(consumer: Any, milliseconds: int) -> None:
    """The same of a consumer that has started; its next fetch asks for it."""
    consumer._fetcher._fetch_max_wait_ms = milliseconds


def set_request_timeout(consumer: Any, milliseconds: int) -> None:
    """How long the broker may take to answer the consumer and its client."""
    for part in (consumer, consumer._client):
        part._request_timeout_ms = milliseconds


async def close_connections(consumer: Any) -> None:
    """Closes the connections of a consumer whose `stop` was cancelled by its own fetcher."""
    await consumer._client.close()


async def _no_connection(*_: object, **__: object) -> None:
    return None
