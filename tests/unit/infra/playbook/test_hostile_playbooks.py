"""Playbooks made to take all memory or time: refused, or ended, while the process goes on."""

import shutil
import sys

import psutil
import pytest

from infra.playbook import check
from infra.playbook.check import check_playbook
from infra.playbook.playbook_file import PlaybookError, parse_playbook
from tests.harness.histories import SHOP

BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], y{n}: 1}}\n" for n in range(1, 12)
)
LISTS = "a0: &a0 [1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
NESTED = "[1].map(a, [1].map(b, [1].map(c, [1].map(d, [1].map(e, [1].map(f, a))))))"


@pytest.mark.parametrize("text", [BOMB, LISTS], ids=["merges", "aliases"])
def test_anchors_are_not_written_out_without_end(text: str) -> None:
    before = psutil.Process().memory_info().rss
    with pytest.raises(PlaybookError, match="anchors and merges"):
        parse_playbook(text, "bomb.yaml")
    assert psutil.Process().memory_info().rss - before < 64 * 1024 * 1024


def test_a_value_that_contains_itself_is_refused() -> None:
    with pytest.raises(PlaybookError, match="contains itself"):
        parse_playbook("a: &a [*a]", "loop.yaml")


def test_anchors_as_people_use_them_are_taken() -> None:
    parse_playbook(SHOP.read_text(), "shop.yaml")
    text = SHOP.read_text().replace("version: 1", "version: &one 1", 1)
    parse_playbook(text, "shop.yaml")


def test_loops_in_loops_are_refused_before_they_are_compiled() -> None:
    text = SHOP.read_text() + f'\nsegments: {{deep: {{if: "{NESTED} == []"}}}}\n'
    with pytest.raises(PlaybookError, match="a loop"):
        parse_playbook(text, "deep.yaml")


async def test_a_check_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MAX_SECONDS", 0.05)
    (mistake,) = await check_playbook(SHOP.read_text())
    assert "takes more than" in mistake.message


async def test_a_check_that_fails_is_no_mistake_of_the_playbook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(RuntimeError, match="exit code 1"):
        await check_playbook(SHOP.read_text())


async def test_a_check_says_what_the_file_says() -> None:
    assert await check_playbook(SHOP.read_text()) == []
    (first, *_) = await check_playbook("version: 7")
    assert first.line == 1
