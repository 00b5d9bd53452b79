"""Which keys of Redis are dialogue state, that a rebuild makes anew, and which are not."""

import pytest

from infra.delivery.keys import due_key, given_up_key, outbox_key, records_prefix
from infra.redis.keys import counts_key, deadlines_key, is_state, profile_key, watermark_key
from streams.models.learned import MAX_FIELDS


@pytest.mark.parametrize("endpoint", ["crm", "profile", "spend", "watermark", "delivery", "due"])
def test_what_is_to_be_delivered_is_no_state_whatever_its_endpoint_is_called(
    endpoint: str,
) -> None:
    assert not is_state(due_key(3, endpoint).encode())


def test_every_key_of_the_fold_is_state_and_none_of_delivery_is() -> None:
    state = [
        profile_key(3, "id:a\nb"),
        watermark_key(3),
        deadlines_key(3),
        *(counts_key(3, kind) for kind in MAX_FIELDS),
    ]
    assert all(is_state(name.encode()) for name in state)
    others = [records_prefix(3) + "profile:1", given_up_key(3), outbox_key(3)]
    assert not any(is_state(name.encode()) for name in others)
