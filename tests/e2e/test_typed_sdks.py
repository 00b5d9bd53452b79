"""Unmodified SDKs of Segment (Java, Go) and RudderStack (Go): everything is stored once, and an
order of their typed products closes the cart."""

import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

HERE = Path(__file__).parent
EVENTS = 200
SENT = EVENTS + 3

pytestmark = pytest.mark.slow


def java(folder: Path) -> list[str]:
    """The command of the Java program; Maven fetches the SDK."""
    jars = folder / "jars"
    subprocess.run(
        ["mvn", "-q", "-B", "-f", str(HERE / "jvm" / "pom.xml"), "dependency:copy-dependencies",
         f"-DoutputDirectory={jars}"],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return ["java", "-cp", f"{jars}/*", str(HERE / "jvm" / "Sender.java")]


def go(vendor: str, folder: Path) -> list[str]:
    """The command of the Go program, built with the SDK in its `go.sum`."""
    program = folder / "sender"
    subprocess.run(
        ["go", "build", "-o", str(program), f"./{vendor}"], cwd=HERE / "gosdk", check=True,
        capture_output=True, timeout=300,
    )  # fmt: skip
    return [str(program)]


SDKS: dict[str, tuple[tuple[str, ...], Callable[[Path], list[str]]]] = {
    "segment-java": (("mvn", "java"), java),
    "segment-go": (("go",), partial(go, "segment")),
    "rudderstack-go": (("go",), partial(go, "rudderstack")),
}


@pytest.mark.parametrize("sdk", SDKS)
def test_everything_is_stored_once_and_the_order_closes_the_cart(
    stack: RunningStack, sdk: str, tmp_path: Path
) -> None:
    tools, command = SDKS[sdk]
    if any(shutil.which(tool) is None for tool in tools):
        pytest.skip(f"needs {' and '.join(tools)}")
    customer = f"{sdk}-{uuid4()}"
    told = [stack.url, stack.write_key, customer, str(EVENTS)]
    subprocess.run([*command(tmp_path), *told], check=True, capture_output=True, timeout=120)

    def stored() -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = stack.sql(
            "select count(), uniqExact(message_id),"
            " uniqExactIf(JSONExtractInt(properties, 'mark'), name = 'Product Viewed')"
            f" from daehwa.events where user_id = '{customer}'"
        )
        return found

    wait_until(lambda: stored()[0][0] >= SENT, within=40, every=0.2)
    assert stored() == [(SENT, SENT, EVENTS)]
    view = wait_until(lambda: (v := stack.customer(customer))["lifecycle"]["events"] == SENT and v)
    assert view["lifecycle"]["purchases"] == 1
    assert view["lifecycle"]["spend"] == {"EUR": "25.00"}
    assert view["dialogues"]["product/hats"]["stage"] == "purchase"
    assert set(view["dialogues"]) == {"product/hats"}
