"""A Redis client from the settings."""

from redis.asyncio import Redis

from infra.settings import Settings


def redis_client(settings: Settings) -> Redis:
    """A client that connects when first used; answers are bytes. Close it with `aclose()`."""
    client: Redis = Redis.from_url(
        settings.redis_url,
        socket_connect_timeout=5,
        socket_timeout=30,
        health_check_interval=15,
    )
    return client
