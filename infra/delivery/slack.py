"""Triggers to a chat: the payload of Slack's incoming webhooks, which other chats accept, too."""

import msgspec

from infra.delivery.posting import Poster
from infra.delivery.records import Attempt, Delivery
from infra.delivery.templates import Written
from schemas.trigger import Trigger

_MAX_LENGTH = 2_900
"""Slack accepts 3,000 characters per block."""


class SlackSender:
    """Posts messages to one incoming webhook. The URL itself is the secret."""

    def __init__(self, poster: Poster, url: str) -> None:
        self._poster = poster
        self._url = url

    async def send(self, delivery: Delivery, written: Written | None) -> Attempt:
        """One attempt; `written` from the trigger's template, without one its reason."""
        body = msgspec.json.encode(slack_payload(delivery.trigger, written))
        return await self._poster.post(self._url, body, {"content-type": "application/json"})


def slack_payload(trigger: Trigger, written: Written | None) -> dict[str, object]:
    """`text` for notifications, `blocks` for the channel."""
    text = written.text if written is not None else f"{trigger.customer_id}: {trigger.reason}"
    title = (written.subject if written is not None else "") or trigger.type
    facts = [trigger.rule, trigger.topic, trigger.stage, trigger.campaign, trigger.id]
    return {
        "text": _escape(text)[:_MAX_LENGTH],
        "blocks": [
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": f"*{_escape(title)}*\n{_escape(text)}"[:_MAX_LENGTH],
                },
            },
            {
                "type": "context",
                "elements": [
                    {"type": "plain_text", "text": " · ".join(f for f in facts if f)[:_MAX_LENGTH]}
                ],
            },
        ],
    }


def _escape(text: str) -> str:
    """Escapes Slack's three control characters: no name becomes a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
