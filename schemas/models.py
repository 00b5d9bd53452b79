"""What has been learned from all customers; the fold reads it and never writes it."""

from collections.abc import Mapping
from typing import Literal, Protocol

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


class GammaGamma(msgspec.Struct, frozen=True, gc=False):
    """Gamma-Gamma parameters (Fader and Hardie 2013) of the spend on one purchase day.

    There are no defaults: `gamma` is money of one shop in one currency.
    """

    p: float
    q: float
    gamma: float
    """Units of the currency."""
    fitted: bool = True


class ChurnModel(msgspec.Struct, frozen=True):
    """What `daehwa fit` publishes as `model.churn`."""

    purchases: BgNbd = BgNbd()
    spend: dict[str, GammaGamma] = {}
    """Currency -> what a purchase day is worth; of a currency that is missing, each customer's own
    mean is taken."""
    horizon_weeks: int = 52
    """How far ahead residual value looks."""
    yearly_discount: float = 0.1
    """What money a year from now loses against money today, as a share."""


DEFAULT_CHURN_MODEL = ChurnModel()

Tier = Literal["top", "middle", "low"]
