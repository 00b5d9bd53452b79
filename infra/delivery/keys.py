"""Names of delivery's Redis keys. The part in braces is the hash slot."""


def records_prefix(partition: int) -> str:
    """Beginning of a partition's records; the delivery's id follows. A record expires."""
    return f"daehwa:{{{partition}}}:delivery:"


def due_key(partition: int, endpoint: str) -> str:
    """Sorted set of delivery ids by when they are due or their lease ends (ms); never expires."""
    return f"daehwa:{{{partition}}}:due:{endpoint}:deliveries-due"


def given_up_key(partition: int) -> str:
    """Sorted set of delivery ids by when they were given up (ms); expires with its records."""
    return f"daehwa:{{{partition}}}:deliveries-given-up"


def outbox_key(partition: int) -> str:
    """Hash message id -> event to append to the log; never expires."""
    return f"daehwa:{{{partition}}}:delivery-outbox"


def endpoint_key(endpoint: str) -> str:
    """State of an endpoint, JSON; never expires: an operator has to enable a disabled one."""
    return f"daehwa:{{endpoint-{endpoint}}}:endpoint"


ENDPOINTS = "daehwa:{endpoints}:endpoint-names"
"""Set of the names of endpoints with deliveries; never expires. One removed from the playbook may
have pending deliveries."""

CALLS_OPEN = "daehwa:{calls}:calls-open"
"""Sorted set of call ids, the most urgent first; never expires."""


def call_key(call_id: str) -> str:
    """A call, JSON; expires."""
    return f"daehwa:{{calls}}:call:{call_id}"
