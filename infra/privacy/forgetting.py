"""Erasure of a customer's data in Redis besides the profile: aliases and deliveries."""

from collections.abc import Iterable, Sequence

from redis.asyncio import Redis

from infra.delivery.endpoint_states import EndpointStates
from infra.delivery.records import DEFAULT
from infra.privacy.deliveries import forget_deliveries
from infra.redis.alias_index import AliasIndex
from streams.identity.aliases import Alias
from streams.privacy.erasure import Erasure


class Forgetting:
    """Clears aliases, deliveries and calls of erased customers. Idempotent, and done before the
    tombstone is written: an interrupted one is repeated."""

    def __init__(self, redis: Redis, aliases: AliasIndex) -> None:
        self._redis = redis
        self._aliases = aliases

    async def forget(
        self,
        partition: int,
        erased: Sequence[Erasure],
        given_up: Iterable[tuple[Alias, str]],
        endpoints: Iterable[str],
    ) -> None:
        """Removes the pairs of `given_up` (alias, profile key) that name an erased customer. Raises
        `RedisError` or `OSError`."""
        until = {erasure.key: erasure.at for erasure in erased}
        await self._aliases.remove([(alias, key) for alias, key in given_up if key in until])
        # Deliveries may wait for an endpoint that the playbook no longer has.
        remembered = await EndpointStates(self._redis).remembered()
        names = dict.fromkeys([DEFAULT, *endpoints, *remembered])
        await forget_deliveries(self._redis, partition, until, names)
