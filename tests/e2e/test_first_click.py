"""The README's promise, kept by the command that the README names."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.destructive
def test_first_click() -> None:
    script = Path(__file__).with_name("first_click.py")
    daehwa = Path(sys.executable).with_name("daehwa")
    done = subprocess.run(
        [daehwa, "run", "--", sys.executable, script],
        timeout=110,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
