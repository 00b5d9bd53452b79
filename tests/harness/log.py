"""Writing to the Kafka topics and reading them whole, without any of Daehwa's workers."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.kafka.names import EVENTS, TRIGGERS
from infra.settings import Settings
from schemas.event import Event
from schemas.trigger import Trigger
from streams.codec.codec import decode_envelope, decode_trigger, encode_envelope, encode_event
from streams.identity.partitioning import partition_of
from streams.identity.profile_key import profile_key

ENVELOPE = 20
"""Events of one envelope, about what a collector gathers."""


class Log:
    """The Kafka topics of a fleet."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers = settings.kafka_servers

    async def append(self, events: Sequence[Event]) -> None:
        """Events in their order, in envelopes as the collector makes them; acknowledged."""
        partitions = self._settings.partitions
        sorted_out: dict[int, list[bytes]] = {}
        for event in events:
            partition = partition_of(profile_key(event) or "", partitions)
            sorted_out.setdefault(partition, []).append(encode_event(event))
        producer = AIOKafkaProducer(bootstrap_servers=self._servers, acks="all", linger_ms=0)
        await producer.start()
        try:
            for partition, encoded in sorted_out.items():
                sent = [
                    await producer.send(
                        EVENTS, encode_envelope(encoded[at : at + ENVELOPE]), partition=partition
                    )
                    for at in range(0, len(encoded), ENVELOPE)
                ]
                await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def events(self) -> tuple[list[list[Event]], list[int]]:
        """The events of every partition in the order of the log, and the partitions' ends."""
        values, ends = await self._read(EVENTS)
        return [[e for value in found for e in decode_envelope(value)[0]] for found in values], ends

    async def triggers(self) -> list[Trigger]:
        """Everything on the trigger topic, copies included."""
        values, _ = await self._read(TRIGGERS)
        return [decode_trigger(value) for found in values for value in found]

    async def size(self, topic: str) -> int:
        """Records on a Kafka topic."""
        values, _ = await self._read(topic)
        return sum(map(len, values))

    async def _read(self, topic: str) -> tuple[list[list[bytes]], list[int]]:
        partitions = range(self._settings.partitions)
        places = [TopicPartition(topic, partition) for partition in partitions]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8 * 1024 * 1024,
            fetch_max_wait_ms=50,
        )
        await consumer.start()
        try:
            consumer.assign(places)
            for place in places:
                consumer.seek(place, 0)
            values: list[list[bytes]] = [[] for _ in places]
            ends = [0 for _ in places]
            while True:
                for place, records in (await consumer.getmany(timeout_ms=200)).items():
                    values[place.partition] += [record.value for record in records]
                    ends[place.partition] = records[-1].offset + 1
                # The high watermark of a fetch: asked for its ends, the embedded broker errs.
                known = [consumer.highwater(place) for place in places]
                if all(
                    mark is not None and at >= mark for mark, at in zip(known, ends, strict=True)
                ):
                    return values, ends
        finally:
            await consumer.stop()
