"""How well silence is understood: the churn model and its deadlines on real purchases (CDNOW).

The model is fitted to weeks 0-39 and judged by weeks 39-78. What each figure means is in
docs/how-to/models.md.
"""

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bench.cdnow import END, END_OF_CALIBRATION, Buyer, buyers, number
from bench.figure import Figure
from schemas.models import BgNbd
from streams.models.churn import weeks_until
from streams.models.fitting.bg_nbd import fit_bg_nbd
from streams.models.fitting.expectations import all_alive, all_purchases
from streams.models.fitting.histories import gather_histories

THRESHOLD = 0.5
"""As in the playbook that ships."""

CUT, LAST = number(END_OF_CALIBRATION), number(END)

CERTAIN = LAST - CUT
"""Days of silence after which the hold-out calls a customer lost."""

Alarm = Callable[[Sequence[int]], float]
"""Purchase days so far -> the day on which silence after them becomes an alarm."""


def measure() -> Iterator[Figure]:
    """All figures of the sample."""
    sample = buyers()
    rows = [_summary(buyer) for buyer in sample]
    data = gather_histories([(x, t_x, t, 1) for x, t_x, t, _ in rows])
    later = np.array([count for *_, count in rows], dtype=float)
    begun = time.perf_counter()
    model = fit_bg_nbd(data).model
    yield Figure(
        "fit.seconds", round(time.perf_counter() - begun, 2), "s", {"customers": len(rows)}
    )
    weeks = (LAST - CUT) / 7
    again = data.x > 0
    alive = all_alive(model, data)
    expected = all_purchases(model, data, weeks)
    about = {"customers": len(rows), "weeks": 39}
    yield Figure(
        "churn.auc", _auc(alive[again], later[again] > 0), "of 1",
        {"customers": int(again.sum()), "of": "p_alive of repeat buyers"},
    )  # fmt: skip
    yield Figure(
        "churn.auc_all", _auc(alive, later > 0), "of 1", {**about, "of": "p_alive, 1 for x = 0"}
    )
    yield Figure(
        "churn.auc_expected",
        _auc(expected, later > 0),
        "of 1",
        {**about, "of": "expected purchases"},
    )
    yield Figure(
        "churn.auc_recency", _auc(-(data.t - data.t_x)[again], later[again] > 0), "of 1",
        {"customers": int(again.sum()), "of": "days since the last purchase, to compare with"},
    )  # fmt: skip
    yield Figure(
        "churn.predicted_vs_actual", round(float(expected.sum() / later.sum()), 3), "ratio",
        {"predicted": round(float(expected.sum())), "actual": int(later.sum()), **about},
    )  # fmt: skip
    yield from _early_warning(sample, model)


def _early_warning(sample: Sequence[Buyer], model: BgNbd) -> Iterator[Figure]:
    """Alarms standing at the end of week 39, judged by whether a purchase came by week 78."""

    def by_model(days: Sequence[int]) -> float:
        t_x = (days[-1] - days[0]) / 7
        weeks = weeks_until(len(days) - 1, t_x, THRESHOLD, model)
        return math.inf if weeks is None else days[0] + math.ceil(weeks * 7)

    again = [buyer for buyer in sample if bisect_right(buyer.days, CUT) > 1]
    modelled = _judge(again, by_model)
    # The fixed rule that raises as many alarms: so many customers have been silent for longest.
    silences = sorted((CUT - _known(buyer)[-1] for buyer in again), reverse=True)
    days = silences[max(0, int(modelled["alarms"]) - 1)]
    silence = _judge(again, lambda known: known[-1] + days)
    for prefix, found, about in (
        ("churn", modelled, {"threshold": THRESHOLD}),
        ("churn.silence", silence, {"days": days}),
    ):
        told = {
            **about,
            "customers": len(again),
            **{name: int(found[name]) for name in ("alarms", "lost", "came_back")},
        }
        for name, unit in _FIGURES:
            yield Figure(f"{prefix}.{name}", round(found[name], 4), unit, told)
    yield Figure(
        "churn.early_warning_vs_silence", round(modelled["flagged"] / silence["flagged"], 3),
        "ratio",
        {
            "of": "lost customers flagged, at as many alarms",
            "precision_ratio": round(modelled["precision"] / silence["precision"], 3),
            "false_alarm_ratio": round(modelled["false_alarms"] / silence["false_alarms"], 3),
        },
    )  # fmt: skip


_FIGURES = (
    ("lead_days", "days"),
    ("flagged", "of lost"),
    ("false_alarms", "of came back"),
    ("precision", "of alarms"),
    ("alarmed_returns", "of returns"),
)


def _judge(again: Sequence[Buyer], alarm: Alarm) -> dict[str, float]:
    lost = came_back = right = wrong = 0
    early: list[float] = []
    returns = alarmed_returns = 0
    for buyer in again:
        known = _known(buyer)
        raised = alarm(known) <= CUT
        if buyer.days[-1] > CUT:
            came_back += 1
            wrong += raised
        else:
            lost += 1
            right += raised
            if raised:
                early.append(known[-1] + CERTAIN - alarm(known))
        for count in range(2, len(buyer.days)):
            returns += 1
            alarmed_returns += alarm(buyer.days[:count]) < buyer.days[count]
    return {
        "alarms": right + wrong,
        "lost": lost,
        "came_back": came_back,
        "flagged": right / lost,
        "false_alarms": wrong / came_back,
        "precision": right / (right + wrong),
        "lead_days": median(early),
        "alarmed_returns": alarmed_returns / returns,
    }


def _known(buyer: Buyer) -> Sequence[int]:
    return buyer.days[: bisect_right(buyer.days, CUT)]


def _summary(buyer: Buyer) -> tuple[int, int, int, int]:
    """(x, days to the last purchase, days observed) as of the cut, and purchase days after it."""
    known = _known(buyer)
    later = len(buyer.days) - len(known)
    return len(known) - 1, known[-1] - known[0], CUT - known[0], later


def _auc(score: NDArray[np.float64], happened: NDArray[np.bool_]) -> float:
    """How probable it is that of two customers, one who bought and one who did not, the score
    puts the right one first; a tie is half (Mann and Whitney)."""
    ranks = rankdata(score)
    ones = int(happened.sum())
    others = len(score) - ones
    return round(float((ranks[happened].sum() - ones * (ones + 1) / 2) / (ones * others)), 4)
