"""While the phone rings: the caller's record onto the trigger stream."""

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
    """Where the contact is an inbound call that rings now: its trigger, acknowledged by Kafka when
    this returns, once however often the same ringing is told.

    Consent is not asked: the customer calls, and only staff are told. Refused: 503 while Redis is
    away. KafkaUnavailable.
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
        # Told twice at the same time, it is on the log twice under one id, which its readers drop.
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
    """Whom the number or the ids of the call name, the liveliest first."""
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
