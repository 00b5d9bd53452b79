"""What the engine may do for its clients: tables of its own, and nothing outside of them.

The engine runs as the operator, in the operator's process. Without limits whoever reaches it reads
and writes any file and opens any connection. Two walls stand before that:

* Grants, which the engine itself checks at every statement. Its one user has none for sources
  (files, URLs, other databases, programs), dictionaries, functions, backups and users.
* The statement's words, for the three things that no grant covers: `INTO OUTFILE`, `FROM INFILE`
  and the function `file`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from .failure import ACCESS_DENIED, failure
from .statement import tokens

_GRANTS: Final = (
    "GRANT SHOW, SELECT, INSERT, ALTER TABLE, ALTER VIEW, CREATE DATABASE, CREATE TABLE, "
    "CREATE VIEW, CREATE TEMPORARY TABLE, DROP DATABASE, DROP TABLE, DROP VIEW, UNDROP TABLE, "
    "TRUNCATE, OPTIMIZE, KILL QUERY, SYSTEM SYNC REPLICA, SYSTEM MERGES, SYSTEM FLUSH LOGS "
    "ON *.*"
)

_NAMING_FILES: Final = (
    "format_schema",
    "format_schema_source",
    "format_template_resultset",
    "format_template_row",
    "format_template_row_format",
    "format_template_resultset_format",
)
"""Settings by which a format reads a file."""

_QUERY_LOG: Final = (
    "<query_log><database>system</database><table>query_log</table>"
    "<engine>ENGINE = MergeTree ORDER BY (event_date, event_time) PARTITION BY event_date"
    " TTL event_date + INTERVAL 3 DAY SETTINGS ttl_only_drop_parts = 1</engine>"
    "<flush_interval_milliseconds>7500</flush_interval_milliseconds></query_log>"
)
"""As a ClickHouse server writes it, but of this start only: the engine keeps its system database in
memory, and the rows until it ends, three days at most."""

_FORBIDDEN: Final = frozenset({"OUTFILE", "INFILE"})
_FILE: Final = re.compile(r"""[`"]?file[`"]?""", re.IGNORECASE)


def write_config(folder: Path) -> Path:
    """Writes the engine's configuration into the folder; the file to start it with."""
    users, config = folder / "users.xml", folder / "config.xml"
    constraints = "".join(f"<{name}><readonly/></{name}>" for name in _NAMING_FILES)
    users.write_text(
        "<clickhouse><profiles><default><log_queries>1</log_queries><constraints>"
        f"{constraints}</constraints></default></profiles><quotas><default/></quotas>"
        "<users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile>"
        f"<quota>default</quota><grants><query>{escape(_GRANTS)}</query></grants></default></users>"
        "</clickhouse>",
        encoding="utf-8",
    )
    config.write_text(
        f"<clickhouse><users_config>{escape(str(users))}</users_config>{_QUERY_LOG}</clickhouse>",
        encoding="utf-8",
    )
    return config


def check_statement(sql: str) -> None:
    """Raises 497 ACCESS_DENIED for a statement that names a file."""
    before = ""
    for text, is_word in tokens(sql):
        if is_word and text.upper() in _FORBIDDEN:
            raise _denied(text.upper())
        if text == "(" and _FILE.fullmatch(before):
            raise _denied("file()")
        before = text


def _denied(what: str) -> Exception:
    return failure(
        ACCESS_DENIED, "ACCESS_DENIED", f"{what} is not for clients of the embedded ClickHouse"
    )
