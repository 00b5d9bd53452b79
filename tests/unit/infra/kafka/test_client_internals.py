"""Canaries: an upgrade of aiokafka or Faust that moves what Daehwa reaches into fails here
first."""

import inspect
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.producer.message_accumulator import MessageAccumulator
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from infra.kafka import client_internals


@pytest.fixture
async def producer() -> Any:
    return AIOKafkaProducer(bootstrap_servers="127.0.0.1:1", enable_idempotence=True)


@pytest.fixture
async def consumer() -> Any:
    return AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")


async def test_a_batch_of_a_producer_can_be_kept(producer: Any) -> None:
    assert producer._message_accumulator._batch_ttl > 0
    client_internals.never_expire_batches(producer)
    assert producer._message_accumulator._batch_ttl == -1.0
    assert "_batch_ttl" in inspect.getsource(MessageAccumulator)


async def test_a_closed_connection_of_a_producer_can_be_heard_of(producer: Any) -> None:
    assert callable(producer.client._on_connection_closed)
    assert "_on_connection_closed" in inspect.getsource(type(producer.client))
    client_internals.on_connection_closed(producer, lambda *_: None)


async def test_a_producer_can_be_kept_from_sending(producer: Any) -> None:
    assert inspect.iscoroutinefunction(producer.client._get_conn)
    assert producer._sender._txn_manager is not None
    client_internals.stop_sending(producer)
    assert producer._sender._txn_manager is None
    assert await producer.client._get_conn(0) is None


async def test_a_consumer_s_waits_can_be_set(consumer: Any) -> None:
    assert isinstance(consumer._fetch_max_wait_ms, int)
    assert isinstance(consumer._request_timeout_ms, int)
    assert isinstance(consumer._client._request_timeout_ms, int)
    client_internals.set_fetch_wait(consumer, 8)
    client_internals.set_request_timeout(consumer, 90)
    assert (consumer._fetch_max_wait_ms, consumer._client._request_timeout_ms) == (8, 90)
    for name in ("_fetch_max_wait_ms", "_request_timeout_ms"):
        assert name in inspect.getsource(AIOKafkaConsumer), "read when the consumer starts"
    assert inspect.iscoroutinefunction(consumer._client.close)


def test_a_running_consumer_s_wait_can_be_set() -> None:
    assert "self._fetch_max_wait_ms," in inspect.getsource(Fetcher), "read for every fetch"
    assert "_fetcher" in inspect.getsource(AIOKafkaConsumer)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (AIOKafkaConsumerThread, "_create_worker_consumer"),
        (AIOKafkaConsumerThread, "_fetch_records"),
        (Consumer, "_new_consumer_thread"),
        (Consumer, "_seek"),
        (Consumer, "seek_to_committed"),
        (Consumer, "assignment"),
        (Transport, "Consumer"),
        (faust.App, "_new_transport"),
        (faust.App, "crash"),
    ],
)
def test_what_the_faust_app_overrides_is_there(owner: type, name: str) -> None:
    """`agents/faust_app.py` overrides or calls each."""
    assert hasattr(owner, name)
