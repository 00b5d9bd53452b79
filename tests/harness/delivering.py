"""The stack with a playbook that tells every kind of endpoint."""

import os
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.embedded.ports import free_ports
from tests.harness.paths import ROOT
from tests.harness.receivers import Receiver
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

NODE = ROOT / "tests" / "e2e" / "receiver"
SECRETS = ["whsec_" + b64encode(letter * 32).decode() for letter in (b"s", b"n", b"o")]
SECRET, NEW, OLD = SECRETS
HOOKS = ("hook", "rotated", "down", "killed", "gone", "busy", "moved")


class Mailbox:
    """What an SMTP server took; `refuse` answers receivers instead."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.refuse: dict[str, str] = {}
        """Address -> SMTP answer."""
        self.asked: list[str] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        self.asked.append(address)
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(bytes(envelope.original_content or b""))
        return "250 OK"


class Delivering:
    """A running stack, its receivers, and whoever clicks."""

    def __init__(self, folder: Path) -> None:
        self.receiver = Receiver()
        self.mailbox = Mailbox()
        smtp, api = free_ports(2)
        self._smtp = Controller(self.mailbox, hostname="127.0.0.1", port=smtp)
        self._smtp.start()
        self.node: subprocess.Popen[str] | None = None
        self.without_node = ""
        """Why there is no receiver written for Node."""
        self.playbook = playbook(self.receiver.url, self._start_node())
        path = folder / "playbook.yaml"
        path.write_text(yaml.safe_dump(self.playbook))
        self.stack = RunningStack(
            folder,
            DAEHWA_PLAYBOOK=str(path),
            DAEHWA_PORT=str(api),
            DAEHWA_PUBLIC_URL=f"http://127.0.0.1:{api}",
            DAEHWA_LINK_SECRET="a secret of the tests",
            DAEHWA_SMTP_URL=f"smtp://127.0.0.1:{smtp}",
            DAEHWA_WEBHOOK_URL=f"{self.receiver.url}/default",
            DAEHWA_WEBHOOK_SECRET=SECRET,
            DAEHWA_WEBHOOK_PRIVATE="true",
            DAEHWA_SECRET_ONE=SECRET,
            DAEHWA_SECRET_NEW=NEW,
            DAEHWA_SECRET_OLD=OLD,
            DAEHWA_SECRET_CHAT=f"{self.receiver.url}/chat",
            DAEHWA_DELIVERY_PAUSES=",".join(["0.5"] * 40),
        )
        self.http = httpx.Client(
            base_url=self.stack.url, headers=self.stack.headers, timeout=20, follow_redirects=False
        )

    def click(self, customer: str, endpoint: str, **properties: Any) -> None:
        """A page view by which the customer's trigger for the endpoint fires."""
        answer = self.stack.send(
            {
                "type": "page",
                "userId": customer,
                "properties": {"path": f"/products/{endpoint}", **properties},
            }
        )
        assert answer.status_code == 200, answer.text

    def identify(self, customer: str, **traits: Any) -> None:
        """States traits; returns when the profile has them."""
        answer = self.stack.send({"type": "identify", "userId": customer, "traits": traits})
        assert answer.status_code == 200, answer.text
        wait_until(lambda: self.stack.customer(customer))

    def endpoint(self, name: str) -> dict[str, Any]:
        """What is known of an endpoint."""
        found = self.stack.get("/v1/endpoints").json()["endpoints"]
        return {one["name"]: one for one in found}[name]

    def contacts(self, customer: str) -> list[tuple[Any, ...]]:
        """(name, channel, direction, outcome, operator) of the contacts the archive has."""
        return self.stack.sql(
            "select name, channel, direction, outcome, operator from daehwa.events "
            f"where profile_key = '{customer}' and type = 'contact'"
        )

    def stop(self) -> None:
        """Stops everything."""
        self.http.close()
        self.stack.stop()
        self._smtp.stop()
        self.receiver.stop()
        if self.node is not None:
            self.node.terminate()
            self.node.wait()
            if self.node.stdout is not None:
                self.node.stdout.close()

    def _start_node(self) -> int:
        self.without_node = _install_for_node()
        if self.without_node:
            return 9
        self.node = subprocess.Popen(
            ["node", "receiver.js"],
            cwd=NODE,
            env={**os.environ, "SECRET": SECRET},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.node.stdout is not None
        return int(yaml.safe_load(self.node.stdout.readline())["port"])


def _install_for_node() -> str:
    """What is missing; "" where npm's standardwebhooks is there, which is fetched at need."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "needs node and npm"
    if (NODE / "node_modules").exists():
        return ""
    done = subprocess.run(
        ["npm", "ci", "--silent", "--no-audit", "--no-fund"],
        cwd=NODE, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return f"npm ci failed: {done.stderr[-300:]}" if done.returncode else ""


def playbook(url: str, node_port: int) -> dict[str, Any]:
    """One topic for each endpoint: who looks at product/NAME is told to NAME."""
    endpoints: dict[str, Any] = {
        name: {"kind": "webhook", "url": f"{url}/{name}", "secrets": ["DAEHWA_SECRET_ONE"]}
        for name in HOOKS
    }
    endpoints["rotated"]["secrets"] = ["DAEHWA_SECRET_NEW", "DAEHWA_SECRET_OLD"]
    endpoints["node"] = {**endpoints["hook"], "url": f"http://127.0.0.1:{node_port}/"}
    endpoints["chat"] = {"kind": "slack", "secrets": ["DAEHWA_SECRET_CHAT"]}
    endpoints["post"] = {"kind": "email", "sender": "Shop <shop@example.com>"}
    endpoints["calls"] = {"kind": "call_list"}
    then: dict[str, dict[str, Any]] = {name: {"endpoint": name} for name in endpoints}
    then["post"] |= {"channel": "email", "template": "hello"}
    then["calls"] |= {"channel": "call"}
    then["default"] = {}
    return {
        "version": 1,
        "ladders": {"product": ["introduction", "details"]},
        "match": [
            {"page": "**/products/{product}", "topic": "product/{product}", "stage": "introduction"}
        ],
        "triggers": [
            {
                "name": f"to-{name}",
                "when": "stage.reached",
                "topic": f"product/{name}",
                "stages": ["introduction"],
                "then": told,
            }
            for name, told in then.items()
        ],
        "endpoints": endpoints,
        "templates": {
            "hello": {
                "subject": "Hello {{ customer.traits.name }}",
                "text": "Hello {{ customer.traits.name }}. {{ unsubscribe_url }}",
                "html": '<p>Hello {{ customer.traits.name }}, <a href="https://shop.example/?a=1&amp;b=2">'
                "look</a></p>",
            }
        },
    }
