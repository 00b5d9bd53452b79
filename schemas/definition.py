"""Definitions of the fold that change at run time: playbooks and fitted models."""

from typing import Final

import msgspec

PLAYBOOK: Final = "playbook"
CHURN_MODEL: Final = "model.churn"

FROM_FILE: Final = "DAEHWA_PLAYBOOK"
"""Author of the playbook of the settings."""


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """The value of a record on `daehwa.definitions`."""

    kind: str
    """`playbook`, `model.churn`, …"""
    version: str
    """A hash of the content."""
    content: str
    """A playbook's YAML, a model as JSON."""
    at: int
    """Milliseconds since 1970; ascending over the accepted definitions of a kind."""
    by: str
    """Author."""
    replaces: str | None = None
    """The base version, `""` for none: accepted only where that is the latest. None: accepted in
    any case."""


class InForce(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Adoption of a definition of a kind."""

    version: str
    at: int
    """`Definition.at` of it."""
