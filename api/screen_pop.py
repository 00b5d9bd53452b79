"""Screen-pop: the caller's record on the trigger stream while the phone rings."""

from redis.exceptions import RedisError

from api.customers import models_of, redis_unavailable, view_of
from api.parts import Parts
from infra.clock import now_ms
from infra.kafka.names import TRIGGERS
from infra.metrics import TRIGGERS as DECIDED
from infra.redis.profile_reader import UnreadableProfileError
from infra.screen_pop.deduplication import RingingDeduplication
from schemas.contact import Contact
from schemas.event import WireEvent
from schemas.profile import Profile
from streams.codec.codec import encode_trigger
from streams.identity.aliases import Alias, aliases_of
from streams.identity.partitioning import partition_of
from streams.views.screen_pop import (
    Ringing,
    caller_summary,
    liveliest_first,
    ringing_of,
    screen_pop,
)


async def pop_if_ringing(contact: Contact, event: WireEvent, parts: Parts) -> None:
    """Appends the trigger of an inbound call that rings now; acknowledged by Kafka on return, once
    per ringing. No consent is needed: the customer calls, and only staff see it. Refused: 503 while
    Redis is unavailable. Raises `KafkaUnavailable`.
    """
    ringing = ringing_of(contact, event, parts.settings.region)
    if ringing is None:
        return
    deduplication = RingingDeduplication(parts.redis)
    try:
        if await deduplication.has(ringing.pop_id):
            return
        callers = await _callers(ringing, parts)
        now, playbook = now_ms(), parts.playbook
        view = await view_of(parts, callers[0]) if callers else None
        others = [
            caller_summary(one, playbook, await models_of(parts, one), now) for one in callers[1:]
        ]
        trigger = screen_pop(
            ringing, callers[0] if callers else None, view, others, now, playbook.version
        )
        # Two concurrent reports append one id twice; readers drop the second.
        await parts.writer.append(
            TRIGGERS,
            partition_of(trigger.customer_id, parts.settings.partitions),
            encode_trigger(trigger),
            trigger.customer_id.encode("utf-8", "surrogatepass"),
        )
        await deduplication.add(ringing.pop_id)
        DECIDED.labels(trigger.type, trigger.decision).inc()
    except (RedisError, OSError):
        raise redis_unavailable() from None


async def _callers(ringing: Ringing, parts: Parts) -> list[Profile]:
    """Profiles with the number or the ids of the call, the most active first."""
    alias = Alias("phone", ringing.number) if ringing.number is not None else None
    named = await parts.aliases.find(alias) if alias is not None else []
    found: dict[str, Profile] = {}
    for key in dict.fromkeys([*named, ringing.customer_id]):
        try:
            profile = await parts.profiles.read(key)
        except UnreadableProfileError:
            continue  # it rings all the same
        if profile is not None and (
            key == ringing.customer_id or alias in aliases_of(profile.traits, parts.settings.region)
        ):
            found[profile.key] = profile
    return liveliest_first(list(found.values()))
