"""Parts of a folder: those that all folders of a worker share, and the standing of its
partition."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from agents.dialogue.definition_loader import DefinitionLoader
from agents.dialogue.effects import EffectWriter
from agents.dialogue.fault_injection import AtStep, no_fault
from infra.dependencies import retry_until_available
from infra.kafka.record_sequence import FirstOffset
from infra.playbook.active_definitions import ActiveDefinitions
from infra.privacy.forgetting import Forgetting
from infra.redis.alias_index import AliasIndex
from infra.redis.partition_halts import PartitionHalts
from infra.redis.state_store import StateStore, is_unavailable
from schemas.watermark import Watermark
from streams.dead_letters.fault_limit import FaultLimits
from streams.models.learned import Learned

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FolderParts:
    """Parts shared by the folders of one worker."""

    store: StateStore
    effects: EffectWriter
    loader: DefinitionLoader
    aliases: AliasIndex
    halts: PartitionHalts
    forgetting: Forgetting | None = None
    first_offset: FirstOffset
    region: str = ""
    max_cached: int
    """Profiles kept in memory for one partition."""
    fault_limits: FaultLimits
    at_step: AtStep = no_fault


class Standing(msgspec.Struct, frozen=True):
    """State of a partition in Redis, onto which its next batch is folded."""

    watermark: Watermark
    learned: Learned
    definitions: ActiveDefinitions


async def read_standing(partition: int, parts: FolderParts) -> Standing:
    """Reads the standing of the partition. Waits while Redis is unavailable."""
    store = parts.store

    async def held() -> Watermark:
        return await wait_for_redis(lambda: store.watermark(partition))

    watermark = await held()
    while True:
        learned = await wait_for_redis(lambda: store.learned(partition))
        again = await held()
        if again == watermark:
            break
        # The last write of the previous owner was still under way.
        watermark = again
    return Standing(watermark, learned, await parts.loader.standing(watermark.in_force))


async def wait_for_redis(attempt: Callable[[], Awaitable[T]]) -> T:
    """The answer of `attempt`; waits while Redis is unavailable."""
    return await retry_until_available("redis", attempt, is_unavailable)
