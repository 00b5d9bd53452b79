"""Webhooks against real receivers: verified, retried, never lost, never twice."""

import copy
import subprocess
import sys
import threading
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
import yaml
from kafka import KafkaProducer
from standardwebhooks import Webhook

from infra.kafka.names import TRIGGERS
from schemas.trigger import Trigger
from streams.codec.codec import encode_trigger
from streams.identity.partitioning import partition_of
from tests.harness.delivering import NEW, OLD, SECRET, Delivering
from tests.harness.waiting import wait_until


def somebody() -> str:
    return f"customer-{uuid4()}"


def test_python_s_standardwebhooks_verifies_every_delivery(delivering: Delivering) -> None:
    customers = {somebody() for _ in range(20)}
    for path in ("default", "hook"):
        for customer in customers:
            delivering.click(customer, path)
    for path in ("default", "hook"):
        arrived = wait_until(
            lambda: len(found := delivering.receiver.at(f"/{path}")) >= 20 and found  # noqa: B023
        )
        bodies = [Webhook(SECRET).verify(one.body, one.headers) for one in arrived]
        assert {body["data"]["customer_id"] for body in bodies} >= customers
        assert {body["type"] for body in bodies} == {"stage.reached"}
        assert [one.id for one in arrived] == [body["data"]["id"] for body in bodies]
        assert all(one.headers["content-type"] == "application/json" for one in arrived)


def test_npm_s_standardwebhooks_verifies_every_delivery(delivering: Delivering) -> None:
    if delivering.node is None:
        pytest.skip(delivering.without_node)
    customers = [somebody() for _ in range(10)]
    for customer in customers:
        delivering.click(customer, "node")
    assert delivering.node.stdout is not None
    told = [msgspec.json.decode(delivering.node.stdout.readline()) for _ in customers]
    assert [one.get("refused") for one in told] == [None] * len(customers)
    assert {one["customer"] for one in told} == set(customers)


def test_while_a_secret_is_changed_the_old_and_the_new_verify(delivering: Delivering) -> None:
    delivering.click(somebody(), "rotated")
    (arrived,) = wait_until(lambda: delivering.receiver.at("/rotated"))
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(arrived.body, arrived.headers)


def test_a_receiver_that_was_down_gets_each_trigger_under_one_id(delivering: Delivering) -> None:
    up = threading.Event()
    delivering.receiver.answers["/down"] = lambda _: (204, {}) if up.is_set() else (503, {})
    customers = {somebody() for _ in range(12)}
    for customer in customers:
        delivering.click(customer, "down")
    wait_until(lambda: len(delivering.receiver.at("/down")) >= 5)
    wait_until(lambda: delivering.endpoint("down")["circuit"] in ("open", "probing"))
    assert delivering.stack.get("/readyz").status_code == 200
    up.set()

    def told() -> bool:
        good = [one for one in delivering.receiver.at("/down") if one.status == 204]
        return {msgspec.json.decode(one.body)["data"]["customer_id"] for one in good} == customers

    wait_until(told, within=30)
    ids: dict[str, set[str]] = {}
    for one in delivering.receiver.at("/down"):
        customer = msgspec.json.decode(one.body)["data"]["customer_id"]
        ids.setdefault(customer, set()).add(one.id)
    assert all(len(found) == 1 for found in ids.values())
    good = [one.id for one in delivering.receiver.at("/down") if one.status == 204]
    assert len(good) == len(set(good)) == 12


