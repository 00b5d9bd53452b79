"""Passwords of the embedded servers, made at the first start and kept in the data folder."""

from pathlib import Path
from secrets import token_urlsafe
from tempfile import NamedTemporaryFile

import msgspec

from infra.embedded.clickhouse_part import ClickHouseSecrets


class StackSecrets(msgspec.Struct, frozen=True):
    """One password a server and user."""

    redis: str
    clickhouse: ClickHouseSecrets


def stack_secrets(folder: Path) -> StackSecrets:
    """The passwords in the folder; missing ones are created."""
    return StackSecrets(
        kept_secret(folder, "redis-password"),
        ClickHouseSecrets(
            kept_secret(folder, "clickhouse-password"),
            kept_secret(folder, "clickhouse-dashboard-password"),
        ),
    )


def kept_secret(folder: Path | None, name: str) -> str:
    """The secret in the folder's file of this name, readable by its owner only; created where it is
    missing or empty. Without a folder a new one, not stored."""
    if folder is None:
        return token_urlsafe(24)
    path = folder / name
    kept = path.read_text(encoding="ascii").strip() if path.exists() else ""
    if kept:
        return kept
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = token_urlsafe(24)
    # Whole or not at all: an empty file would be an empty password from the next start on.
    with NamedTemporaryFile("w", encoding="ascii", dir=folder, delete=False) as file:
        file.write(secret)
    Path(file.name).replace(path)
    return secret
