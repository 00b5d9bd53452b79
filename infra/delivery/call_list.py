"""The call list of the call centre: calls to make, and claims of operators."""

from pathlib import Path
from typing import Literal

import msgspec
from redis.asyncio import Redis

from infra.delivery.keys import CALLS_OPEN, call_key
from infra.delivery.records import Delivery
from infra.delivery.templates import Written
from schemas.profile import Profile
from streams.identity.aliases import aliases_of

CLAIM_MS = 15 * 60_000
"""Duration of a claim."""

KEPT_S = 30 * 86_400
"""Seconds after which an unmade call is dropped."""

_MAX_PRIORITY = 500


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call to make. Times are milliseconds since 1970."""

    id: str
    """Of the trigger."""
    customer_id: str
    reason: str
    rule: str
    created_at: int
    endpoint: str
    priority: int = 0
    phone: str | None = None
    """E.164; None without a readable number in the traits."""
    topic: str | None = None
    campaign: str | None = None
    channel: str | None = None
    script: str = ""
    """What to say, from the trigger's template."""


class OpenCall(msgspec.Struct, frozen=True):
    """A call with its claim: operator and end ("" and 0 without one)."""

    call: Call
    operator: str = ""
    claimed_until: int = 0


class CallTakenError(Exception):
    """Another operator has the call."""

    def __init__(self, held: OpenCall) -> None:
        super().__init__(f"{held.operator} has claimed this call")
        self.held = held


class NoCallError(Exception):
    """No such call: it was made or dropped."""


class CallList:
    """Calls to make, in Redis. Every method may raise `RedisError` or `OSError`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        folder = Path(__file__).parent
        self._put = redis.register_script((folder / "call_put.lua").read_text(encoding="utf-8"))
        self._claim = redis.register_script((folder / "call_claim.lua").read_text(encoding="utf-8"))

    async def put(self, call: Call) -> None:
        """Adds a call; idempotent."""
        urgency = min(max(call.priority, -_MAX_PRIORITY), _MAX_PRIORITY)
        rank = call.created_at - urgency * 10**13
        await self._put(
            keys=[call_key(call.id), CALLS_OPEN],
            args=[msgspec.json.encode(call), KEPT_S, rank, call.id],
        )

    async def open(self, most: int) -> list[OpenCall]:
        """The calls by priority, then the oldest first."""
        ids = [found.decode() for found in await self._redis.zrange(CALLS_OPEN, 0, most - 1)]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for call_id in ids:
                pipeline.hmget(call_key(call_id), ["call", "operator", "claimed_until"])
            found = await pipeline.execute()
        gone = [name for name, fields in zip(ids, found, strict=True) if fields[0] is None]
        if gone:
            await self._redis.zrem(CALLS_OPEN, *gone)
        return [_open(*fields) for fields in found if fields[0] is not None]

    async def claim(self, call_id: str, operator: str, now: int) -> OpenCall:
        """Claims the call for `CLAIM_MS`; claiming again prolongs it. Raises `CallTakenError` where
        another operator has it, and `NoCallError`.
        """
        return await self._ask(call_id, operator, now, "claim")

    async def done(self, call_id: str, operator: str, now: int) -> OpenCall:
        """Removes the call. Raises `CallTakenError`, `NoCallError`."""
        return await self._ask(call_id, operator, now, "done")

    async def drop(self, call_id: str, now: int) -> None:
        """Removes the call whatever its claim. Raises `NoCallError`."""
        await self._ask(call_id, "", now, "drop")

    async def _ask(
        self, call_id: str, operator: str, now: int, what: Literal["claim", "done", "drop"]
    ) -> OpenCall:
        answer = await self._claim(
            keys=[call_key(call_id), CALLS_OPEN],
            args=[operator, now, what, now + CLAIM_MS, call_id],
        )
        if answer[0] == -1:
            raise NoCallError(f"there is no call {call_id!r} to be made")
        held = _open(*answer[1:])
        if answer[0] == 0:
            raise CallTakenError(held)
        return held


def call_of(
    delivery: Delivery, written: Written | None, profile: Profile | None, region: str
) -> Call:
    """The call of a trigger."""
    trigger = delivery.trigger
    return Call(
        id=trigger.id,
        customer_id=profile.key if profile is not None else trigger.customer_id,
        reason=trigger.reason,
        rule=trigger.rule,
        created_at=trigger.decided_at,
        endpoint=delivery.endpoint,
        priority=trigger.priority,
        phone=_phone(profile, region),
        topic=trigger.topic,
        campaign=trigger.campaign,
        channel=trigger.channel,
        script=written.text if written is not None else "",
    )


def _phone(profile: Profile | None, region: str) -> str | None:
    if profile is None:
        return None
    for name in sorted(profile.traits, key=lambda name: (name.lower() != "phone", name)):
        for alias in aliases_of({name: profile.traits[name]}, region):
            if alias.kind == "phone":
                return alias.value
    return None


def _open(call: bytes, operator: bytes | None, claimed_until: bytes | None) -> OpenCall:
    decoded = msgspec.json.decode(call, type=Call)
    return OpenCall(decoded, (operator or b"").decode(), int(claimed_until or 0))
