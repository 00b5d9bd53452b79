"""Fitting: the published figures on real purchases, known parameters from made-up ones."""

from datetime import date

import numpy as np
import pytest

from infra.demo.purchase_histories import history_file, read_histories
from schemas.models import BgNbd
from streams.models.churn import p_alive
from streams.models.fitting.bg_nbd import fit_bg_nbd, log_likelihood
from streams.models.fitting.expectations import all_alive, all_purchases
from streams.models.fitting.fit import TooThinError, fit_models
from streams.models.fitting.gamma_gamma import fit_gamma_gamma
from streams.models.fitting.histories import Histories, gather_histories, gather_spends
from streams.models.fitting.observations import Observation
from streams.models.fitting.thresholds import too_thin
from streams.models.value import purchases_if_alive

END = date(1997, 9, 30)


def cdnow() -> tuple[Histories, list[tuple[int, float]], np.ndarray]:
    """(histories as of week 39, (x, mean spend) of repeat buyers, purchase days after it)."""
    path = history_file()
    assert path is not None
    rows, spends, later = [], [], []
    for history in read_histories(path):
        spent: dict[date, int] = {}
        after = set()
        for purchase in history.purchases:
            if purchase.day <= END:
                spent[purchase.day] = spent.get(purchase.day, 0) + purchase.cents
            else:
                after.add(purchase.day)
        days = sorted(spent)
        rows.append((len(days) - 1, (days[-1] - days[0]).days, (END - days[0]).days, 1))
        later.append(len(after))
        if len(days) > 1:
            spends.append((len(days) - 1, sum(spent[d] for d in days[1:]) / 100 / (len(days) - 1)))
    return gather_histories(rows), spends, np.array(later)


def test_the_published_figures_of_cdnow_to_the_printed_digits() -> None:
    """BG/NBD: Fader, Hardie and Lee 2005; Gamma-Gamma: Fader and Hardie 2013."""
    data, spends, _ = cdnow()
    fitted = fit_bg_nbd(data)
    m = fitted.model
    assert (round(m.r, 3), round(m.alpha, 3), round(m.a, 3), round(m.b, 3)) == (
        0.243, 4.414, 0.793, 2.426,
    )  # fmt: skip
    assert round(fitted.log_likelihood, 1) == -9582.4
    assert fitted.customers == 2357
    assert m.fitted
    spend = fit_gamma_gamma(gather_spends(spends))
    assert spend.customers == 946
    g = spend.model
    assert (round(g.p, 2), round(g.q, 2), round(g.gamma, 2)) == (6.25, 3.74, 15.44)


def test_no_other_parameters_nearby_are_likelier() -> None:
    data, _, _ = cdnow()
    best = fit_bg_nbd(data)
    assert log_likelihood(best.model, data) == pytest.approx(best.log_likelihood)
    m = best.model
    for factor in (0.97, 1.03):
        for other in (
            BgNbd(m.r * factor, m.alpha, m.a, m.b),
            BgNbd(m.r, m.alpha * factor, m.a, m.b),
            BgNbd(m.r, m.alpha, m.a * factor, m.b),
            BgNbd(m.r, m.alpha, m.a, m.b * factor),
        ):
            assert log_likelihood(other, data) < best.log_likelihood


def test_a_made_up_shop_gives_its_parameters_back() -> None:
    """8,000 customers who buy and leave as BG/NBD says, over two years."""
    truth, weeks, size = BgNbd(0.8, 6.0, 0.9, 2.5), 104.0, 8_000
    chance = np.random.default_rng(11)
    rows = []
    for pace, leaving in zip(
        chance.gamma(truth.r, 1 / truth.alpha, size),
        chance.beta(truth.a, truth.b, size),
        strict=True,
    ):
        start = chance.uniform(0, 12)
        x, at, last = 0, start, start
        while True:
            at += chance.exponential(1 / pace)
            if at > weeks:
                break
            x, last = x + 1, at
            if chance.random() < leaving:
                break
        rows.append((x, round((last - start) * 7), round((weeks - start) * 7), 1))
    found = fit_bg_nbd(gather_histories(rows)).model
    assert found.r == pytest.approx(truth.r, rel=0.1)
    assert found.alpha == pytest.approx(truth.alpha, rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(truth.a / (truth.a + truth.b), rel=0.1)


def test_many_customers_at_once_are_each_alone() -> None:
    data, _, _ = cdnow()
    few = Histories(data.x[:200], data.t_x[:200], data.t[:200], data.customers[:200])
    model = BgNbd()
    alive, expected = all_alive(model, few), all_purchases(model, few, 39.0)
    for row in range(200):
        x, t_x, t = int(few.x[row]), float(few.t_x[row]), float(few.t[row])
        one = p_alive(x, t_x, t, model)
        assert alive[row] == pytest.approx(one, rel=1e-9)
        assert expected[row] == pytest.approx(one * purchases_if_alive(x, t, 39.0, model), rel=1e-9)


def test_the_hold_out_is_foretold_as_the_paper_tells_it() -> None:
    """Mean purchases in weeks 39-78 by purchases before, as in the paper's conditional
    expectations: who bought once more is expected to buy half as often again."""
    data, _, later = cdnow()
    expected = all_purchases(fit_bg_nbd(data).model, data, 39.0)
    assert expected.sum() == pytest.approx(later.sum(), rel=0.15)
    means = [float(expected[data.x == x].mean()) for x in range(7)]
    assert [round(mean, 2) for mean in means[:3]] == [0.23, 0.52, 1.04]
    assert means == sorted(means)


def of(x: int, customers: int, days: int = 270) -> Observation:
    return Observation(x, 30 * x, days, 1, 0, days // 2, 0, "EUR" if x else "", 20.0 * x, customers)


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        ([], "0 customers (at least 300), 0 of them"),
        ([of(0, 200), of(1, 99)], "299 customers (at least 300), 99 of them"),
        ([of(0, 5_000), of(2, 99)], "5099 customers (at least 300), 99 of them"),
        ([of(0, 900, 40), of(1, 300, 40)], "5.7 weeks observed (at least 12)"),
    ],
)
def test_refuses_what_is_too_thin_with_the_numbers(observed: list[Observation], said: str) -> None:
    with pytest.raises(TooThinError, match="too little to fit a model to") as refused:
        fit_models(observed, 1.0, 0.0, 0)
    assert said in str(refused.value)


def test_enough_is_enough() -> None:
    data = gather_histories([(0, 0, 84, 200), (1, 20, 80, 100)])
    assert too_thin(data) is None
