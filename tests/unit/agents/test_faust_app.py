"""The Faust app of a worker: no time-out for positions, one for a broker that does not answer."""

from agents.faust_app import REQUEST_SECONDS, faust_app
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
