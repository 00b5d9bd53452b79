"""The two looks at a record: the first names every profile that the second finds events of."""

from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from agents.dialogue.reading import keys_of, read_record
from streams.codec.codec import decode_envelope, encode_event
from streams.definitions.definitions import adopt_event
from streams.identity.profile_key import profile_key
from tests.harness.histories import event, law
from tests.unit.agents.dialogue.test_partition_folder import Record
from tests.unit.streams.definitions.test_definitions import FIRST

ids = st.one_of(st.none(), st.sampled_from(["a", " b ", "null", "", "Undefined", "x" * 201, "é"]))
good = st.builds(
    lambda name, **who: encode_event(event(name, **who)),
    st.text(max_size=5),
    user_id=ids,
    anonymous_id=ids,
    key=ids,
)
control = st.just(encode_event(adopt_event(FIRST, 0, 1)))
broken = st.one_of(
    st.sampled_from(
        [b"5", b"{}", b'{"user_id":5}', b'{"user_id":"u"}', b'{"name":"\xff","user_id":"u"}']
    ),
    st.dictionaries(st.sampled_from(["user_id", "key", "type"]), st.text(max_size=3)).map(
        msgspec.json.encode
    ),
)
envelopes = st.lists(st.one_of(good, control, broken), max_size=6).map(
    lambda pieces: b"[" + b",".join(pieces) + b"]"
)


@law
@given(st.one_of(envelopes, good, control, st.binary(max_size=40)))
@example(b"")
@example(b"[")
@example(b'[{"user_id":"u"}')
def test_the_first_look_names_every_profile_of_the_second(value: bytes) -> None:
    record: Any = Record(0, value)
    keys = keys_of(record)
    reading = read_record(record, keys)
    found, unreadable = decode_envelope(value)
    named = [(profile_key(one), one) for one in found]
    assert reading.events == [(key, one) for key, one in named if key is not None]
    assert {key for key, _ in reading.events} <= set(keys)
    nobody = len(found) - len(reading.events) - len(reading.adoptions)
    assert len(reading.dead_letters) == nobody + len(unreadable)


def test_a_control_record_stands_where_it_stood() -> None:
    pieces = [encode_event(event("m1", user_id="a")), encode_event(adopt_event(FIRST, 0, 1))]
    pieces.append(encode_event(event("m2", user_id="b")))
    record: Any = Record(0, b"[" + b",".join(pieces) + b"]")
    reading = read_record(record, keys_of(record))
    assert [key for key, _ in reading.events] == ["a", "b"]
    assert [place for place, _ in reading.adoptions] == [1]
    assert reading.dead_letters == []
