"""The log writer and the envelopes against a real broker: what is acknowledged is on the log, and
what is not is said so."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from infra.kafka import envelopes
from infra.kafka.envelopes import EnvelopeWriter
from infra.kafka.log_writer import KafkaUnavailable, LogWriter
from streams.identity.partitioning import partition_of
from tests.harness.tansu import Broker, until

TOPIC = "events"
PARTITIONS = 3


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = Broker({TOPIC: PARTITIONS})
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
async def writer(broker: Broker) -> AsyncIterator[LogWriter]:
    writer = LogWriter(broker.settings())
    await writer.start()
    yield writer
    await writer.stop()


async def test_what_append_returned_for_is_on_the_log(broker: Broker, writer: LogWriter) -> None:
    await asyncio.gather(*(writer.append(TOPIC, 1, b"%d" % n, key=b"k") for n in range(200)))
    records = (await asyncio.to_thread(broker.records, TOPIC))[1]
    assert sorted(int(value) for _, value in records) == list(range(200))
    assert {key for key, _ in records} == {b"k"}


async def test_many_records_keep_their_order_over_several_kafka_batches(
    broker: Broker, writer: LogWriter
) -> None:
    values = [b"%06d" % n + b"x" * 50_000 for n in range(60)]
    await writer.append_many(TOPIC, 2, [(None, value) for value in values])
    assert [value for _, value in (await asyncio.to_thread(broker.records, TOPIC))[2]] == values


async def test_nothing_appended_is_no_request(writer: LogWriter) -> None:
    await writer.append_many(TOPIC, 0, [])


async def test_a_partition_that_is_not_there_is_refused(writer: LogWriter) -> None:
    with pytest.raises(KafkaUnavailable, match="no partition 7"):
        await writer.append(TOPIC, 7, b"x")


async def test_starts_without_kafka_and_connects_when_it_comes() -> None:
    broker = Broker({TOPIC: 1})
    writer = LogWriter(broker.settings())
    await writer.start()
    try:
        assert not writer.connected
        with pytest.raises(KafkaUnavailable):
            await writer.append(TOPIC, 0, b"x")
        await asyncio.to_thread(broker.start)
        await until(lambda: writer.connected, "connected")
        await writer.append(TOPIC, 0, b"y")
        assert (await asyncio.to_thread(broker.records, TOPIC))[0] == [(None, b"y")]
    finally:
        await writer.stop()
        broker.kill()


async def test_an_append_under_way_when_kafka_dies_fails_and_the_next_kafka_is_written_to(
    broker: Broker, writer: LogWriter
) -> None:
    await writer.append(TOPIC, 0, b"before")
    broker.pause()
    under_way = [asyncio.create_task(writer.append(TOPIC, 0, b"during")) for _ in range(5)]
    under_way.append(asyncio.create_task(writer.append_many(TOPIC, 1, [(None, b"during")])))
    await asyncio.sleep(0)
    broker.kill()
    for outcome in await asyncio.gather(*under_way, return_exceptions=True):
        assert isinstance(outcome, KafkaUnavailable)
    await until(lambda: not writer.connected, "noticed")

    await asyncio.to_thread(broker.start)
    await until(lambda: writer.connected, "connected again")
    await writer.append(TOPIC, 0, b"after")
    values = {value for _, value in (await asyncio.to_thread(broker.records, TOPIC))[0]}
    assert b"after" in values
    assert b"before" not in values


async def test_a_broker_that_stands_still_is_not_waited_for_longer_than_asked(
    broker: Broker, writer: LogWriter
) -> None:
    await writer.append(TOPIC, 0, b"before")
    broker.pause()
    with pytest.raises(KafkaUnavailable, match=r"0\.2 s"):
        await writer.append(TOPIC, 0, b"x", within_s=0.2)
    broker.resume()
    await writer.append(TOPIC, 0, b"y")
    assert b"y" in {value for _, value in (await asyncio.to_thread(broker.records, TOPIC))[0]}


async def test_envelopes_hold_the_events_of_their_partition(
    broker: Broker, writer: LogWriter
) -> None:
    events = EnvelopeWriter(writer, TOPIC, PARTITIONS, linger_ms=3)
    keys = [f"u{n}" for n in range(40)]
    await asyncio.gather(*(events.put([(key, b'"%s"' % key.encode())]) for key in keys))
    records = await asyncio.to_thread(broker.records, TOPIC)
    found = {
        name: partition
        for partition, values in records.items()
        for _, value in values
        for name in msgspec.json.decode(value)
    }
    assert found == {key: partition_of(key, PARTITIONS) for key in keys}
    assert sum(len(values) for values in records.values()) < len(keys)


async def test_an_envelope_is_bounded_in_events_and_bytes(
    broker: Broker, writer: LogWriter
) -> None:
    events = EnvelopeWriter(writer, TOPIC, PARTITIONS, linger_ms=3)
    small = [("u1", b"%d" % n) for n in range(1200)]
    large = [("u1", b'"' + b"x" * 100_000 + b'"')] * 5
    giant = [("u1", b'"' + b"x" * (envelopes.MAX_BYTES + 10) + b'"')]
    await events.put(small + large + giant)
    values = [value for _, value in (await asyncio.to_thread(broker.records, TOPIC))[
        partition_of("u1", PARTITIONS)
    ]]  # fmt: skip
    decoded = [msgspec.json.decode(value) for value in values]
    assert [event for envelope in decoded for event in envelope] == [
        msgspec.json.decode(event) for _, event in small + large + giant
    ]
    assert all(len(envelope) <= envelopes.MAX_EVENTS for envelope in decoded)
    assert all(
        len(value) <= envelopes.MAX_BYTES + 1 or len(envelope) == 1
        for value, envelope in zip(values, decoded, strict=True)
    )


async def test_events_are_refused_at_once_while_too_much_waits(
    broker: Broker, writer: LogWriter
) -> None:
    events = EnvelopeWriter(writer, TOPIC, PARTITIONS, linger_ms=0, most_waiting=1000)
    broker.pause()
    first = asyncio.create_task(events.put([("u1", b"1" * 800)]))
    await asyncio.sleep(0)
    with pytest.raises(KafkaUnavailable, match="wait for Kafka"):
        await events.put([("u2", b"2" * 800)])
    broker.resume()
    await first
    await events.put([("u2", b"2" * 800)])


async def test_a_put_whose_caller_went_away_does_not_disturb_the_others(
    broker: Broker, writer: LogWriter
) -> None:
    events = EnvelopeWriter(writer, TOPIC, 1, linger_ms=20)
    gone = asyncio.create_task(events.put([("u1", b"1")]))
    stays = asyncio.create_task(events.put([("u1", b"2")]))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    ((_, value),) = (await asyncio.to_thread(broker.records, TOPIC))[0]
    assert value == b"[1,2]"


async def test_stopping_sends_what_was_gathered(broker: Broker, writer: LogWriter) -> None:
    events = EnvelopeWriter(writer, TOPIC, 1, linger_ms=60_000)
    waiting = asyncio.create_task(events.put([("u1", b"1")]))
    await asyncio.sleep(0)
    await events.stop()
    await waiting
    assert (await asyncio.to_thread(broker.records, TOPIC))[0] == [(None, b"[1]")]


async def test_a_new_broker_is_not_written_to_before_its_topics_are_there(
    broker: Broker, writer: LogWriter
) -> None:
    """Tansu makes a topic up for whoever writes too early, and gives its offsets out twice."""
    for _ in range(3):
        broker.kill()
        acknowledged: list[bytes] = []
        enough = asyncio.Event()

        async def keep_on(name: int, acknowledged: list[bytes], enough: asyncio.Event) -> None:
            number = 0
            while not enough.is_set():
                number += 1
                value = b"%d-%d" % (name, number)
                try:
                    await writer.append(TOPIC, number % PARTITIONS, value)
                except KafkaUnavailable:
                    await asyncio.sleep(0.001)
                    continue
                acknowledged.append(value)
                if len(acknowledged) >= 300:
                    enough.set()

        hammers = [asyncio.create_task(keep_on(n, acknowledged, enough)) for n in range(4)]
        await asyncio.to_thread(broker.start)
        await asyncio.gather(*hammers)
        records = await asyncio.to_thread(broker.records, TOPIC)
        values = [value for values in records.values() for _, value in values]
        assert sorted(acknowledged) == sorted(values)
