"""Every example of docs/how-to/sources.md runs, and what it sends arrives."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.sources.mapping_file import SHIPPED, read_mapping
from schemas.contact import Contact
from schemas.mapping import Mapping
from streams.mapping.functions import NAMES
from tests.harness.paths import DOCS
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

MANUAL = (DOCS / "how-to" / "sources.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)
SHIPPED_NAMES = sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def test_every_example_runs_and_arrives(stack: RunningStack, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        **stack.environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def run(language: str, text: str) -> None:
        command = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-c"]
        done = subprocess.run(
            [*command, text], cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        assert '"dead":' not in done.stdout or '"dead":0' in done.stdout, done.stdout

    python = [block for block in BLOCKS if block[0] == "python"]
    for block in python:
        run(*block)
    # The number has to be known before it rings.
    found = "/v1/customers?phone=%2B821012345678"
    wait_until(lambda: stack.get(found).json()["customers"])
    for block in BLOCKS:
        if block not in python:
            run(*block)
    wait_until(lambda: len(names(stack)) >= 14)
    assert names(stack) == {
        ("Newsletter Read", "email"), ("Order Completed", "web"), ("Product Added", "server"),
        ("Product Viewed", "web"), ("call.ended", "call"), ("call.missed", "call"),
        ("complaint.opened", "call"), ("mail.clicked", "email"), ("question.asked", "call"),
        ("question.asked", "chat"), ("question.asked", "letter"), ("call.ringing", "call"),
        ("mail.bounced", "email"), ("mail.opened", "email"),
    }  # fmt: skip
    cases = "select topic, sla_ms, resolved_at from daehwa.complaints where customer_id = 'mina'"
    assert stack.sql(cases) == [("complaint/delivery", 48 * 3_600_000, None)]


def names(stack: RunningStack) -> set[tuple[Any, ...]]:
    return set(
        stack.sql(
            "select distinct name, channel from daehwa.events "
            "where profile_key = 'mina' and name != ''"
        )
    )


def test_the_tracker_is_where_the_manual_says(stack: RunningStack) -> None:
    assert '/daehwa.js" data-write-key=' in MANUAL
    assert stack.get("/daehwa.js").status_code == 200


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_what_ships_is_in_order_and_in_the_manual(name: str) -> None:
    mapping = read_mapping(SHIPPED / f"{name}.yaml").mapping.source
    assert mapping.name == name
    assert f"| `{name}` |" in MANUAL
    assert f"/v1/sources/{name}" in MANUAL
    if mapping.signature is not None:
        assert mapping.signature.secret in MANUAL


def test_every_field_and_function_is_in_the_manual() -> None:
    for field in (*Mapping.__struct_fields__, *Contact.__struct_fields__):
        assert f"`{field}`" in MANUAL, field
    for name in NAMES:
        assert f"`{name}" in MANUAL, name
