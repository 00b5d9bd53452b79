"""What Daehwa asks of a Kafka broker: every broker it runs on passes the same tests."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.kafka.lag import group_lag
from infra.kafka.log_end import beyond_the_end
from infra.kafka.log_writer import KafkaUnavailable, LogWriter
from infra.kafka.topics import TopicAdmin
from tests.harness.contract_brokers import ContractBroker
from tests.harness.tansu import until

PARTITIONS = 3


@pytest.fixture
def topic(each_broker: ContractBroker) -> str:
    return each_broker.new_topic(PARTITIONS)


@pytest.fixture
async def writer(each_broker: ContractBroker) -> AsyncIterator[LogWriter]:
    writer = LogWriter(each_broker.settings())
    await writer.start()
    yield writer
    await writer.stop()


async def values(broker: ContractBroker, topic: str, partition: int) -> list[bytes]:
    records = await asyncio.to_thread(broker.records, topic)
    return [value for _, value in records[partition]]


async def identity(broker: ContractBroker, topic: str) -> str:
    def ask() -> str:
        admin = TopicAdmin(broker.settings())
        try:
            return admin.identity(topic)
        finally:
            admin.close()

    return await asyncio.to_thread(ask)


async def consumer(
    broker: ContractBroker, group: str | None, topic: str, **settings: int
) -> AIOKafkaConsumer:
    """A consumer as the workers have it: reads from the beginning, acknowledges by hand."""
    found = AIOKafkaConsumer(
        *([topic] if group else []),
        bootstrap_servers=broker.address,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=6000,
        rebalance_timeout_ms=2000,
        fetch_max_wait_ms=50,
        **settings,
    )
    await found.start()
    if not group:
        found.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
    return found


async def read(consumer: AIOKafkaConsumer, count: int) -> list[int]:
    """The offsets of the next records."""
    async with asyncio.timeout(20):
        return [(await consumer.getone()).offset for _ in range(count)]


async def test_a_place_beyond_the_end_is_noticed(
    each_broker: ContractBroker, writer: LogWriter, topic: str
) -> None:
    for number in range(3):
        await writer.append(topic, 1, b"%d" % number)
    settings = each_broker.settings()
    for place, cut in (({1: 3, 0: 0}, {}), ({1: 2}, {}), ({1: 8, 0: 0}, {1: 3}), ({0: 5}, {0: 0})):
        found = await asyncio.to_thread(beyond_the_end, settings, topic, place, patience_s=0)
        assert found == cut, place


async def test_a_compressed_record_is_read_as_it_was(
    each_broker: ContractBroker, topic: str
) -> None:
    envelope = b'[{"name": "Product Viewed"}' + b', {"name": "Product Viewed"}' * 5000 + b"]"
    writer = LogWriter(each_broker.settings(), compressed=True)
    await writer.start()
    await writer.append(topic, 1, envelope)
    await writer.stop()
    reader = await consumer(each_broker, None, topic)
    try:
        reader.assign([TopicPartition(topic, 1)])
        await reader.seek_to_beginning()
        async with asyncio.timeout(30):
            record = await reader.getone()
    finally:
        await reader.stop()
    assert record.value == envelope


async def test_what_was_acknowledged_is_on_the_log(
    each_broker: ContractBroker, topic: str, writer: LogWriter
) -> None:
    await asyncio.gather(*(writer.append(topic, 1, b"%d" % n, key=b"k") for n in range(200)))
    records = await asyncio.to_thread(each_broker.records, topic)
    assert sorted(int(value) for _, value in records[1]) == list(range(200))
    assert {key for key, _ in records[1]} == {b"k"}
    assert records[0] == records[2] == []


async def test_records_of_several_kafka_batches_keep_their_order(
    each_broker: ContractBroker, topic: str, writer: LogWriter
) -> None:
    sent = [b"%06d" % n + b"x" * 50_000 for n in range(60)]
    await writer.append_many(topic, 2, [(None, value) for value in sent])
    await writer.append_many(topic, 2, [(None, b"last")])
    assert await values(each_broker, topic, 2) == [*sent, b"last"]


async def test_producer_ids_are_used_where_the_broker_gives_them(
    each_broker: ContractBroker, topic: str
) -> None:
    writer = LogWriter(each_broker.settings())
    with structlog.testing.capture_logs() as said:
        await writer.start()
    try:
        assert [line["idempotent"] for line in said if line["event"] == "Kafka available"] == [
            each_broker.gives_producer_ids
        ]
        await writer.append(topic, 0, b"x")
        assert await values(each_broker, topic, 0) == [b"x"]
    finally:
        await writer.stop()


async def test_a_record_that_is_refused_for_good_does_not_stop_the_next(
    each_broker: ContractBroker, topic: str, writer: LogWriter
) -> None:
    await writer.append(topic, 0, b"before")
    if each_broker.name == "tansu":
        pytest.skip("Tansu takes records of any size")
    with pytest.raises(KafkaUnavailable, match="TooLarge"):
        await writer.append(topic, 0, b"x" * 2_000_000)
    await until(lambda: writer.connected, "connected again")
    await writer.append(topic, 0, b"after")
    assert await values(each_broker, topic, 0) == [b"before", b"after"]


async def test_a_group_goes_on_where_it_acknowledged(
    each_broker: ContractBroker, topic: str, writer: LogWriter
) -> None:
    await writer.append_many(topic, 0, [(None, b"%d" % n) for n in range(10)])
    group = each_broker.fresh_name()
    first = await consumer(each_broker, group, topic)
    assert await read(first, 8) == list(range(8))
    await first.commit({TopicPartition(topic, 0): 5})
    await first.stop()
    second = await consumer(each_broker, group, topic)
    try:
        assert await second.committed(TopicPartition(topic, 0)) == 5
        assert await read(second, 5) == [5, 6, 7, 8, 9]
    finally:
        await second.stop()


async def test_a_position_that_is_known_better_is_read_from(
    each_broker: ContractBroker, topic: str, writer: LogWriter
) -> None:
    await writer.append_many(topic, 0, [(None, b"%d" % n) for n in range(10)])
    reader = await consumer(each_broker, each_broker.fresh_name(), topic)
    try:
        assert await read(reader, 4) == [0, 1, 2, 3]
        for position in (7, 2):
            reader.seek(TopicPartition(topic, 0), position)
            assert await read(reader, 3) == [position, position + 1, position + 2]
    finally:
        await reader.stop()


async def test_a_record_larger_than_a_fetch_comes_whole(
    each_broker: ContractBroker, writer: LogWriter, topic: str
) -> None:
    large = random.Random(1).randbytes(700_000)
    for value in (b"before", large, b"after"):
        await writer.append(topic, 0, value)
    reader = await consumer(each_broker, None, topic, max_partition_fetch_bytes=100_000)
    try:
        async with asyncio.timeout(20):
            found = [(await reader.getone()).value for _ in range(3)]
    finally:
        await reader.stop()
    assert found == [b"before", large, b"after"]


async def test_a_fetch_says_where_the_partition_ends(
    each_broker: ContractBroker, topic: str, writer: LogWriter
) -> None:
    reader = await consumer(each_broker, None, topic)
    try:
        for count, end in ((4, 4), (3, 7)):
            await writer.append_many(topic, 1, [(None, b"x")] * count)
            await read(reader, count)
            assert reader.highwater(TopicPartition(topic, 1)) == end
    finally:
        await reader.stop()


async def test_lag_is_what_is_not_acknowledged(
    each_broker: ContractBroker, topic: str, writer: LogWriter
) -> None:
    settings = each_broker.settings(partitions=PARTITIONS)
    group = each_broker.fresh_name()
    for partition in range(PARTITIONS):
        await writer.append_many(topic, partition, [(None, b"x")] * 4)
    assert await asyncio.to_thread(group_lag, settings, group, (topic,)) == 12
    reader = await consumer(each_broker, group, topic)
    await read(reader, 12)
    await reader.commit({TopicPartition(topic, 0): 4, TopicPartition(topic, 2): 3})
    assert await asyncio.to_thread(group_lag, settings, group, (topic,)) == 5
    await reader.stop()


async def test_a_broker_that_is_unavailable_is_said_and_written_to_again_when_it_is_back(
    each_broker: ContractBroker, topic: str, writer: LogWriter
) -> None:
    await writer.append(topic, 0, b"before")
    first = await identity(each_broker, topic)
    each_broker.kill()
    await until(lambda: not writer.connected, "noticed")
    with pytest.raises(KafkaUnavailable):
        await writer.append(topic, 0, b"away")
    await asyncio.to_thread(each_broker.start)
    await until(lambda: writer.connected, "connected again")
    async with asyncio.timeout(30):
        while True:
            try:
                await writer.append(topic, 0, b"after")
                break
            except KafkaUnavailable:  # the topic itself may come later than the broker
                await asyncio.sleep(0)  # lets the writer connect
    kept = each_broker.keeps_log
    before, after = ([b"before"] if kept else []), b"after"
    found = await values(each_broker, topic, 0)
    # What was not acknowledged may be on the log as well.
    assert found[: len(before)] == before
    assert set(found[len(before) :]) == {after}
    assert (await identity(each_broker, topic) == first) is kept


async def test_what_was_acknowledged_while_the_broker_was_killed_is_on_the_log_in_order(
    each_broker: ContractBroker, topic: str, writer: LogWriter
) -> None:
    acknowledged: dict[int, list[int]] = {number: [] for number in range(4)}
    enough = asyncio.Event()

    async def keep_on(sender: int) -> None:
        number = 0
        while not enough.is_set():
            try:
                await writer.append(topic, sender % PARTITIONS, b"%d %d" % (sender, number))
            except KafkaUnavailable:
                await asyncio.sleep(0.005)
                continue
            acknowledged[sender].append(number)
            number += 1

    def all_reached(count: int) -> bool:
        return all(len(numbers) >= count for numbers in acknowledged.values())

    senders = [asyncio.create_task(keep_on(sender)) for sender in acknowledged]
    await until(lambda: all_reached(50), "written")
    each_broker.kill()
    reached = [len(numbers) for numbers in acknowledged.values()]
    await asyncio.to_thread(each_broker.start)
    await until(lambda: all_reached(max(reached) + 50), "written again")
    enough.set()
    await asyncio.gather(*senders)

    records = await asyncio.to_thread(each_broker.records, topic)
    for sender, numbers in acknowledged.items():
        found = [
            int(value.split()[1])
            for _, value in records[sender % PARTITIONS]
            if value.startswith(b"%d " % sender)
        ]
        kept = numbers if each_broker.keeps_log else numbers[numbers.index(found[0]) :]
        assert in_order_without_repeats(found) == kept


def in_order_without_repeats(numbers: Sequence[int]) -> list[int]:
    """What the sender sent again, not knowing whether it had arrived, counts once; the next one
    was sent only after."""
    return [n for index, n in enumerate(numbers) if index == 0 or numbers[index - 1] != n]