@pytest.mark.destructive
def test_a_worker_killed_in_the_midst_of_retries_loses_nothing(delivering: Delivering) -> None:
    up = threading.Event()

    def answer(_: str) -> tuple[int, dict[str, str]]:
        if len(delivering.receiver.at("/killed")) >= 4:
            up.wait(20)  # these are under way when the worker dies
        return (204, {}) if up.is_set() else (500, {})

    delivering.receiver.answers["/killed"] = answer
    customers = {somebody() for _ in range(8)}
    for customer in customers:
        delivering.click(customer, "killed")
    wait_until(lambda: len(delivering.receiver.at("/killed")) >= 4)
    delivering.stack.kill("delivery")
    up.set()
    before = len(delivering.receiver.at("/killed"))

    def told() -> bool:
        later = delivering.receiver.at("/killed")
        good = [one for one in later if one.status == 204]
        return (
            len(later) > before
            and {msgspec.json.decode(one.body)["data"]["customer_id"] for one in good} == customers
        )

    wait_until(told, within=60)
    ids = {(one.id, msgspec.json.decode(one.body)["data"]["customer_id"])
           for one in delivering.receiver.at("/killed")}  # fmt: skip
    assert len(ids) == 8
    wait_until(lambda: delivering.endpoint("killed")["waiting"] == 0, within=40)


def test_what_comes_again_on_the_log_is_not_told_again(delivering: Delivering) -> None:
    customer, later = somebody(), somebody()
    delivering.click(customer, "hook")
    found = wait_until(lambda: delivering.stack.triggers(customer))[0]
    trigger = msgspec.convert(found, Trigger)
    wait_until(lambda: [one for one in delivering.receiver.at("/hook") if one.id == trigger.id])
    partitions = int(delivering.stack.environment["DAEHWA_PARTITIONS"])
    partition = partition_of(customer, partitions)
    while partition_of(later, partitions) != partition:
        later = somebody()
    servers = delivering.stack.environment["DAEHWA_KAFKA_URL"].removeprefix("kafka://")
    producer = KafkaProducer(bootstrap_servers=servers, acks="all")
    for _ in range(3):
        producer.send(TRIGGERS, encode_trigger(trigger), partition=partition).get(10)
    producer.close()
    delivering.click(later, "hook")
    wait_until(lambda: any(later.encode() in one.body for one in delivering.receiver.at("/hook")))
    ids = [one.id for one in delivering.receiver.at("/hook")]
    assert ids.count(trigger.id) == 1
    answer = delivering.stack.get(f"/v1/deliveries/{trigger.id}").json()["deliveries"]
    assert [(one["endpoint"], one["status"]) for one in answer] == [("hook", "delivered")]


def test_an_endpoint_that_wants_no_more_is_left_alone_until_it_is_enabled(
    delivering: Delivering,
) -> None:
    delivering.receiver.answers["/gone"] = lambda _: (410, {})
    first, second = somebody(), somebody()
    delivering.click(first, "gone")
    wait_until(lambda: delivering.endpoint("gone")["circuit"] == "disabled")
    delivering.click(second, "gone")
    given_up = wait_until(
        lambda: len(
            found := delivering.stack.get(
                "/v1/deliveries?status=given_up&endpoint=gone"
            ).json()["deliveries"]
        ) == 2 and found
    )  # fmt: skip
    assert len(delivering.receiver.at("/gone")) == 1
    assert {one["trigger"]["customer_id"] for one in given_up} == {first, second}
    del delivering.receiver.answers["/gone"]
    assert delivering.http.post("/v1/endpoints/gone/enable").status_code == 200
    answer = delivering.http.post("/v1/deliveries/replay", json={"endpoint": "gone"})
    assert answer.json()["replayed"] == 2
    wait_until(lambda: sum(one.status == 204 for one in delivering.receiver.at("/gone")) == 2)
    wait_until(lambda: delivering.endpoint("gone")["circuit"] == "closed")
    wait_until(lambda: ("trigger.failed", "webhook", "outbound", "failed") in
               [row[:4] for row in delivering.contacts(first)])  # fmt: skip


