"""Signatures of Standard Webhooks 1.0.0."""

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

from infra.settings import is_signing_secret


class Signer:
    """Signs with every secret, newest first: during a rotation both are valid."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("there is no secret to sign with")
        for secret in secrets:
            if not is_signing_secret(secret):
                raise ValueError("a secret is not whsec_ and base64 of 24 to 64 bytes")
        self._hooks = [Webhook(secret) for secret in secrets]

    def headers(self, webhook_id: str, body: str, now_ms: int) -> dict[str, str]:
        """The headers of an attempt at `now_ms` (milliseconds since 1970)."""
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(hook.sign(webhook_id, now, body) for hook in self._hooks),
        }
