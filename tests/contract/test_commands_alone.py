"""Commands where nobody, or somebody else, listens."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import app
from infra.embedded.ports import can_listen, free_ports
from infra.embedded.process import PartFailedError
from infra.embedded.stack import Stack
from infra.settings import Settings


def test_the_doctor_is_quick_where_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    kafka, redis, clickhouse = free_ports(3)
    monkeypatch.setenv("DAEHWA_KAFKA_URL", f"kafka://127.0.0.1:{kafka}")
    monkeypatch.setenv("DAEHWA_REDIS_URL", f"redis://127.0.0.1:{redis}/0")
    monkeypatch.setenv("DAEHWA_CLICKHOUSE_URL", f"clickhouse://default@127.0.0.1:{clickhouse}")
    told = CliRunner().invoke(app, ["doctor", "--json"])
    assert told.exit_code == 1
    findings = {one["check"]: one for one in map(json.loads, told.stdout.splitlines())}
    assert f"no answer from 127.0.0.1:{kafka}" in findings["kafka"]["finding"]
    assert findings["archive worker"]["finding"] == "cannot be asked while Kafka does not answer"
    assert not findings["clickhouse"]["ok"]


def test_a_port_that_is_taken_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PartFailedError, match=f"port {port} of 127.0.0.1 is taken"):
            Stack(Settings(host="127.0.0.1", port=port), tmp_path, tell=print)
    assert can_listen("127.0.0.1", port)
