"""What happened to revenue and customers."""

from infra.grafana.panel import Board, Panel

EXECUTIVE = Board(
    "daehwa-executive",
    "Daehwa: Executive",
    (
        Panel(
            "Net revenue",
            "Orders that count, less refunds, by currency of the order",
            "stat",
            "SELECT currency, sum(net) AS revenue "
            "FROM daehwa.revenue_by_day "
            "WHERE $__days AND source IN (${source:singlequote}) "
            "GROUP BY currency "
            "ORDER BY revenue DESC",
        ),
        Panel(
            "Orders",
            "Placed and not cancelled",
            "stat",
            "SELECT sum(orders) AS orders "
            "FROM daehwa.revenue_by_day "
            "WHERE $__days AND source IN (${source:singlequote})",
        ),
        Panel(
            "Refunded orders",
            "Orders of these days with money back",
            "stat",
            "SELECT sum(refunded_orders) AS refunded "
            "FROM daehwa.revenue_by_day "
            "WHERE $__days AND source IN (${source:singlequote})",
        ),
        Panel(
            "Repeat rate",
            "Customers with a first order in the span who ordered again",
            "stat",
            "SELECT sum(repeated) / sum(customers) AS rate "
            "FROM daehwa.repeat_purchases "
            "WHERE month >= toDate($__fromTime) AND month <= toDate($__toTime)",
            unit="percentunit",
        ),
        Panel(
            "Net revenue by day",
            "By currency",
            "timeseries",
            "SELECT toDateTime(day, 'UTC') AS time, currency, sum(net) AS revenue "
            "FROM daehwa.revenue_by_day "
            "WHERE $__days AND source IN (${source:singlequote}) "
            "GROUP BY time, currency "
            "ORDER BY time",
        ),
        Panel(
            "Events by channel",
            "Who talks to us, and where",
            "timeseries",
            "SELECT toDateTime(day, 'UTC') AS time, channel, events "
            "FROM daehwa.channel_mix "
            "WHERE $__days "
            "ORDER BY time, channel",
        ),
        Panel(
            "Revenue by topic",
            "An order counts for each of its topics",
            "barchart",
            "SELECT topic, sum(net) AS revenue "
            "FROM daehwa.revenue_by_topic "
            "WHERE $__days AND topic IN (${topic:singlequote}) "
            "GROUP BY topic "
            "ORDER BY revenue DESC LIMIT 20",
        ),
        Panel(
            "Customers by month",
            "Who was active, began, came back and fell silent",
            "table",
            "SELECT month, active, began, reactivated, fell_silent "
            "FROM daehwa.reactivations "
            "ORDER BY month DESC LIMIT 24",
        ),
    ),
)
