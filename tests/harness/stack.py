"""The whole stack, as `daehwa run` starts it, for as long as a test needs it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
from clickhouse_driver import Client

from tests.harness.waiting import wait_until
from tests.harness.web import plain_client

_HOLD = (
    "import json, os, sys\n"
    "path = sys.argv[1]\n"
    "open(path + '.new', 'w').write(json.dumps(dict(os.environ)))\n"
    "os.rename(path + '.new', path)\n"
    "sys.stdin.read()\n"
)


class RunningStack:
    """`daehwa run` with a command that only waits; its parts can be stopped and killed."""

    def __init__(self, folder: Path, *, data: Path | None = None, **settings: str) -> None:
        told = folder / "environment.json"
        told.unlink(missing_ok=True)
        command = [str(Path(sys.executable).with_name("daehwa")), "run"]
        if data is not None:
            command += ["--data", str(data)]
        self.data = data
        self._process = subprocess.Popen(
            [*command, "--", sys.executable, "-c", _HOLD, str(told)],
            stdin=subprocess.PIPE,
            env={**os.environ, **settings},
        )
        wait_until(lambda: told.exists() or self._process.poll() is not None, within=90)
        assert told.exists(), "the stack did not start"
        self.environment: dict[str, str] = json.loads(told.read_text())
        self.url = self.environment["DAEHWA_URL"]
        self.write_key = self.environment["DAEHWA_WRITE_KEY"]
        self.logs = Path(self.environment["DAEHWA_LOGS"])
        self.headers = {"Authorization": f"Bearer {self.environment['DAEHWA_API_TOKEN']}"}
        self._http = plain_client(base_url=self.url, timeout=20)

    def send(self, *items: dict[str, Any]) -> httpx.Response:
        """Sends a batch as an SDK does."""
        return self._http.post("/v1/batch", auth=(self.write_key, ""), json={"batch": list(items)})

    def get(self, path: str) -> httpx.Response:
        """Reads with the token."""
        return self._http.get(path, headers=self.headers)

    def customer(self, customer_id: str) -> dict[str, Any]:
        """The 360° view, {} where there is none yet."""
        answer = self.get(f"/v1/customers/{customer_id}")
        return answer.json() if answer.status_code == 200 else {}

    def triggers(self, customer_id: str) -> list[dict[str, Any]]:
        """The triggers of a customer, fired and suppressed."""
        answer = self.get(f"/v1/triggers?customer={customer_id}&suppressed=true&limit=500")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["triggers"])

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """What the archive answers through clickhouse-driver."""
        client = Client.from_url(self.environment["DAEHWA_CLICKHOUSE_URL"])
        try:
            return list(client.execute(query))
        finally:
            client.disconnect()

    def has(self, name: str) -> bool:
        """Whether the part has a living process."""
        try:
            return self.part(name).status() != psutil.STATUS_ZOMBIE
        except (AssertionError, psutil.NoSuchProcess):
            return False

    def part(self, name: str) -> psutil.Process:
        """The process of a part, such as `kafka`, `redis`, `dialogue`."""
        signs = {
            "kafka": "tansu",
            "redis": "redis-server",
            "clickhouse": "infra.embedded.clickhouse",
            "api": "api",
        }
        sign = signs.get(name, name)
        for process in self.parts():
            command = process.cmdline()
            if name == "kafka" and "kafka.Kafka" in command:
                return process
            if any(word == sign or word.endswith(f"/{sign}") for word in command):
                return process
            if name == "redis" and command and re.search("redis|valkey", command[0]):
                return process
        raise AssertionError(f"no part {name}; there are {[p.cmdline() for p in self.parts()]}")

    def parts(self) -> list[psutil.Process]:
        """The processes of all parts."""
        found = psutil.Process(self._process.pid).children()
        return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]

    def kill(self, name: str) -> psutil.Process:
        """Ends a part without asking it, and waits until it is gone."""
        process = self.part(name)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        return process

    def stop(self) -> int:
        """Ends the waiting command, and with it the stack; its exit code."""
        self._http.close()
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        return self._process.wait(60)

    def interrupt(self, what: signal.Signals = signal.SIGINT) -> int:
        """Sends the signal that Ctrl-C sends; the exit code."""
        self._http.close()
        self._process.send_signal(what)
        code = self._process.wait(60)
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code
