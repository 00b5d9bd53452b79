"""The set-up that `docs/how-to/sdks.md` shows is the one that the tests run, and so are the
versions."""

import json
import re
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.sdks.senders import BROWSER, HERE, NODE, PYTHON, SDKS

TEXT = (HERE.parents[2] / "docs" / "how-to" / "sdks.md").read_text(encoding="utf-8")
FILES = {
    **dict.fromkeys(PYTHON, "python_sender.py"),
    **dict.fromkeys(NODE, "node_sender.mjs"),
    **dict.fromkeys(BROWSER, "browser_sender.js"),
}


def set_up(sdk: str) -> str:
    """The lines between `set-up` and `end` of the part of a sender that starts the SDK."""
    source = (HERE / FILES[sdk]).read_text(encoding="utf-8")
    begin = re.search(rf'^(?:def {sdk.replace("-", "_")}\(|  "{sdk}": )', source, re.MULTILINE)
    assert begin is not None
    found = re.search(
        r"(?:#|//) set-up\n(.*?)\n *(?:#|//) end\n", source[begin.start() :], re.DOTALL
    )
    assert found is not None
    return dedent(found[1]).strip()


@pytest.mark.parametrize("sdk", SDKS)
def test_the_set_up_shown_is_the_one_that_runs(sdk: str) -> None:
    shown = re.search(rf"^```\w+ {sdk}\n(.*?)```$", TEXT, re.DOTALL | re.MULTILINE)
    assert shown is not None
    assert shown[1].strip() == set_up(sdk)


def test_the_versions_shown_are_those_that_run() -> None:
    npm = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    python = {name: version(name) for name in ("segment-analytics-python", "rudder-sdk-python")}
    for name, number in {**npm, **python}.items():
        assert f"| `{name}` | {number} |" in TEXT
    assert Path(HERE / "package-lock.json").is_file()
