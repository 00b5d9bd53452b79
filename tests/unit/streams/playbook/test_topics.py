"""Topic names out of templates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.playbook.topics import MAX_LABEL_LENGTH, compile_template, family, label
from tests.harness.histories import law


def test_the_first_field_that_is_there_names_the_topic() -> None:
    render = compile_template("product/{category|product_id}")
    assert render({"category": "Running Shoes", "product_id": 1}) == "product/running-shoes"
    assert render({"category": " ", "product_id": 17}) == "product/17"
    assert render({"category": ["a"], "product_id": 1.5}) is None
    assert render({"category": False}) is None
    assert render({}) is None


def test_several_fields_and_none() -> None:
    render = compile_template("visit/{city}-{shop|floor}/x")
    assert render({"city": "Seoul", "floor": 3}) == "visit/seoul-3/x"
    assert render({"city": "Seoul"}) is None
    assert compile_template("service/opening-hours")({}) == "service/opening-hours"


@pytest.mark.parametrize("template", ["product/{", "product/}", "product/{}", "a/{b{c}}"])
def test_a_malformed_template_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="is not a topic template"):
        compile_template(template)


def test_family_is_what_stands_before_the_first_slash() -> None:
    assert family("product/a/b") == "product"
    assert family("product") == "product"


@law
@given(st.text(max_size=200))
def test_labels_are_short_plain_and_stable(text: str) -> None:
    found = label(text)
    assert len(found) <= MAX_LABEL_LENGTH
    assert not any(sign.isspace() or sign == "/" for sign in found)
    assert not found.startswith("-")
    assert not found.endswith("-")


def test_spelling_does_not_divide_a_topic() -> None:
    assert label("Running Shoes") == label(" running-shoes ") == label("RUNNING/SHOES")
    assert label("한국 신발") == "한국-신발"


def test_a_number_too_long_for_anything_is_no_name() -> None:
    assert compile_template("product/{id}")({"id": 10**5000}) is None


def test_a_name_without_end_is_cut_before_it_is_remembered() -> None:
    render = compile_template("product/{name}")
    before = label.cache_info().currsize
    assert render({"name": "a" * 10**6}) == "product/" + "a" * MAX_LABEL_LENGTH
    assert label.cache_info().currsize <= before + 1
