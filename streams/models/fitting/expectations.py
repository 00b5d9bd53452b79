"""P(alive) and purchases to come, of many customers at once.

The same formulas as `streams.models.churn` and `streams.models.value` have for one.
"""

import numpy as np
from numpy.typing import NDArray

from schemas.models import BgNbd
from streams.models.fitting.histories import Histories

Vector = NDArray[np.float64]


def all_alive(model: BgNbd, data: Histories) -> Vector:
    """P(alive) at the end of the observation, a value per row."""
    log_odds = (
        np.log(model.a)
        - np.log(np.maximum(model.b + data.x - 1, 1e-300))
        + (model.r + data.x) * (np.log(model.alpha + data.t) - np.log(model.alpha + data.t_x))
    )
    alive: Vector = np.where(data.x > 0, 1.0 / (1.0 + np.exp(np.minimum(log_odds, 700.0))), 1.0)
    return alive


def all_purchases(model: BgNbd, data: Histories, weeks: float | Vector) -> Vector:
    """Expected repeat purchases within `weeks` after the observation, a value per row."""
    reach = weeks / (model.alpha + data.t)
    shape = model.r + data.x
    log_share = np.log(reach) - np.log1p(reach)
    log_just = -shape * np.log1p(reach)
    more = -np.expm1(log_just)
    staying = np.ones_like(more)
    total = np.zeros_like(more)
    for k in range(20_000):
        total += more * staying
        staying *= (model.b + data.x + k) / (model.a + model.b + data.x + k)
        log_just += np.log((shape + k) / (k + 1)) + log_share
        more -= np.exp(log_just)
        if float(more.max(initial=0.0)) < 1e-12:
            break
    found: Vector = all_alive(model, data) * total
    return found
