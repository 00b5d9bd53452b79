"""Which failures of Redis pass by waiting."""

import pytest
from redis._parsers.base import BaseParser
from redis.exceptions import ResponseError

from infra.redis.state_store import is_unavailable


@pytest.mark.parametrize(
    "answer",
    [
        "READONLY You can't write against a read only replica.",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN The cluster is down",
        "MASTERDOWN Link with MASTER is down",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Redis is configured to save RDB snapshots",
        "LOADING Redis is loading the dataset in memory",
    ],
)
def test_what_a_failover_answers_passes_by_waiting(answer: str) -> None:
    assert is_unavailable(BaseParser.parse_error(answer))


def test_what_redis_will_never_take_does_not_pass() -> None:
    assert not is_unavailable(ResponseError("WRONGTYPE Operation against a key"))
