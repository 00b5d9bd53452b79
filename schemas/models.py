"""Models learned from all customers; read-only for the fold."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class BgNbd(msgspec.Struct, frozen=True, gc=False):
    """BG/NBD parameters (Fader, Hardie and Lee 2005), time in weeks.

    The defaults are the published fit of the CDNOW cohort: a general shop, until `daehwa fit`.
    """

    r: float = 0.243
    alpha: float = 4.414
    a: float = 0.793
    b: float = 2.426
    fitted: bool = False
    """False: the defaults; triggers mention it."""


class GammaGamma(msgspec.Struct, frozen=True, gc=False):
    """Gamma-Gamma parameters (Fader and Hardie 2013) of the spend on one purchase day.

    There are no defaults: `gamma` is money of one shop in one currency.
    """

    p: float
    q: float
    gamma: float
    """Units of the currency."""


class ValueModel(msgspec.Struct, frozen=True):
    """Parameters of residual value: horizon, discount and spend models."""

    spend: dict[str, GammaGamma] = {}
    """Currency -> model; without one, the customer's own mean is used."""
    horizon_weeks: float = 52.0
    yearly_discount: float = 0.1
    """Annual discount rate."""


DEFAULT_VALUE = ValueModel()


class ChurnModels(msgspec.Struct, frozen=True):
    """What `daehwa fit` publishes under the name `model.churn`."""

    churn: BgNbd = BgNbd()
    value: ValueModel = DEFAULT_VALUE
    fitted_at: int = 0
    """Milliseconds since 1970; 0: the defaults."""


class Transitions(Protocol):
    """Which topic follows which, counted over customers (`streams.models.transitions`)."""

    def following(self, topic: str) -> Mapping[str, int]:
        """Next topic -> how often it was begun by those who knew `topic`."""
        ...

    def gone_on(self, topic: str) -> int:
        """The sum of `following`."""
        ...

    def strongest(self, topic: str) -> Sequence[str]:
        """The most frequent ones of `following`, most frequent first."""
        ...

    @property
    def popular(self) -> Sequence[str]:
        """The topics begun most lately, most frequent first."""
        ...

    @property
    def lately(self) -> Mapping[str, int]:
        """Topic -> how many customers began it, those of long ago counting less."""
        ...

    @property
    def arrived(self) -> Mapping[str, int]:
        """Topic -> transitions to it, from any other."""
        ...

    @property
    def arrived_total(self) -> int:
        """The sum of `arrived`."""
        ...

    @property
    def customers(self) -> int:
        """How many customers began anything."""
        ...

    @property
    def begun(self) -> Mapping[str, int]:
        """Topic -> how many customers began a dialogue on it."""
        ...

    @property
    def begun_total(self) -> int:
        """The sum of `begun`."""
        ...


class Counts(Protocol):
    """What else was counted over customers, by kind (`streams.models.learned`)."""

    def counts(self, kind: str) -> Mapping[str, int]:
        """Field -> count."""
        ...


class NothingCounted:
    """Empty counts."""

    def counts(self, kind: str) -> Mapping[str, int]:
        """Nothing."""
        return {}


class Models(msgspec.Struct, frozen=True, gc=False):
    """All models the fold may ask."""

    transitions: Transitions
    churn: BgNbd = BgNbd()
    value: ValueModel = DEFAULT_VALUE
    learned: Counts = NothingCounted()
