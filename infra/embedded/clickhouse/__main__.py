"""``python -m infra.embedded.clickhouse --path DIR --port N --http-port M``."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Final

import structlog

from infra.process_memory import settle_memory

from .access import Access, Account
from .backend import MAX_INSERT_BYTES
from .directory import DirectoryInUseError, sole_use
from .engine import DirectoryUnusableError
from .server import Options, serve

PASSWORD_VARIABLE: Final = "DAEHWA_EMBEDDED_CLICKHOUSE_PASSWORD"  # noqa: S105 - a variable's name
DASHBOARD_VARIABLE: Final = "DAEHWA_EMBEDDED_CLICKHOUSE_DASHBOARD_PASSWORD"
DASHBOARD_USER: Final = "dashboard"


def main() -> int:
    """Run the server; 0 after SIGTERM or SIGINT, 1 with one sentence when it cannot start."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if not os.environ.get(PASSWORD_VARIABLE):
        sys.stderr.write(
            f"Set {PASSWORD_VARIABLE}: this server has no account without a password.\n"
        )
        return 2
    options = _options()
    settle_memory()
    try:
        with sole_use(options.directory):
            asyncio.run(serve(options))
    except (DirectoryInUseError, DirectoryUnusableError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m infra.embedded.clickhouse")
    parser.add_argument("--path", type=Path, required=True, help="data directory")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="native protocol; 0 chooses one")
    parser.add_argument("--http-port", type=int, default=8123, help="HTTP; 0 chooses one")
    parser.add_argument("--user", default="default")
    parser.add_argument("--max-insert-bytes", type=int, default=MAX_INSERT_BYTES)
    given = parser.parse_args()
    return Options(
        directory=given.path.resolve(),
        host=given.host,
        port=given.port,
        http_port=given.http_port,
        access=Access(
            (
                Account(given.user, os.environ[PASSWORD_VARIABLE]),
                Account(DASHBOARD_USER, os.environ.get(DASHBOARD_VARIABLE, ""), readonly=True),
            )
        ),
        max_insert_bytes=given.max_insert_bytes,
    )


if __name__ == "__main__":
    sys.exit(main())
