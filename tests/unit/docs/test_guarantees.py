"""A guarantee is worth the test that guards it: every test that is named is there."""

import ast
import re
from pathlib import Path

from streams.fold.hot_profiles import MAX_A_MINUTE
from streams.profile.message_ids import MAX_YOUNG, RING, YOUNG
from tests.harness.paths import ROOT

TEXT = (ROOT / "docs" / "explanation" / "guarantees.md").read_text(encoding="utf-8")


def defined_in(path: Path) -> set[str]:
    """The tests that a file defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {function.name for function in functions if function.name.startswith("test_")}


def test_every_named_test_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or name not in defined_in(ROOT / path)
    ]
    assert missing == []


def test_every_guarantee_names_its_tests_and_what_it_does_not_promise() -> None:
    sections = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    assert [s[0] for s in sections if s[0].isdigit()] == list("1234567")
    for section in sections:
        assert "::test_" in section, section.splitlines()[0]
        assert "**Not promised" in section, section.splitlines()[0]


def test_the_figures_are_those_of_the_code() -> None:
    assert f"latest {RING} message ids" in TEXT
    assert f"| {MAX_A_MINUTE:,} a minute |" in TEXT
    assert f"{MAX_YOUNG:,} within ten minutes" in TEXT
    assert YOUNG == 600


def test_the_readme_leads_there() -> None:
    assert "(docs/explanation/guarantees.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
