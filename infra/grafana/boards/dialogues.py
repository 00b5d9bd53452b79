"""How far dialogues come and where they turn."""

from infra.grafana.panel import Board, Panel

DIALOGUES = Board(
    "daehwa-dialogues",
    "Daehwa: Dialogues and funnels",
    (
        Panel(
            "Funnel",
            "Customers that reached a stage, and the median seconds to get there",
            "table",
            "SELECT topic, stage, customers, events, median_seconds_before "
            "FROM daehwa.funnel "
            "WHERE topic IN (${topic:singlequote}) "
            "ORDER BY topic, stage_rank LIMIT 200",
        ),
        Panel(
            "Events at each stage",
            "By day",
            "timeseries",
            "SELECT toDateTime(day, 'UTC') AS time, stage, sum(events) AS events "
            "FROM daehwa.funnel_by_day "
            "WHERE $__days AND topic IN (${topic:singlequote}) AND channel IN "
            "(${channel:singlequote}) AND source IN (${source:singlequote}) "
            "GROUP BY time, stage "
            "ORDER BY time, stage",
        ),
        Panel(
            "How long dialogues take",
            "From the first to the latest event",
            "table",
            "SELECT topic, dialogues, finished, median_seconds, p90_seconds "
            "FROM daehwa.dialogue_durations "
            "WHERE topic IN (${topic:singlequote}) "
            "ORDER BY dialogues DESC LIMIT 50",
            unit="s",
        ),
        Panel(
            "From interest to purchase",
            "Who bought in the end, and how long it took",
            "table",
            "SELECT topic, interested, customers, rate, median_seconds, p90_seconds "
            "FROM daehwa.time_to_purchase "
            "WHERE topic IN (${topic:singlequote}) "
            "ORDER BY interested DESC LIMIT 50",
        ),
        Panel(
            "Paths between topics",
            "What customers turn to next",
            "table",
            "SELECT from_topic, to_topic, times, customers, median_seconds "
            "FROM daehwa.topic_paths "
            "WHERE from_topic IN (${topic:singlequote}) "
            "ORDER BY times DESC LIMIT 50",
        ),
        Panel(
            "Hand-overs between channels",
            "Where a dialogue goes on",
            "table",
            "SELECT from_channel, to_channel, times, customers, median_seconds "
            "FROM daehwa.channel_handovers "
            "WHERE from_channel IN (${channel:singlequote}) "
            "ORDER BY times DESC LIMIT 50",
        ),
    ),
)
