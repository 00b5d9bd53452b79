"""What makes a rule speak."""

from typing import Any

import msgspec

from schemas.trigger import TriggerType
from streams.playbook.parts import CompiledRule


class Cause(msgspec.Struct, frozen=True, gc=False):
    """What made a rule speak."""

    type: TriggerType
    cause: str
    """Together with rule and customer it names the decision: the same cause, the same id."""
    occurred_at: int
    decided_at: int
    reason: str
    why: dict[str, Any]
    topic: str | None = None
    stage: str | None = None

    def facts(self) -> dict[str, Any]:
        """What an expression may ask of what fires the trigger."""
        why = self.why
        return {
            "topic": self.topic,
            "stage": self.stage,
            "channel": why.get("channel"),
            "share": why.get("share"),
            "lift": why.get("lift"),
        }


Spark = tuple[CompiledRule, Cause]
"""A rule and what made it speak: the one thing that is decided on."""
