"""What can be called is documented."""

import importlib.metadata
import re

import pytest
from typer import Context
from typer.main import get_command

from infra.cli import COMMANDS, app
from tests.harness.paths import ROOT

PACKAGES = ("schemas", "streams", "infra", "agents", "api")


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"daehwa {name}" in readme, f"daehwa {name} is not in README.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_ends_with_an_example(name: str) -> None:
    root = get_command(app)
    command = root.get_command(Context(root), name)  # type: ignore[attr-defined]
    for one in (command, *getattr(command, "commands", {}).values()):
        assert re.search(r"\n\nExample: .*daehwa [^\n]+$", one.help), one.name
        assert re.search(r"[^\n]\n[^\n]", one.help) is None, one.name


@pytest.mark.parametrize("target", ["demo", "up", "test", "test-all", "bench", "lint", "setup"])
def test_every_make_target_says_what_it_does(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:.*## \w", makefile, re.MULTILINE)


def test_no_other_distribution_provides_our_packages() -> None:
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["daehwa"])) == {"daehwa"}, owners[package]


def test_no_file_outgrows_its_name() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 330
    }
    assert long == {}
