"""What an answer to a delivery means."""

import httpx
import pytest

from infra.webhook import LONGEST_WAIT, Delivery, _judge


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("30", 30.0),
        ("", 0.0),
        ("²".encode("latin-1"), 0.0),
        ("soon", 0.0),
        ("9" * 400, LONGEST_WAIT),
    ],
)
def test_a_receiver_is_waited_for_as_long_as_is_sensible(asked: str | bytes, waited: float) -> None:
    answer = httpx.Response(503, headers=[("retry-after", asked)])
    assert _judge(answer) == Delivery("again", "the endpoint answered 503", waited)
