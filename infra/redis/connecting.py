"""A Redis client from the settings."""

from typing import Any

import hiredis
from redis.asyncio import Connection, Redis

from infra.settings import Settings


class _PackingConnection(Connection):  # type: ignore[misc]  # redis is untyped
    """Packs commands with hiredis: a quarter of the time of redis-py's Python code for a thousand
    arguments."""

    def pack_command(self, *args: Any) -> list[bytes]:
        name, *rest = args
        words = name.split() if isinstance(name, str | bytes) else (name,)  # SCRIPT LOAD is two
        return [hiredis.pack_command((*words, *rest))]


def redis_client(settings: Settings) -> Redis:
    """A client that connects when first used; answers are bytes. Close it with `aclose()`."""
    client: Redis = Redis.from_url(
        settings.redis_url,
        connection_class=_PackingConnection,  # rediss:// and unix:// bring their own
        socket_connect_timeout=5,
        socket_timeout=30,
        health_check_interval=15,
    )
    return client
