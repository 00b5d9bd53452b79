"""A wrong playbook is refused with the line that is wrong and the word that was meant."""

from pathlib import Path

import pytest

from infra.playbook.playbook_file import Mistake, PlaybookError, parse_playbook, read_playbook
from tests.harness.histories import SHOP

GOOD = """\
version: 1
ladders:
  product: [introduction, details, cart]
match:
  - {event: Product Viewed, topic: "product/{category}", stage: details}
  - event: Product Added
    topic: "product/{category|name}"
    stage: cart
triggers:
  - name: interest
    when: stage.reached
    topic: product/*
    stages: [details]
  - name: cart-left
    when: stage.stalled
    topic: product/*
    stages: [cart]
    after: 30m
"""


def refused(text: str) -> PlaybookError:
    with pytest.raises(PlaybookError) as raised:
        parse_playbook(text, "shop.yaml")
    problem = raised.value
    assert str(problem).split("\n") == [
        f"shop.yaml:{one.line}:{one.column}: {one.message}" for one in problem.mistakes
    ]
    assert problem.mistakes[0] == Mistake(problem.line, problem.column, problem.message)
    return problem


def test_the_playbook_that_ships_is_right() -> None:
    playbook = read_playbook(SHOP)
    assert playbook.rank("product/shoes", "purchase") == 4


def test_the_example_is_right() -> None:
    assert set(parse_playbook(GOOD, "shop.yaml").rules) == {"interest", "cart-left"}


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ("after: 30m", "aftr: 30m", 18, "did you mean 'after'"),
        ("event: Product Added", "evnt: Product Added", 6, "did you mean 'event'"),
        ("version: 1", "version: 1\nladder: {}", 2, "did you mean 'ladders'"),
        ("    stage: cart", "    stage: crat", 8, "did you mean 'cart'"),
        ("    stage: cart\n", "", 6, "give the stage it leads to, or the stages it leaves"),
        ("stages: [cart]", "stages: [crat]", 17, "did you mean 'cart'"),
        ("when: stage.stalled", "when: stage.staled", 15, "did you mean 'stage.stalled'"),
        ("name: cart-left", "name: interest", 14, "already a trigger named 'interest'"),
        ("name: cart-left", "name: a|b", 14, "without |"),
        ("after: 30m", "after: 30 minutes", 18, "write for example 90s, 30m"),
        ("after: 30m", "after: 30", 18, "after is to be text, not a number"),
        ("    after: 30m\n", "", 14, "needs `after`"),
        ("    stages: [cart]\n", "", 14, "needs the `stages`"),
        ("after: 30m", "after: 30m\n    after: 40m", 19, "'after' is given twice"),
        ("after: 30m", "after: 30m\n    p_alive: 1.5", 19, "between 0 and 1"),
        ("after: 30m", "after: 30m\n    least_customers: 0", 19, "1 or more"),
        ('"product/{category|name}"', "produkt/x", 7, "did you mean 'product'"),
        ('"product/{category|name}"', '"product/{category"', 7, "is not a topic template"),
        ("product/*\n    stages: [cart]", "produkt/*\n    stages: [cart]", 16, "mean 'product'"),
        ("product/*\n    stages: [cart]", "product\n    stages: [cart]", 16, "product/*"),
        ("event: Product Added", "page: products/{x}", 6, "begin it with / or **/"),
        ("event: Product Added", "page: /products/{x", 6, "must be a word or one {field}"),
        ("event: Product Added", "event: A\n    page: /b", 6, "exactly one of event, page"),
        ("version: 1", "version: 2", 1, "reads version 1, not 2"),
        ("version: 1", "version: one", 1, "version is to be a number, not text"),
        ("introduction, details", "details, details", 3, "each stage once"),
        ("[introduction, details, cart]", "[]", 3, "each stage once"),
        ("[introduction, details, cart]", "cart", 3, "product is to be a list"),
        ("  product: [", "  1: [", 3, "write it in quotes"),
        ("stages: [cart]", "stages: [cart", 18, "not YAML"),
        ("    after", "\tafter", 18, "not YAML"),
        ("30m", "!!python/object:os.system x", 18, "not YAML"),
        ("30m", "2024-99-99", 18, "is not a duration"),
        ("version: 1", "version: 1\x00", 1, "not YAML"),
    ],
)
def test_every_mistake_is_found_on_its_line(right: str, wrong: str, line: int, says: str) -> None:
    assert GOOD.count(right) == 1, right
    problem = refused(GOOD.replace(right, wrong))
    assert any(one.line == line and says in one.message for one in problem.mistakes), str(problem)


@pytest.mark.parametrize("text", ["", "- 1", "hello", "a: &a [*a]", "[" * 5000, "--- 1\n--- 2\n"])
def test_what_is_no_playbook_at_all_is_refused(text: str) -> None:
    refused(text)


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    for path, content in (
        (tmp_path / "missing.yaml", None),
        (tmp_path / "b.yaml", b"\xff\xfe\xff"),
    ):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(PlaybookError, match="cannot be read") as raised:
            read_playbook(path)
        assert raised.value.source == str(path)
