"""Deliveries to, or about, an erased customer: removed before the profile. A trigger still on its
way through Kafka is not found here; its delivery attempt finds the tombstone
(`infra.delivery.dispatcher`).
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
    """Removes pending and given-up deliveries of the partition, and calls, of the customers `until`
    (id -> time in milliseconds up to which they are erased); returns their number. Reads the whole
    backlog. Idempotent. Raises `RedisError` or `OSError`."""
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
    """Pending and given-up deliveries of these customers. Raises as `forget_deliveries` does."""
    requested = set(keys)
    for name in (*(due_key(partition, one) for one in endpoints), given_up_key(partition)):
        async for delivery in _deliveries(redis, partition, name):
            if delivery.trigger.customer_id in requested:
                yield delivery


async def calls_of(redis: Redis, keys: Iterable[str]) -> AsyncIterator[Call]:
    """Calls to these customers. Raises as `forget_deliveries` does."""
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
        # Its id stays for a while: Kafka may deliver the trigger again.
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
