"""Residual value: expected purchases times expected spend per purchase.

Purchases to come follow BG/NBD (Fader, Hardie and Lee 2005), the spend Gamma-Gamma (Fader and
Hardie 2013). Time is in weeks, money in units of its currency.
"""

import math

import msgspec

from schemas.models import BgNbd, GammaGamma, ValueModel
from schemas.profile import Lifecycle
from streams.models.churn import observed, p_alive

WEEKS_A_YEAR = 365.25 / 7

_NODES = (
    (0.0198550717512319, 0.0506142681451880),
    (0.1016667612931866, 0.1111905172266872),
    (0.2372337950418355, 0.1568533229389437),
    (0.4082826787521751, 0.1813418916891810),
    (0.5917173212478249, 0.1813418916891810),
    (0.7627662049581645, 0.1568533229389437),
    (0.8983332387068134, 0.1111905172266872),
    (0.9801449282487681, 0.0506142681451880),
)
"""Nodes in (0, 1) and weights of the Gauss-Legendre quadrature with eight points."""

_ENOUGH = 1e-13
_MAX_TERMS = 20_000


class Residual(msgspec.Struct, frozen=True, gc=False):
    """Residual value of one customer in `currency` (of most spend; "" where none was named). Money
    is in units, discounted."""

    currency: str
    p_alive: float
    per_purchase: float
    """Expected spend on a purchase day."""
    purchases_if_kept: float
    """Expected purchase days within the horizon, were the customer alive now; not discounted."""
    if_kept: float
    """Expected spend within the horizon, were the customer alive now."""

    @property
    def expected(self) -> float:
        """Expected spend within the horizon, weighted by P(alive)."""
        return self.p_alive * self.if_kept

    @property
    def at_stake(self) -> float:
        """Value at stake: (1 - P(alive)) * `if_kept`."""
        return (1.0 - self.p_alive) * self.if_kept


def residual_value(life: Lifecycle, now: int, churn: BgNbd, value: ValueModel) -> Residual | None:
    """Residual value from `now` (milliseconds) on; None without a purchase or without spend."""
    if life.purchases <= 0 or not life.spend:
        return None
    currency, spent = max(life.spend.items(), key=lambda item: (item[1], item[0]))
    if spent <= 0:
        return None
    x, t_x, t = observed(life, now)
    each = expected_spend(x + 1, spent / 100 / (x + 1), value.spend.get(currency))
    kept = discounted_purchases(
        x, t, value.horizon_weeks, math.log1p(value.yearly_discount) / WEEKS_A_YEAR, churn
    )
    return Residual(
        currency,
        p_alive(x, t_x, t, churn),
        each,
        purchases_if_alive(x, t, value.horizon_weeks, churn),
        kept * each,
    )


def expected_spend(days: int, mean: float, model: GammaGamma | None) -> float:
    """Expected spend on the next purchase day after `days` of them with this `mean`.

    p (gamma + x m) / (p x + q - 1), formula (5) of the note: a mean of the customer's own and of
    everybody's, weighted by how much is known. Without a model, or for one in which the mean of
    everybody is infinite (q <= 1) and nothing is known, the customer's own.
    """
    if model is None:
        return mean
    weight = model.p * days + model.q - 1
    if weight <= 0:
        return mean
    return model.p * (model.gamma + days * mean) / weight


def purchases_if_alive(x: int, t: float, weeks: float, model: BgNbd) -> float:
    """Expected purchases within `weeks` of a customer who is alive at T, after `x` repeat ones.

    It is formula (10) of the paper without its denominator, which is 1 / P(alive), as a sum of
    positive terms where the paper has a hypergeometric function that fails near a = 1. Who never
    left would buy N times, N being negative binomial with r+x and (alpha+T)/(alpha+T+weeks); the
    k-th of those is made by whoever did not leave after the k-1 before it, which has the
    probability (b+x)_(k-1) / (a+b+x)_(k-1). So it is the sum over k >= 0 of P(N > k) times that.
    """
    if weeks <= 0:
        return 0.0
    shape, reach = model.r + x, weeks / (model.alpha + t)
    share = reach / (1.0 + reach)
    log_just = -shape * math.log1p(reach)
    more, staying, total = -math.expm1(log_just), 1.0, 0.0
    for k in range(_MAX_TERMS):
        total += more * staying
        staying *= (model.b + x + k) / (model.a + model.b + x + k)
        log_just += math.log((shape + k) / (k + 1) * share)
        more -= math.exp(log_just)
        if more < _ENOUGH:
            break
    return total


def discounted_purchases(x: int, t: float, weeks: float, weekly_rate: float, model: BgNbd) -> float:
    """The same with each purchase u weeks ahead counted exp(-weekly_rate * u) times.

    Integrated by parts, exp(-d H) E(H) + d * integral of exp(-d u) E(u) du over (0, H): what is
    left to integrate is smooth and small.
    """
    whole = purchases_if_alive(x, t, weeks, model)
    if weekly_rate <= 0 or weeks <= 0:
        return whole
    inner = sum(
        weight * math.exp(-weekly_rate * weeks * at) * purchases_if_alive(x, t, weeks * at, model)
        for at, weight in _NODES
    )
    return math.exp(-weekly_rate * weeks) * whole + weekly_rate * weeks * inner
