"""Health routes: liveness, readiness, metrics."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from api.parts import Parts, parts_of
from infra.clickhouse.connection import address
from infra.metrics import set_dependency_up
from infra.redis.partition_halts import Halt

ANSWERS_WITHIN_S = 1.0

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process is alive")
async def healthz() -> Response:
    """Always 200 while the process answers."""
    return Response(b'{"status": "ok"}', media_type="application/json")


@router.get(
    "/readyz",
    summary="Events are accepted and customers can be read",
    responses={
        503: {"description": "Kafka or Redis is unavailable", "content": {"application/json": {}}}
    },
)
async def readyz(parts: Annotated[Parts, Depends(parts_of)]) -> Response:
    """200 while Kafka and Redis answer, else 503; the body says which dependency is `up` or `down`,
    and which partitions have stopped because the fold fails. ClickHouse is reported and not
    required: neither collecting nor folding waits for it."""
    redis, clickhouse = await asyncio.gather(
        _answers(parts.redis.ping()), _answers(_reach_clickhouse(parts))
    )
    kafka = parts.writer.connected
    set_dependency_up("redis", redis)
    set_dependency_up("clickhouse", clickhouse)
    ready = kafka and redis
    states = {"kafka": kafka, "redis": redis, "clickhouse": clickhouse}
    body = {
        "ready": ready,
        "dependencies": {name: "up" if up else "down" for name, up in states.items()},
        # The name until 0.1; goes with the next release.
        "neighbours": {name: "up" if up else "down" for name, up in states.items()},
        "halted": await _halted(parts) if redis else {},
    }
    return Response(
        msgspec.json.encode(body),
        200 if ready else 503,
        {"Cache-Control": "no-store"},
        media_type="application/json",
    )


@router.get("/metrics", summary="Prometheus metrics")
async def metrics() -> Response:
    """In the text format of Prometheus."""
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _halted(parts: Parts) -> dict[str, Halt]:
    """Partition -> why it has stopped: events are accepted and kept, and not folded meanwhile."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            found = await parts.halts.read(range(parts.settings.partitions))
    except (RedisError, OSError, TimeoutError):
        return {}
    return {str(partition): halt for partition, halt in found.items()}


async def _answers(question: Awaitable[object]) -> bool:
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            await question
    except (RedisError, OSError, TimeoutError):
        return False
    return True


async def _reach_clickhouse(parts: Parts) -> None:
    _, writer = await asyncio.open_connection(*address(parts.settings))
    writer.close()
