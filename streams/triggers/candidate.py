"""A candidate: a rule of the playbook and the cause that makes it fire, before policy is asked."""

from typing import Any

import msgspec

from streams.playbook.parts import CompiledRule


class Cause(msgspec.Struct, frozen=True, gc=False):
    """What makes a rule fire. Times are milliseconds since 1970."""

    type: str
    """Name of a trigger type in `streams.triggers.registry`."""
    cause: str
    """Names the decision together with rule and customer: the same cause, the same trigger id."""
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


Candidate = tuple[CompiledRule, Cause]
