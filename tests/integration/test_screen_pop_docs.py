"""The example of `docs/how-to/screen-pop.md` does what the page says."""

import json
import re
import shutil
import subprocess

import pytest

from tests.harness.paths import DOCS
from tests.harness.stack import RunningStack

TEXT = (DOCS / "how-to" / "screen-pop.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the example needs curl")


def block(name: str) -> str:
    found = re.search(rf"^```sh {name}\n(.*?)```$", TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_example_pops_the_screen(stack: RunningStack) -> None:
    listening = subprocess.Popen(
        ["bash", "-c", "exec " + block("listen").lstrip()],
        env=stack.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert listening.stdout is not None
        lines = iter(listening.stdout.readline, "")
        assert next(line for line in lines if line.startswith(": listening"))
        rung = subprocess.run(
            ["bash", "-c", block("ring")],
            env=stack.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(rung.stdout) == {"message_id": "ringing:PBX-4711"}
        pop = json.loads(next(line for line in lines if line.startswith("data:"))[5:])
    finally:
        listening.kill()
        listening.wait()
    assert pop["type"] == "screen.pop"
    assert pop["why"]["number"] == "+821012345678"
    assert (pop["why"]["operator"], pop["why"]["extension"]) == ("kim", "201")
    table = set(re.findall(r"`(\w+)`", TEXT[TEXT.index("The trigger's `why`") :]))
    assert set(pop["why"]) <= table, "a field of `why` is not in the table"
