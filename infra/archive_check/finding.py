"""A finding of the archive check, and what its checks are given."""

from collections.abc import Callable

import msgspec
from clickhouse_driver import Client

from infra.clickhouse.failures import translated
from infra.privacy.archived_rows import Ask

Tell = Callable[[str, int, int], object]
"""Progress: what is done, how much of it, of how much."""


def asking(client: Client) -> Ask:
    """Asks over this connection."""
    return lambda query, parameters: translated(
        lambda: client.execute(query, dict(parameters) or None)
    )


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one check says."""

    check: str
    ok: bool
    found: str
    """What was compared, and where it does not add up."""
    examples: tuple[str, ...] = ()
    """Places or ids, at most ten."""
    remedy: str = ""
    """What to do; empty where everything adds up."""
