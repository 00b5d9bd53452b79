"""Gamma-Gamma by maximum likelihood: what a purchase is worth, and how customers differ in it.

Fader and Hardie, "The Gamma-Gamma model of monetary value" (2013), formula (1a): the likelihood
of the mean spend of a customer over x purchases.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

from schemas.models import GammaGamma
from streams.models.fitting.bg_nbd import UnfittableError
from streams.models.fitting.histories import Spends

Vector = NDArray[np.float64]

_STARTS = ((2.0, 2.0), (6.0, 4.0), (1.0, 8.0))
"""p, q; gamma follows from the mean spend: it is p * gamma / (q - 1)."""

_FURTHEST = 12.0


class FittedGammaGamma(msgspec.Struct, frozen=True):
    """The parameters (gamma in units of the currency) and how likely they make the data."""

    model: GammaGamma
    log_likelihood: float
    customers: int


def fit_gamma_gamma(data: Spends) -> FittedGammaGamma:
    """The most likely parameters. `UnfittableError` where no start leads to a maximum."""
    typical = float(np.exp(np.log(data.mean).mean()))

    def loss(logs: Vector) -> float:
        p, q, gamma = np.exp(np.clip(logs, -_FURTHEST, _FURTHEST))
        return -_log_likelihood(p, q, gamma, data.x, data.mean / typical) / len(data.x)

    best: tuple[float, Vector] | None = None
    for p, q in _STARTS:
        start = np.log([p, q, max(q - 1, 0.5) / p])
        rough = minimize(loss, start, method="L-BFGS-B")
        found = minimize(
            loss, rough.x, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-13}
        )
        inside = np.isfinite(found.fun) and np.all(np.abs(found.x) < _FURTHEST)
        if inside and (best is None or found.fun < best[0]):
            best = float(found.fun), found.x
    if best is None:
        raise UnfittableError("the likelihood of Gamma-Gamma has no maximum on these amounts")
    p, q, gamma = (float(value) for value in np.exp(best[1]))
    # Fitted to amounts divided by `typical`: of a density that costs its logarithm a customer.
    total = -best[0] * len(data.x) - len(data.x) * float(np.log(typical))
    return FittedGammaGamma(GammaGamma(p, q, gamma * typical), total, len(data.x))


def _log_likelihood(p: float, q: float, gamma: float, x: Vector, mean: Vector) -> float:
    each = (
        gammaln(p * x + q)
        - gammaln(p * x)
        - gammaln(q)
        + q * np.log(gamma)
        + (p * x - 1) * np.log(mean)
        + p * x * np.log(x)
        - (p * x + q) * np.log(gamma + x * mean)
    )
    return float(each.sum())
