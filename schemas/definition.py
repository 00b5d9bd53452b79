"""What the fold goes by and people change while it runs: playbooks and fitted models."""

from typing import Final

import msgspec

PLAYBOOK: Final = "playbook"
CHURN_MODEL: Final = "model.churn"

FROM_FILE: Final = "DAEHWA_PLAYBOOK"
"""Who published the playbook that the settings name."""


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """The value of a record on `daehwa.definitions`."""

    kind: str
    """`playbook`, `model.churn`, …"""
    version: str
    """A hash of the content."""
    content: str
    """A playbook's YAML, a model as JSON."""
    at: int
    """Milliseconds since 1970. Of the definitions of a kind that count, each has a later one."""
    by: str
    """Who published it, in words."""
    replaces: str | None = None
    """The version it was made to replace, `""` for none: it counts only where that is the latest.
    None: it counts whatever is the latest."""


class InForce(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Which definition of a kind the fold goes by."""

    version: str
    at: int
    """`Definition.at` of it."""
