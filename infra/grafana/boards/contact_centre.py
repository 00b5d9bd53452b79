"""Calls, complaints and how they end."""

from infra.grafana.panel import Board, Panel

CONTACT_CENTRE = Board(
    "daehwa-contact-centre",
    "Daehwa: Contact centre",
    (
        Panel(
            "Calls",
            "Of the span",
            "stat",
            "SELECT sum(calls) AS calls FROM daehwa.call_load WHERE $__timeFilter(hour)",
        ),
        Panel(
            "Missed",
            "Share of the calls",
            "stat",
            "SELECT sum(missed) / sum(calls) AS missed "
            "FROM daehwa.call_load "
            "WHERE $__timeFilter(hour)",
            unit="percentunit",
        ),
        Panel(
            "First-contact resolution",
            "Share of first contacts that settled the matter",
            "stat",
            "SELECT sum(settled) / sum(first_contacts) AS rate "
            "FROM daehwa.first_contact_resolution "
            "WHERE $__days AND channel IN (${channel:singlequote})",
            unit="percentunit",
        ),
        Panel(
            "Complaints in time",
            "Share of the solved ones",
            "stat",
            "SELECT avg(in_time) AS in_time FROM daehwa.complaints WHERE $__timeFilter(opened_at)",
            unit="percentunit",
        ),
        Panel(
            "Calls by hour",
            "Answered and missed",
            "timeseries",
            "SELECT hour AS time, sum(answered) AS answered, sum(missed) AS missed "
            "FROM daehwa.call_load "
            "WHERE $__timeFilter(hour) "
            "GROUP BY hour "
            "ORDER BY time",
        ),
        Panel(
            "Operators",
            "Seconds until an answer and of talk: means of the hours, weighted by their calls",
            "table",
            "SELECT operator, sum(calls) AS taken, sum(missed) AS missed_calls, "
            "avgWeightedIf(assumeNotNull(mean_wait_seconds), calls, mean_wait_seconds >"
            " 0) AS wait_s, avgWeightedIf(assumeNotNull(mean_talk_seconds), calls, "
            "mean_talk_seconds > 0) AS talk_s "
            "FROM daehwa.call_load "
            "WHERE $__timeFilter(hour) "
            "GROUP BY operator "
            "ORDER BY taken DESC LIMIT 50",
        ),
        Panel(
            "Open complaints",
            "The oldest first",
            "table",
            "SELECT opened_at, customer_id, topic, due_at, open_seconds "
            "FROM daehwa.complaints "
            "WHERE resolved_at IS NULL AND withdrawn_at IS NULL "
            "ORDER BY opened_at LIMIT 50",
        ),
        Panel(
            "After a complaint",
            "Who bought again, by outcome",
            "table",
            "SELECT topic, outcome, cases, bought_again, rate "
            "FROM daehwa.complaint_effect "
            "ORDER BY topic, outcome",
        ),
    ),
)
