"""What the 360° view says of a customer's future."""

import msgspec

from schemas.models import BgNbd, GammaGamma, Models, ValueModel
from schemas.profile import Lifecycle, Profile
from streams.models.learned import Learned
from streams.models.tiers import KIND, spend_bin
from streams.views.customer_view import customer_view
from tests.harness.histories import BEGIN, DAY, MODELS, event, fold_all, shop


def bought(day: int, total: float, currency: str = "EUR") -> Profile:
    return fold_all(
        event(
            f"o{at}",
            name="Order Completed",
            user_id="u1",
            occurred_at=BEGIN + at * DAY,
            properties={"total": total, "currency": currency},
        )
        for at in (0, day)
    )


def test_money_is_decimal_text_and_adds_up() -> None:
    fitted = Models(
        MODELS.transitions,
        BgNbd(fitted=True),
        ValueModel({"EUR": GammaGamma(6.25, 3.74, 15.44)}),
    )
    seen = customer_view(bought(20, 50.0), shop(), fitted, BEGIN + 90 * DAY)
    residual = seen["value"]["residual"]
    assert residual["currency"] == "EUR"
    assert seen["churn"]["model"] == "fitted"
    assert 0 < seen["churn"]["p_alive"] < 1
    kept, expected, stake = (float(residual[k]) for k in ("if_kept", "expected", "at_stake"))
    assert abs(kept - expected - stake) < 0.02
    assert abs(expected / kept - seen["churn"]["p_alive"]) < 0.01
    assert 35 < float(residual["per_purchase"]) < 50, "between everybody's and the customer's own"
    assert residual["horizon_weeks"] == 52
    assert msgspec.json.encode(seen["value"])


def test_days_of_activity_are_counted_once_a_day() -> None:
    profile = fold_all(
        event(f"v{at}", "page", user_id="u1", occurred_at=BEGIN + at * DAY // 4) for at in range(12)
    )
    churn = customer_view(profile, shop(), MODELS, BEGIN + 4 * DAY)["churn"]
    assert churn["active_days"] in (3, 4)
    assert churn["of_days"] == churn["active_days"]
    assert churn["visit_deadline"] is None, "no rule asks for it"
    assert churn["p_alive"] is None


def test_nobody_who_spent_nothing_has_a_value() -> None:
    seen = customer_view(Profile("u1", lifecycle=Lifecycle()), shop(), MODELS, BEGIN)
    assert seen["value"]["residual"] is None
    assert seen["value"]["tier"] is None
    assert seen["churn"]["of_days"] == 0


def test_the_tier_is_that_of_the_partition() -> None:
    learned = Learned()
    for amount, customers in ((500, 200), (90_000, 40)):
        learned.count(KIND, f"EUR|{spend_bin(amount)}", customers, {})
    models = Models(MODELS.transitions, BgNbd(), ValueModel(), learned)
    for total, tier in ((450.0, "top"), (1.0, "low")):
        seen = customer_view(bought(20, total), shop(), models, BEGIN + 90 * DAY)
        assert seen["value"]["tier"] == tier
