"""What waits to be told to, or of, a customer who is erased: it goes before their profile does.

A trigger that is still on its way through Kafka is not seen here; the attempt to deliver it finds
the tombstone (`infra.delivery.dispatcher`).
"""

from collections.abc import AsyncIterator, Iterable, Mapping

import msgspec
from redis.asyncio import Redis

from infra.delivery.call_list import Call
from infra.delivery.keys import CALLS_OPEN, call_key, due_key, given_up_key, records_prefix
from infra.delivery.records import Delivery
from infra.delivery.schedule import read_record

_AT_ONCE = 500

_decode_call = msgspec.json.Decoder(Call).decode


async def forget_deliveries(
    redis: Redis, partition: int, until: Mapping[str, int], endpoints: Iterable[str]
) -> int:
    """Takes out what waits or was given up in the partition, and calls to be made, of the customers
    `until` (id -> up to when, milliseconds); how much it was. Reads all that waits: it is as long
    as the backlog is. May be repeated. Raises `RedisError` or `OSError`."""
    sets = [due_key(partition, endpoint) for endpoint in endpoints]
    sets.append(given_up_key(partition))
    found = 0
    for name in sets:
        async for delivery in _deliveries(redis, partition, name):
            if _is_past(delivery, until):
                await _forget(redis, partition, name, delivery)
                found += 1
    return found + await _forget_calls(redis, until)


async def deliveries_of(
    redis: Redis, partition: int, keys: Iterable[str], endpoints: Iterable[str]
) -> AsyncIterator[Delivery]:
    """What waits or was given up of these customers. Raises as `forget_deliveries` does."""
    requested = set(keys)
    for name in (*(due_key(partition, one) for one in endpoints), given_up_key(partition)):
        async for delivery in _deliveries(redis, partition, name):
            if delivery.trigger.customer_id in requested:
                yield delivery


async def calls_of(redis: Redis, keys: Iterable[str]) -> AsyncIterator[Call]:
    """The calls to be made to these customers. Raises as `forget_deliveries` does."""
    requested = set(keys)
    async for call in _calls(redis):
        if call.customer_id in requested:
            yield call


async def _deliveries(redis: Redis, partition: int, name: str) -> AsyncIterator[Delivery]:
    members = await redis.zrange(name, 0, -1)
    prefix = records_prefix(partition)
    for begin in range(0, len(members), _AT_ONCE):
        some = members[begin : begin + _AT_ONCE]
        for record in await redis.mget([prefix + member.decode() for member in some]):
            delivery = read_record(record) if record is not None else None
            if delivery is not None:
                yield delivery


def _is_past(delivery: Delivery, until: Mapping[str, int]) -> bool:
    trigger = delivery.trigger
    return trigger.decided_at <= until.get(trigger.customer_id, 0)


async def _forget(redis: Redis, partition: int, name: str, delivery: Delivery) -> None:
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.zrem(name, delivery.id)
        # Its id stays for a while: the trigger may come again from Kafka.
        brief = f".withheld {delivery.last_at} {delivery.attempts}"
        pipeline.set(records_prefix(partition) + delivery.id, brief, keepttl=True)
        await pipeline.execute()


async def _forget_calls(redis: Redis, until: Mapping[str, int]) -> int:
    found = 0
    async for call in _calls(redis):
        if call.created_at <= until.get(call.customer_id, 0):
            await redis.zrem(CALLS_OPEN, call.id)
            await redis.delete(call_key(call.id))
            found += 1
    return found


async def _calls(redis: Redis) -> AsyncIterator[Call]:
    members = await redis.zrange(CALLS_OPEN, 0, -1)
    for begin in range(0, len(members), _AT_ONCE):
        async with redis.pipeline(transaction=False) as pipeline:
            for member in members[begin : begin + _AT_ONCE]:
                pipeline.hget(call_key(member.decode()), "call")
            for encoded in await pipeline.execute():
                if encoded is not None:
                    yield _decode_call(encoded)
