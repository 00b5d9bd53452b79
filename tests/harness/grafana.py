"""What Grafana makes of the queries of a board."""

import re
from datetime import datetime


def without_macros(sql: str, start: datetime, end: datetime) -> str:
    """The query for a span of time, with every value of its variables. Fails on a macro that is not
    known here."""
    first, last = (f"toDateTime({round(at.timestamp())})" for at in (start, end))
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 >= {first} AND \1 <= {last}", sql)
    sql = sql.replace("$__fromTime", first).replace("$__toTime", last)
    sql = sql.replace("${family:singlequote}", "'product','complaint'")
    sql = re.sub(r"\$\{(\w+):singlequote\}", lambda name: _VALUES[name[1]], sql)
    assert "$" not in sql, f"a macro this does not know: {sql}"
    return sql


_VALUES = {
    "source": "SELECT DISTINCT source FROM daehwa.source_freshness",
    "channel": "SELECT DISTINCT channel FROM daehwa.channel_mix",
    "topic": "SELECT DISTINCT topic FROM daehwa.revenue_by_topic",
}
"""All of them, as the variable's own query finds them."""
