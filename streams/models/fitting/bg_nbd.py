"""BG/NBD by maximum likelihood: purchase rates and dropout of customers.

Fader, Hardie and Lee, "Counting your customers the easy way", Marketing Science 24 (2005):
the likelihood of one customer is formula (6), its sum over customers (7).
"""

from itertools import product

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from schemas.models import BgNbd
from streams.models.fitting.histories import Histories

Vector = NDArray[np.float64]

_STARTS = tuple(product((0.3, 1.0), (3.0, 12.0), (0.3, 1.0), (2.0,)))
"""r, alpha relative to the mean time between purchases, a, b."""

_FURTHEST = 12.0
"""The logarithm of a parameter stays within this of 0: beyond it, the likelihood is flat."""


class UnfittableError(Exception):
    """No maximum was found; the text says why."""


class FittedBgNbd(msgspec.Struct, frozen=True):
    """The parameters (time in weeks) and how likely they make the data."""

    model: BgNbd
    log_likelihood: float
    customers: int


def log_likelihood(model: BgNbd, data: Histories) -> float:
    """The log-likelihood of all customers (formula 7)."""
    return float(_per_customer(model.r, model.alpha, model.a, model.b, data) @ data.customers)


def fit_bg_nbd(data: Histories) -> FittedBgNbd:
    """The most likely parameters. `UnfittableError` where no start leads to a maximum."""
    best = _best(data)
    if best is None:
        raise UnfittableError("the likelihood of BG/NBD has no maximum on these purchases")
    r, alpha, a, b = (float(value) for value in np.exp(best[1]))
    total = int(data.customers.sum())
    return FittedBgNbd(BgNbd(r, alpha, a, b, fitted=True), -best[0] * total, total)


def _best(data: Histories) -> tuple[float, Vector] | None:
    """(negative mean log-likelihood, logarithms of the parameters): the best of all starts, then
    polished; None where it is on the edge of the parameter space."""
    total = float(data.customers.sum())
    purchases = float(data.customers @ data.x)
    pace = float(data.customers @ data.t) / max(purchases, 1.0) / 10

    def loss(logs: Vector) -> float:
        r, alpha, a, b = np.exp(np.clip(logs, -_FURTHEST, _FURTHEST))
        return -float(_per_customer(r, alpha, a, b, data) @ data.customers) / total

    ends = [
        minimize(loss, np.log([r, alpha * pace, a, b]), method="L-BFGS-B")
        for r, alpha, a, b in _STARTS
    ]
    rough = min(ends, key=lambda end: float(end.fun))
    found = minimize(loss, rough.x, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-13})
    if np.isfinite(found.fun) and np.all(np.abs(found.x) < _FURTHEST):
        return float(found.fun), found.x
    return None


def _per_customer(r: float, alpha: float, a: float, b: float, data: Histories) -> Vector:
    """Log-likelihood of each row: ln A1 + ln A2 + ln(e^A3 + [x>0] e^A4), in logarithms all along,
    so that neither a long history nor a large alpha overflows."""
    x, t_x, t = data.x, data.t_x, data.t
    first = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    # B(a, b+x) / B(a, b), and for the customer who left after the last purchase
    # B(a+1, b+x-1) / B(a, b) = the former * a / (b+x-1).
    stayed = betaln(a, b + x) - betaln(a, b)
    alive = -(r + x) * np.log(alpha + t)
    again = x > 0
    left = np.full_like(alive, -np.inf)
    left[again] = np.log(a) - np.log(b + x[again] - 1) - (r + x[again]) * np.log(alpha + t_x[again])
    total: Vector = first + stayed + np.logaddexp(alive, left)
    return total
