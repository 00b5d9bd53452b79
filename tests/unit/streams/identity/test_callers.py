"""Callers as telephone systems write them: the number, or nobody."""

import pytest

from streams.identity.aliases import phone_alias
from streams.identity.callers import caller_number, is_withheld

WITHHELD = [
    "", " ", "anonymous", "Anonymous", "ANONYMOUS", "Restricted", "unavailable", "Unknown",
    "private", "Private Caller", "No Caller ID", "withheld", "<unknown>", "(null)", "blocked",
    "+266696687", "266696687", "+7378742833", "+86282452253", "+2562533", "+8656696",
    "sip:anonymous@anonymous.invalid", "sip:Anonymous@192.0.2.1",
    '"Anonymous" <sip:c8oqz84zk7z@anonymous.invalid>', "발신번호표시제한", "非通知",
]  # fmt: skip
NUMBERS = {
    "+82 10-1234-5678": "+821012345678",
    "010-1234-5678": "+821012345678",
    "tel:+821012345678": "+821012345678",
    "sip:+821012345678@sip.example.com": "+821012345678",
    "sips:+821012345678@sip.example.com:5061;transport=tls": "+821012345678",
    '"Mina" <sip:+821012345678@sip.example.com>;tag=1': "+821012345678",
    "sip:01012345678@10.0.0.1": "+821012345678",
}


@pytest.mark.parametrize("caller", WITHHELD, ids=repr)
def test_who_withholds_the_number_is_nobody(caller: str) -> None:
    assert is_withheld(caller)
    assert phone_alias(caller, "KR") is None


@pytest.mark.parametrize(("caller", "number"), NUMBERS.items())
def test_a_number_is_read_out_of_its_address(caller: str, number: str) -> None:
    assert not is_withheld(caller)
    found = phone_alias(caller, "KR")
    assert found is not None
    assert found.value == number


@pytest.mark.parametrize("caller", ["client:alice", "CLIENT:alice", "sip:alice@example.com"])
def test_who_calls_without_a_telephone_has_no_number(caller: str) -> None:
    assert phone_alias(caller, "KR") is None
    assert not is_withheld(caller)
    assert caller_number("client:alice") == ""
