"""Logs: structlog on standard error, one line an event."""

import logging
import sys

import structlog

from infra.settings import Settings


def configure_logs(settings: Settings, part: str) -> None:
    """Configures logging of this process; every line names the part of Daehwa."""
    level = getattr(logging, settings.log_level.upper(), logging.INFO)
    _configure(level, part, as_json=settings.log_json)


def configure_command_logs() -> None:
    """The same for a command: warnings only, never on standard output, which carries its answer."""
    _configure(logging.WARNING, "daehwa", as_json=False)


def _configure(level: int, part: str, *, as_json: bool) -> None:
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(part=part)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format=f"{part}: %(message)s")
    quiet_clients()


def quiet_clients() -> None:
    """Silences the clients of Kafka and ClickHouse: they log every failed attempt, and their
    callers log an outage once."""
    for name in ("aiokafka", "kafka", "clickhouse_driver", "faust.transport"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
