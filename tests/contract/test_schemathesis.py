"""The running API keeps to its own OpenAPI document, whatever it is asked."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.stack import RunningStack

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.parametrize(
    ("examples", "phases"),
    [
        pytest.param(5, "fuzzing", marks=[pytest.mark.destructive, pytest.mark.timeout(300)]),
        pytest.param(
            100,
            "examples,coverage,fuzzing",
            marks=[pytest.mark.slow, pytest.mark.timeout(3_600)],
        ),
    ],
)
def test_all_checks_pass(stack: RunningStack, tmp_path: Path, examples: int, phases: str) -> None:
    command = [
        str(Path(sys.executable).with_name("st")),
        "--config-file", str(CONFIG),
        "run", f"{stack.url}/openapi.json",
        "--checks", "all",
        "--phases", phases,
        "--max-examples", str(examples),
        "--header", f"Authorization: {stack.headers['Authorization']}",
        "--header", f"x-write-key: {stack.write_key}",
        "--exclude-path", "/v1/triggers/stream",  # it never ends
        "--request-timeout", "30",
        "--no-color",
    ]  # fmt: skip
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-20_000:]
