"""The Faust app of a worker: time-outs of its consumer, and fetches that wait longer when idle."""

import pytest

from agents.faust_app import MAX_IDLE_WAIT_MS, REQUEST_SECONDS, faust_app, fetch_wait_ms
from infra.settings import Settings

DAY = 86_400


async def test_positions_may_take_longer_than_a_request_to_kafka() -> None:
    app = faust_app(Settings(fetch_wait_ms=7), "group")
    assert app.conf.broker_request_timeout > DAY
    consumer = app._new_consumer()._thread._create_worker_consumer(app.transport)
    try:
        assert consumer._client._request_timeout_ms == REQUEST_SECONDS * 1000
        assert consumer._request_timeout_ms == REQUEST_SECONDS * 1000
        assert consumer._fetch_max_wait_ms == 7
    finally:
        await consumer.stop()


@pytest.mark.parametrize(("configured", "idle"), [(8, 40), (20, 100), (200, 500), (900, 900)])
def test_a_fetch_waits_longer_while_nothing_comes(configured: int, idle: int) -> None:
    assert fetch_wait_ms(configured, idle=False) == configured
    assert fetch_wait_ms(configured, idle=True) == idle
    assert idle <= max(configured, MAX_IDLE_WAIT_MS)