def test_a_receiver_that_asks_for_time_gets_it(delivering: Delivering) -> None:
    asked: list[str] = []

    def answer(webhook_id: str) -> tuple[int, dict[str, str]]:
        asked.append(webhook_id)
        return (429, {"Retry-After": "3"}) if len(asked) == 1 else (204, {})

    delivering.receiver.answers["/busy"] = answer
    delivering.click(somebody(), "busy")
    wait_until(lambda: len(asked) == 1)
    delivering.click(somebody(), "busy")
    wait_until(lambda: len(delivering.receiver.at("/busy")) == 3)
    first, *others = delivering.receiver.at("/busy")
    assert all(other.at - first.at >= 2.9 for other in others)


def test_the_command_line_shows_who_is_told(delivering: Delivering) -> None:
    def daehwa(*words: str) -> str:
        command = [str(Path(sys.executable).with_name("daehwa")), "deliveries", *words]
        done = subprocess.run(
            command, env=delivering.stack.environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    told = [msgspec.json.decode(line) for line in daehwa("endpoints", "--json").splitlines()]
    assert {one["name"] for one in told} >= {"default", "hook", "post", "chat", "calls"}
    assert "0 are tried again" in daehwa("replay", "--given-up", "--endpoint", "hook")
    assert "none" in daehwa("list", "--given-up", "--endpoint", "hook")


def test_an_endpoint_of_a_pushed_playbook_is_told_without_a_restart(
    delivering: Delivering,
) -> None:
    pushed = copy.deepcopy(delivering.playbook)
    pushed["endpoints"]["pushed"] = {
        **pushed["endpoints"]["hook"],
        "url": f"{delivering.receiver.url}/pushed",
    }
    pushed["triggers"].append(
        {**pushed["triggers"][0], "name": "to-pushed", "topic": "product/pushed",
         "then": {"endpoint": "pushed"}}
    )  # fmt: skip
    answer = delivering.http.put("/v1/playbook", content=yaml.safe_dump(pushed))
    assert answer.status_code == 200, answer.text
    customer = somebody()
    delivering.click(customer, "pushed")
    (arrived,) = wait_until(lambda: delivering.receiver.at("/pushed"))
    assert Webhook(SECRET).verify(arrived.body, arrived.headers)["data"]["customer_id"] == customer

    # Taken out again while something waits for it: seen, and told when it is there again.
    up = threading.Event()
    delivering.receiver.answers["/pushed"] = lambda _: (204 if up.is_set() else 503, {})
    delivering.click(customer := somebody(), "pushed")
    wait_until(lambda: len(delivering.receiver.at("/pushed")) >= 2)
    answer = delivering.http.put("/v1/playbook", content=yaml.safe_dump(delivering.playbook))
    assert answer.status_code == 200, answer.text
    wait_until(lambda: delivering.endpoint("pushed")["removed"])
    assert delivering.endpoint("pushed")["waiting"] == 1
    up.set()
    assert delivering.http.put("/v1/playbook", content=yaml.safe_dump(pushed)).status_code == 200
    good = wait_until(
        lambda: [one for one in delivering.receiver.at("/pushed") if one.status == 204][1:],
        within=30,
    )
    assert [msgspec.json.decode(one.body)["data"]["customer_id"] for one in good] == [customer]


def test_a_redirect_is_a_failure(delivering: Delivering) -> None:
    moved = [True]
    target = {"Location": f"{delivering.receiver.url}/elsewhere"}
    delivering.receiver.answers["/moved"] = lambda _: (307, target) if moved[0] else (204, {})
    delivering.click(somebody(), "moved")
    wait_until(lambda: len(delivering.receiver.at("/moved")) >= 2)
    moved[0] = False
    wait_until(lambda: delivering.receiver.at("/moved")[-1].status == 204)
    assert delivering.receiver.at("/elsewhere") == []


def test_a_chat_is_told_in_its_own_words(delivering: Delivering) -> None:
    customer = somebody()
    delivering.click(customer, "chat")
    (arrived,) = wait_until(lambda: delivering.receiver.at("/chat"))
    payload = msgspec.json.decode(arrived.body)
    assert customer in payload["text"]
    assert payload["blocks"][0]["type"] == "section"
