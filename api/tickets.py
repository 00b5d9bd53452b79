"""Short-lived tickets for event streams: a browser's EventSource cannot send a token in a
header."""

from itsdangerous import BadSignature, URLSafeTimedSerializer

TICKET_S = 60
"""Seconds for which a ticket opens a stream; an open stream continues."""

_PURPOSE = "trigger-stream"


def issue_ticket(token: str) -> str:
    """A ticket, signed with the API token; it opens event streams and nothing else."""
    return URLSafeTimedSerializer(token, salt=_PURPOSE).dumps(_PURPOSE)


def is_ticket(ticket: str, token: str) -> bool:
    """Whether the ticket was issued with this API token within `TICKET_S`."""
    try:
        found = URLSafeTimedSerializer(token, salt=_PURPOSE).loads(ticket, max_age=TICKET_S)
    except BadSignature:
        return False
    return bool(found == _PURPOSE)
