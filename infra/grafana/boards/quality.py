"""Whether what comes in can be relied on."""

from infra.grafana.panel import Board, Panel

QUALITY = Board(
    "daehwa-quality",
    "Daehwa: Data quality",
    (
        Panel(
            "Findings",
            "What was not understood, by source",
            "table",
            "SELECT source, check, sum(events) AS events, any(examples) AS examples "
            "FROM daehwa.data_quality "
            "WHERE $__days AND source IN (${source:singlequote}) "
            "GROUP BY source, check "
            "ORDER BY events DESC LIMIT 50",
        ),
        Panel(
            "Findings by day",
            "By check",
            "timeseries",
            "SELECT toDateTime(day, 'UTC') AS time, check, sum(events) AS events "
            "FROM daehwa.data_quality "
            "WHERE $__days AND source IN (${source:singlequote}) "
            "GROUP BY time, check "
            "ORDER BY time, check",
        ),
        Panel(
            "Latest from each source",
            "And how late its events are",
            "table",
            "SELECT source, max(last_received_at) AS latest, sum(events) AS received, "
            "avgWeighted(mean_delay_seconds, events) AS mean_delay_s "
            "FROM daehwa.source_freshness "
            "WHERE $__days AND source IN (${source:singlequote}) "
            "GROUP BY source "
            "ORDER BY latest",
        ),
        Panel(
            "Events by source",
            "By day of receipt",
            "timeseries",
            "SELECT toDateTime(day, 'UTC') AS time, source, sum(events) AS events "
            "FROM daehwa.source_freshness "
            "WHERE $__days AND source IN (${source:singlequote}) "
            "GROUP BY time, source "
            "ORDER BY time, source",
        ),
        Panel(
            "Dead letters",
            "By reason",
            "table",
            "SELECT reason, state, count() AS letters, max(at) AS latest "
            "FROM daehwa.dead_letters "
            "WHERE $__timeFilter(at) "
            "GROUP BY reason, state "
            "ORDER BY letters DESC",
        ),
        Panel(
            "Consent by day",
            "Given and withdrawn",
            "timeseries",
            "SELECT toDateTime(day, 'UTC') AS time, sum(granted) AS granted, "
            "sum(withdrawn) AS withdrawn "
            "FROM daehwa.consent_by_day "
            "WHERE $__days AND channel IN (${channel:singlequote}) "
            "GROUP BY time "
            "ORDER BY time",
        ),
        Panel(
            "Trigger latency",
            "Milliseconds from the event to the decision, by day",
            "timeseries",
            "SELECT toDateTime(day, 'UTC') AS time, type, max(decision_p99_ms) AS p99 "
            "FROM daehwa.trigger_latency "
            "WHERE $__days "
            "GROUP BY time, type "
            "ORDER BY time, type",
            unit="ms",
        ),
    ),
)
