"""What is posted, and what an answer to it means."""

from base64 import b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from infra.clock import now_ms
from infra.delivery.posting import judge
from infra.delivery.records import Attempt
from infra.delivery.retry_policy import MAX_WAIT
from infra.delivery.signing import Signer
from infra.delivery.slack import slack_payload
from infra.delivery.templates import Written
from infra.delivery.webhook import LARGEST_BODY, webhook_body
from schemas.trigger import Trigger

NEW, OLD = ("whsec_" + b64encode(name * 32).decode() for name in (b"n", b"o"))


def trigger(**changed: object) -> Trigger:
    known: dict[str, object] = {
        "id": "trg_1", "type": "stage.reached", "rule": "r", "customer_id": "u",
        "occurred_at": 1_000, "decided_at": 2_000, "decision": "fire", "reason": "because",
        "why": {},
    }  # fmt: skip
    return Trigger(**{**known, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("30", 30.0),
        ("", None),
        ("²", None),
        ("soon", None),
        ("9" * 400, MAX_WAIT),
    ],
)
def test_a_receiver_is_waited_for_as_long_as_is_sensible(asked: str, waited: float | None) -> None:
    answer = judge(503, asked)
    assert answer == Attempt("again", "the endpoint answered 503", waited)


@pytest.mark.parametrize(
    ("status", "verdict", "slow_down"),
    [
        (200, "delivered", False),
        (204, "delivered", False),
        (301, "again", False),
        (302, "again", False),
        (400, "again", False),
        (410, "gone", False),
        (429, "again", True),
        (500, "again", False),
        (502, "again", True),
        (504, "again", True),
    ],
)
def test_what_a_status_means(status: int, verdict: str, slow_down: bool) -> None:
    answer = judge(status)
    assert (answer.verdict, answer.slow_down) == (verdict, slow_down)


@pytest.mark.parametrize("receiver", [NEW, OLD])
def test_while_a_secret_is_changed_both_verify(receiver: str) -> None:
    body = webhook_body(trigger())
    headers = Signer([NEW, OLD]).headers("trg_1", body.decode(), now_ms())
    assert Webhook(receiver).verify(body, headers)["data"]["id"] == "trg_1"


def test_what_is_no_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        Signer(["secret"])


@given(
    st.dictionaries(st.text(max_size=300), st.text(max_size=30_000), max_size=5),
    st.text(max_size=9_000),
)
def test_a_body_is_never_too_large_and_says_what_was_cut(why: dict[str, str], reason: str) -> None:
    body = webhook_body(trigger(why=why, reason=reason))
    assert len(body) <= LARGEST_BODY
    data = msgspec.json.decode(body)["data"]
    assert data["id"] == "trg_1"
    whole = data["why"] == why and data["reason"] == reason
    assert whole == ("cut" not in data)


def test_nobody_is_mentioned_in_a_chat_by_calling_themselves_a_channel() -> None:
    payload = slack_payload(trigger(customer_id="<!channel>"), None)
    assert "<!channel>" not in msgspec.json.encode(payload).decode()
    written = slack_payload(trigger(), Written("Left", "Call <b> & ask", ""))
    assert written["text"] == "Call &lt;b&gt; &amp; ask"
