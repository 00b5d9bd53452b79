"""Page patterns: words, fields, any beginning."""

import pytest

from streams.playbook.paths import PathTrie, path_of


def trie(*patterns: str) -> PathTrie:
    built = PathTrie()
    for pattern in patterns:
        built.add(pattern, pattern)
    return built


def test_words_fields_and_any_beginning() -> None:
    paths = trie("/products/{product}", "/products/new", "**/products/{product}/details")
    assert paths.match("/products/a") == [({"product": "a"}, "/products/{product}")]
    assert [value for _, value in paths.match("/products/new")] == [
        "/products/new",
        "/products/{product}",
    ]
    assert paths.match("/en/products/b%20c/details") == [
        ({"product": "b c"}, "**/products/{product}/details")
    ]
    assert paths.match("/products") == []
    assert paths.match("/en/products/a") == []


def test_fields_have_names_of_their_own_in_every_pattern() -> None:
    paths = trie("/{shop}/a", "/{country}/b")
    assert paths.match("/x/a") == [({"shop": "x"}, "/{shop}/a")]
    assert paths.match("/x/b") == [({"country": "x"}, "/{country}/b")]


def test_a_path_may_hold_what_patterns_are_written_with() -> None:
    paths = trie("/products/{product}", "**/sale/{product}")
    assert paths.match("/products/{}") == [({"product": "{}"}, "/products/{product}")]
    assert paths.match("/en/sale/**") == [({"product": "**"}, "**/sale/{product}")]


def test_a_path_without_end_matches_nothing_and_costs_nothing() -> None:
    paths = trie("**/{a}/{b}/{c}")
    assert paths.match("/x" * 100_000) == []


@pytest.mark.parametrize("pattern", ["a/b", "", "/a/{", "/a/{b c}", "/a/x{b}", "/a/**/b", "*/a"])
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"path pattern|must be a word"):
        trie(pattern)


@pytest.mark.parametrize(
    ("path", "url", "expected"),
    [
        ("/a", "https://x/b", "/a"),
        ("", "https://x/b?c=d#e", "/b"),
        (None, "https://x", "/"),
        (7, None, None),
        (None, "http://[broken", None),
        (None, None, None),
        ("/a?b#c", None, "/a"),
    ],
)
def test_the_path_of_a_page(path: object, url: object, expected: str | None) -> None:
    assert path_of(path, url) == expected


def test_a_page_seen_before_fits_patterns_that_came_later() -> None:
    paths = trie("/products/{product}")
    assert paths.match("/offers/a") == []
    paths.add("/offers/{product}", "offer")
    assert paths.match("/offers/a") == paths.match("/offers/a") == [({"product": "a"}, "offer")]


def test_pages_of_any_length_are_matched() -> None:
    name = "a" * 5_000
    assert trie("/products/{product}").match(f"/products/{name}") == [
        ({"product": name}, "/products/{product}")
    ]
