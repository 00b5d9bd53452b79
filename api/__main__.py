"""`python -m api`: one API process."""

import logging
import socket
import sys
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.request_limits import RequestLimits, limited_protocol, raise_file_limit
from infra.logs import configure_logs
from infra.playbook.playbook_file import PlaybookError
from infra.settings import Settings, SettingsError

LAST_REQUESTS_S = 8
"""Grace period of requests after SIGTERM; a little over Kafka's time to acknowledge."""


class _Server(uvicorn.Server):
    """Stops as uvicorn does, but first ends endless answers (event streams)."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._app.state.parts.end_feeds()
        await super().shutdown(sockets)


def main() -> int:
    """Serves until SIGTERM or SIGINT; requests under way are finished and Kafka is flushed.

    Exit code 2 and one sentence on standard error where settings or playbook are wrong.
    """
    try:
        settings = Settings.from_environment()
        app = create_app(settings)
    except (SettingsError, PlaybookError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    configure_logs(settings, "api")
    # The log writer reports once that Kafka is unavailable; aiokafka would several times a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    raise_file_limit()
    limits = RequestLimits(connections_per_address=settings.connections_per_address)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=limited_protocol(limits),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=LAST_REQUESTS_S,
    )
    server = _Server(config, app)
    with suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
