"""Daehwa's Kafka topics on a real broker, and the largest dead letter on its way through it."""

import asyncio

from infra.kafka.log_writer import LogWriter
from infra.kafka.names import DEAD_LETTERS, EVENTS
from infra.kafka.topics import TopicAdmin
from streams.codec.codec import decode_dead_letter, encode_dead_letter
from streams.dead_letters.dead_letter import dead_letter
from tests.harness.tansu import Broker

KAFKAS_LARGEST = 1_048_576
"""Bytes that Kafka takes of a record where nobody says otherwise."""


async def test_the_largest_record_fits_a_dead_letter() -> None:
    broker = Broker({EVENTS: 2})
    broker.start()
    try:
        settings = broker.settings(partitions=2)
        admin = await asyncio.to_thread(TopicAdmin, settings)
        await asyncio.to_thread(admin.ensure)
        await asyncio.to_thread(admin.ensure)
        await asyncio.to_thread(admin.close)
        letter = dead_letter("unreadable", "x", "daehwa.events/0/0[0]", b"x" * KAFKAS_LARGEST, 1)
        writer = LogWriter(settings)
        await writer.start()
        await writer.append_many(DEAD_LETTERS, 1, [(b"k", encode_dead_letter(letter))] * 2)
        await writer.stop()
        broker._topics[DEAD_LETTERS] = 2
        records = (await asyncio.to_thread(broker.records, DEAD_LETTERS))[1]
        assert [decode_dead_letter(value) for _, value in records] == [letter, letter]
    finally:
        broker.kill()
