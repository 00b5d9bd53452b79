"""Fits all models of a shop to its archive, with a hold-out validation."""

from collections.abc import Callable, Sequence

import msgspec

from schemas.models import BgNbd, ChurnModels, GammaGamma, ValueModel
from streams.models.fitting.bg_nbd import UnfittableError, fit_bg_nbd
from streams.models.fitting.expectations import all_purchases
from streams.models.fitting.gamma_gamma import fit_gamma_gamma
from streams.models.fitting.histories import Histories
from streams.models.fitting.observations import Observation, currencies, early, spends, whole
from streams.models.fitting.thresholds import MIN_SPENDERS, too_thin

MAX_CURRENCIES = 8


class TooThinError(Exception):
    """Too little data; the text says what there is and what is needed."""


class HoldOut(msgspec.Struct, frozen=True):
    """Hold-out validation: predicted and actual repeat purchases."""

    weeks: float
    customers: int
    predicted: float
    actual: int
    by_purchases: tuple[tuple[int, int, float, float], ...]
    """(x before, customers, predicted mean, actual mean), the last row for that many and more."""


class Fit(msgspec.Struct, frozen=True):
    """Result of `daehwa fit`."""

    models: ChurnModels
    customers: int
    repeat_buyers: int
    weeks: float
    log_likelihood: float
    spenders: dict[str, int]
    """Currency -> repeat buyers its model is fitted to."""
    hold_out: HoldOut | None
    """None where half of the observation is too little to fit a model."""


def fit_models(
    observed: Sequence[Observation],
    early_weeks: float,
    later_weeks: float,
    fitted_at: int,
    tell: Callable[[str], None] = lambda step: None,
) -> Fit:
    """The models. `later_weeks` is weeks of purchases after the end of the observation: with more
    than 0 the model itself is validated against them, else one fitted to the first part against
    `early_weeks` after it. `TooThinError`, `UnfittableError`."""
    data = whole(observed)
    thin = too_thin(data)
    if thin is not None:
        raise TooThinError(thin)
    tell("fitting purchases")
    fitted = fit_bg_nbd(data)
    spend: dict[str, GammaGamma] = {}
    spenders: dict[str, int] = {}
    for currency in currencies(observed)[:MAX_CURRENCIES]:
        amounts = spends(observed, currency)
        if len(amounts.x) < MIN_SPENDERS:
            continue
        tell(f"fitting spend in {currency or 'no currency'}")
        try:
            spend[currency] = fit_gamma_gamma(amounts).model
        except UnfittableError:
            continue
        spenders[currency] = len(amounts.x)
    tell("holding it against what came")
    return Fit(
        models=ChurnModels(fitted.model, ValueModel(spend), fitted_at),
        customers=fitted.customers,
        repeat_buyers=int(data.customers[data.x > 0].sum()),
        weeks=float(data.t.max()),
        log_likelihood=fitted.log_likelihood,
        spenders=spenders,
        hold_out=_hold_out(observed, data, fitted.model, early_weeks, later_weeks),
    )


def _hold_out(
    observed: Sequence[Observation],
    data: Histories,
    model: BgNbd,
    early_weeks: float,
    later_weeks: float,
) -> HoldOut | None:
    if later_weeks > 0:
        rows = [(o.x, o.later_days, o.customers) for o in observed]
        return compare(data, model, later_weeks, rows)
    before = early(observed)
    if too_thin(before) is not None:
        return None
    try:
        tried = fit_bg_nbd(before).model
    except UnfittableError:
        return None
    rows = [
        (o.early_days - 1, o.x + 1 - o.early_days, o.customers) for o in observed if o.early_days
    ]
    return compare(before, tried, early_weeks, rows)


def compare(
    data: Histories,
    model: BgNbd,
    weeks: float,
    rows: Sequence[tuple[int, int, int]],
    most: int = 7,
) -> HoldOut:
    """Predicted against actual; `rows` are (x before, purchase days then, customers)."""
    predicted = all_purchases(model, data, weeks) * data.customers
    table = []
    for x in range(most + 1):
        mine = data.x >= x if x == most else data.x == x
        count = int(data.customers[mine].sum())
        actual = sum(c * n for before, n, c in rows if (before >= x if x == most else before == x))
        if count:
            table.append((x, count, float(predicted[mine].sum()) / count, actual / count))
    return HoldOut(
        weeks,
        int(data.customers.sum()),
        float(predicted.sum()),
        sum(count * customers for _, count, customers in rows),
        tuple(table),
    )
