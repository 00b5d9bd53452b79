"""Mails and calls: what customers hear, do with it and think better of, comes back as events."""

import email
import re
import threading
from email import policy
from email.message import EmailMessage
from uuid import uuid4

import httpx

from tests.harness.delivering import Delivering
from tests.harness.waiting import wait_until


def mail_to(delivering: Delivering, address: str) -> EmailMessage | None:
    for mail in list(delivering.mailbox.mails):
        message = email.message_from_bytes(mail, policy=policy.default)
        if message["To"] == address:
            return message  # type: ignore[return-value]
    return None


def reader(delivering: Delivering, **traits: object) -> tuple[str, str]:
    """A customer who may be written to, and their address."""
    customer = f"reader-{uuid4()}"
    address = f"{customer}@example.com"
    consent = {"email": True}
    delivering.identify(customer, email=address, name="<Anna>", consent=consent, **traits)
    wait_until(lambda: delivering.stack.customer(customer)["consent"] == {"email": True})
    return customer, address


def test_a_mail_is_read_clicked_and_answered_by_unsubscribing(delivering: Delivering) -> None:
    customer, address = reader(delivering)
    delivering.click(customer, "post")
    mail = wait_until(lambda: mail_to(delivering, address))
    assert mail["Subject"] == "Hello <Anna>"
    assert mail["Message-ID"].endswith("@example.com>")
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "Hello <Anna>." in text
    assert "Hello &lt;Anna&gt;" in html

    links = {kind: re.search(rf'"(http[^"]*/mail/{kind}/[^"]*)"', html)[1]  # type: ignore[index]
             for kind in ("open", "click")}  # fmt: skip
    stranger = httpx.Client(follow_redirects=False)
    assert stranger.get(links["open"]).headers["content-type"] == "image/gif"
    answer = stranger.get(links["click"])
    assert (answer.status_code, answer.headers["location"]) == (
        302,
        "https://shop.example/?a=1&b=2",
    )
    broken = links["click"][:-6] + "AAAAAA"
    assert stranger.get(broken).status_code == 404

    unsubscribe = mail["List-Unsubscribe"].strip("<>")
    assert "post" in stranger.get(unsubscribe).text
    assert delivering.stack.customer(customer)["consent"] == {"email": True}
    answer = stranger.post(unsubscribe, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    wait_until(lambda: delivering.stack.customer(customer)["consent"] == {"email": False})
    stranger.close()

    expected = {
        ("trigger.delivered", "email", "outbound", "delivered"),
        ("trigger.opened", "email", "inbound", "opened"),
        ("trigger.clicked", "email", "inbound", "clicked"),
    }
    wait_until(lambda: {row[:4] for row in delivering.contacts(customer)} == expected)


def test_who_changes_their_mind_before_the_mail_got_through_gets_none(
    delivering: Delivering,
) -> None:
    customer, address = reader(delivering)
    delivering.mailbox.refuse[address] = "451 later"
    delivering.click(customer, "post")
    wait_until(lambda: address in delivering.mailbox.asked)
    delivering.identify(customer, consent={"email": False})
    wait_until(lambda: delivering.stack.customer(customer)["consent"] == {"email": False})
    del delivering.mailbox.refuse[address]
    wait_until(lambda: "trigger.withheld" in [row[0] for row in delivering.contacts(customer)])
    assert mail_to(delivering, address) is None


def test_an_address_that_is_refused_for_good_is_asked_once(delivering: Delivering) -> None:
    customer, address = reader(delivering)
    delivering.mailbox.refuse[address] = "550 nobody here"
    delivering.click(customer, "post")
    wait_until(lambda: "trigger.failed" in [row[0] for row in delivering.contacts(customer)])
    assert delivering.mailbox.asked.count(address) == 1
    assert delivering.endpoint("post")["circuit"] == "closed"


def test_two_operators_do_not_call_the_same_customer(delivering: Delivering) -> None:
    customer = f"caller-{uuid4()}"
    delivering.identify(customer, phone="+82 2-312-3456")
    delivering.click(customer, "calls")

    def waiting() -> list[dict[str, str]]:
        calls = delivering.stack.get("/v1/calls").json()["calls"]
        return [call for call in calls if call["customer_id"] == customer]

    (call,) = wait_until(waiting)
    assert call["phone"] == "+8223123456"
    assert "introduction" in call["reason"]

    answers: dict[str, int] = {}
    together = threading.Barrier(6)

    def claim(operator: str) -> None:
        together.wait()
        answer = delivering.http.post(f"/v1/calls/{call['id']}/claim", json={"operator": operator})
        answers[operator] = answer.status_code

    operators = [f"operator-{n}" for n in range(6)]
    threads = [threading.Thread(target=claim, args=(operator,)) for operator in operators]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.values()) == [200, 409, 409, 409, 409, 409]
    (winner,) = (operator for operator, status in answers.items() if status == 200)
    loser = next(operator for operator in operators if operator != winner)

    def done(operator: str) -> int:
        body = {"operator": operator, "outcome": "reached", "note": "comes back"}
        return delivering.http.post(f"/v1/calls/{call['id']}/done", json=body).status_code

    assert done(loser) == 409
    assert done(winner) == 200
    assert done(winner) == 404
    assert waiting() == []
    told = ("call.made", "call", "outbound", "reached", winner)
    wait_until(lambda: told in delivering.contacts(customer))
