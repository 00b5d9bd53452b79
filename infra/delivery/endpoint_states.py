"""State of endpoints in Redis, shared by all workers."""

from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from infra.delivery.circuit import NEW, EndpointState
from infra.delivery.keys import ENDPOINTS, endpoint_key

_FIELDS = ("disabled", "circuit")
_decode = msgspec.json.Decoder(EndpointState).decode
_encode = msgspec.json.Encoder().encode


class EndpointStates:
    """Endpoint -> state. Every method may raise `RedisError` or `OSError`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def read(self, endpoints: Sequence[str]) -> dict[str, EndpointState]:
        """The states of these endpoints; `NEW` without one."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for endpoint in endpoints:
                pipeline.hmget(endpoint_key(endpoint), _FIELDS)
            found = await pipeline.execute()
        return {
            endpoint: next((_decode(value) for value in values if value is not None), NEW)
            for endpoint, values in zip(endpoints, found, strict=True)
        }

    async def write(self, endpoint: str, state: EndpointState) -> None:
        """Stores the state, last writer wins; a disabled endpoint stays disabled."""
        field = _FIELDS[0] if state.disabled_at else _FIELDS[1]
        if state == NEW:
            await self._redis.hdel(endpoint_key(endpoint), field)
        else:
            await self._redis.hset(endpoint_key(endpoint), field, _encode(state))

    async def remember(self, endpoints: Sequence[str]) -> None:
        """Registers endpoints with deliveries."""
        await self._redis.sadd(ENDPOINTS, *endpoints)

    async def remembered(self) -> list[str]:
        """All endpoints ever registered, whether or not the playbook still has them."""
        return sorted(name.decode() for name in await self._redis.smembers(ENDPOINTS))

    async def enable(self, endpoint: str) -> None:
        """Resets the state of the endpoint."""
        await self._redis.delete(endpoint_key(endpoint))
