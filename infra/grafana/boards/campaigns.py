"""What was said to customers and what came of it."""

from infra.grafana.panel import Board, Panel

CAMPAIGNS = Board(
    "daehwa-campaigns",
    "Daehwa: Campaigns and offers",
    (
        Panel(
            "Campaign results",
            "Share that bought, with its 95 % interval",
            "table",
            "SELECT campaign, arm, customers, buyers, rate, rate_low, rate_high, orders"
            " "
            "FROM daehwa.campaign_results "
            "ORDER BY campaign, arm",
        ),
        Panel(
            "Exposures",
            "Customers by campaign and arm",
            "table",
            "SELECT campaign, arm, count() AS customers, countIf(crossed) AS crossed, "
            "min(first_exposed_at) AS first, max(first_exposed_at) AS latest "
            "FROM daehwa.campaign_exposures "
            "WHERE $__timeFilter(first_exposed_at) "
            "GROUP BY campaign, arm "
            "ORDER BY campaign, arm DESC",
        ),
        Panel(
            "From decided to converted",
            "By rule",
            "table",
            "SELECT rule, channel, sum(decided) AS decided, sum(fired) AS fired, "
            "sum(suppressed) AS suppressed, sum(delivered) AS delivered, sum(opened) AS"
            " opened, sum(clicked) AS clicked, sum(converted) AS converted "
            "FROM daehwa.trigger_funnel "
            "WHERE $__days "
            "GROUP BY rule, channel "
            "ORDER BY decided DESC LIMIT 50",
        ),
        Panel(
            "Offers",
            "Shown, accepted and bought, by explanation",
            "table",
            "SELECT explanation, from_topic, topic, decided, shown, customers, "
            "accepted, bought "
            "FROM daehwa.offer_results "
            "ORDER BY shown DESC LIMIT 50",
        ),
        Panel(
            "Revenue of offers",
            "Orders after an offer of their topic",
            "table",
            "SELECT explanation, topic, currency, orders, revenue "
            "FROM daehwa.offer_revenue "
            "ORDER BY revenue DESC LIMIT 50",
        ),
        Panel(
            "Attribution",
            "Revenue to the first and to the last trigger before it",
            "table",
            "SELECT model, rule, campaign, currency, orders, revenue "
            "FROM daehwa.attribution "
            "ORDER BY model, revenue DESC LIMIT 50",
        ),
        Panel(
            "Held back, by reason",
            "Triggers by day",
            "timeseries",
            "SELECT toDateTime(day, 'UTC') AS time, suppressed_by, sum(triggers) AS "
            "triggers "
            "FROM daehwa.suppressed "
            "WHERE $__days "
            "GROUP BY time, suppressed_by "
            "ORDER BY time, suppressed_by",
        ),
    ),
)
