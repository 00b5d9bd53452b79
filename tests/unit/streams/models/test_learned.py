"""Learned counts: a count and its increment grow together."""

from streams.models.increments import Increments
from streams.models.learned import MAX_FIELDS, Learned


def test_beyond_the_bound_a_new_field_is_counted_nowhere_and_an_old_one_goes_on() -> None:
    learned = Learned()
    increments: Increments = {}
    for number in range(MAX_FIELDS["spend"] + 3):
        learned.count("spend", f"EUR|{number}", 2, increments)
    learned.count("spend", "EUR|0", 5, increments)
    assert increments == {"spend": dict(learned.counts("spend"))}
    assert len(increments["spend"]) == MAX_FIELDS["spend"]
    assert increments["spend"]["EUR|0"] == 7
