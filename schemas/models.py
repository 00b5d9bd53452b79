"""What has been learned from all customers; the fold reads it and never writes it."""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class BgNbd(msgspec.Struct, frozen=True, gc=False):
    """BG/NBD parameters (Fader, Hardie and Lee 2005), time in weeks.

    The defaults are the published fit of the CDNOW cohort: a general shop, until `daehwa fit`
    has seen this one.
    """

    r: float = 0.243
    alpha: float = 4.414
    a: float = 0.793
    b: float = 2.426
    fitted: bool = False
    """False: the defaults, and triggers say so."""


class Transitions(Protocol):
    """Which topic follows which, counted over customers."""

    def following(self, topic: str) -> Mapping[str, int]:
        """Topic -> how many customers began it after `topic`."""
        ...

    @property
    def begun(self) -> Mapping[str, int]:
        """Topic -> how many customers began a dialogue on it."""
        ...

    @property
    def begun_total(self) -> int:
        """The sum of `begun`."""
        ...


class Models(msgspec.Struct, frozen=True, gc=False):
    """All models the fold may ask."""

    transitions: Transitions
    churn: BgNbd = BgNbd()
