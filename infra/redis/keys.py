"""Names of the Redis keys. The part in braces is the hash slot: all of a partition is in one, so
that a batch is one atomic operation on a Redis cluster too."""

import re
from hashlib import blake2b

from streams.models.learned import MAX_FIELDS

PROFILE_PREFIX = "profile:"


def profile_key(partition: int, key: str) -> str:
    """A profile, msgpack; expires when untouched for `profile_days` or `anonymous_days`."""
    return f"daehwa:{{{partition}}}:profile:{key}"


def watermark_key(partition: int) -> str:
    """Hash `log_id`, `next_offset`, `in_force`; never expires."""
    return f"daehwa:{{{partition}}}:watermark"


def halt_key(partition: int) -> str:
    """Reason of a halt, JSON; expires unless its worker repeats it."""
    return f"daehwa:{{{partition}}}:halt"


def deadlines_key(partition: int) -> str:
    """Sorted set `kind US profile key` by due time (milliseconds); never expires."""
    return f"daehwa:{{{partition}}}:deadlines"


def counts_key(partition: int, kind: str) -> str:
    """Hash field -> count, of one kind of what was learned (`begun`: topic -> customers who began
    it; `transitions`: `topic US next topic` -> customers who went on so; …); never expires."""
    return f"daehwa:{{{partition}}}:{kind}"


_STATE = re.compile(
    rb"daehwa:\{\d+\}:(?:%s.*|watermark|deadlines|%s)"
    % (PROFILE_PREFIX.encode(), b"|".join(kind.encode() for kind in MAX_FIELDS)),
    re.DOTALL,
)


def is_state(name: bytes) -> bool:
    """Whether the key belongs to a partition's dialogue state, which a rebuild replaces. Deliveries
    are beside it and cannot be rebuilt."""
    return _STATE.fullmatch(name) is not None


def aliases_key(kind: str, value: str) -> str:
    """Sorted set of profile keys by when they stated this e-mail address or telephone number; never
    expires. The name has a digest: a list of keys reveals no address."""
    digest = blake2b(f"{kind}:{value}".encode("utf-8", "surrogatepass"), digest_size=16)
    return f"daehwa:{{{kind}-{digest.hexdigest()}}}:aliases"


def definitions_key() -> str:
    """Hash `kind:version@time` -> definition as JSON: a second copy of the Kafka topic, for
    in-memory brokers; never expires."""
    return "daehwa:{definitions}:definitions"


LASTING = (
    "watermark", "deadlines", "aliases", "definitions", *MAX_FIELDS,
    "deliveries-due", "delivery-outbox", "endpoint", "endpoint-names", "calls-open",
)  # fmt: skip
"""Ends of the keys that never expire; every other key does."""
