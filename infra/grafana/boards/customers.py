"""Who the customers are and what they are worth."""

from infra.grafana.panel import Board, Panel

CUSTOMERS = Board(
    "daehwa-customers",
    "Daehwa: Customers and value",
    (
        Panel(
            "Value concentration",
            "Share of revenue of the best customers, from the best on",
            "table",
            "SELECT currency, percent, customers, revenue, share "
            "FROM daehwa.value_concentration "
            "WHERE percent IN (1, 5, 10, 20, 50, 80, 100) "
            "ORDER BY currency, percent",
        ),
        Panel(
            "Scores",
            "Customers by recency and frequency, five is best",
            "table",
            "SELECT recency_score, frequency_score, count() AS customers, "
            "round(avg(revenue), 2) AS mean_revenue "
            "FROM daehwa.rfm "
            "GROUP BY recency_score, frequency_score "
            "ORDER BY recency_score DESC, frequency_score DESC",
        ),
        Panel(
            "Most valuable customers",
            "By revenue, with the expected value of the model",
            "table",
            "SELECT customer_id, currency, orders, revenue, expected, p_alive, "
            "model_version "
            "FROM daehwa.customer_lifetime_value "
            "ORDER BY revenue DESC LIMIT 50",
        ),
        Panel(
            "Time between orders",
            "Median days until the order of this number",
            "barchart",
            "SELECT toString(order_number) AS order_number, median_days "
            "FROM daehwa.interpurchase_times "
            "ORDER BY interpurchase_times.order_number LIMIT 12",
            unit="d",
        ),
        Panel(
            "Repeat rate by month",
            "Of the customers whose first order was then",
            "timeseries",
            "SELECT toDateTime(month, 'UTC') AS time, rate "
            "FROM daehwa.repeat_purchases "
            "WHERE month >= toDate($__fromTime) AND month <= toDate($__toTime) "
            "ORDER BY time",
            unit="percentunit",
        ),
        Panel(
            "Monthly retention by first channel",
            "Share of a cohort that was active so many months later",
            "table",
            "SELECT value AS first_channel, cohort, period, customers, rate "
            "FROM daehwa.cohort_retention "
            "WHERE grain = 'month' AND cohort_of = 'first_channel' AND cohort >= "
            "toDate($__fromTime) AND cohort <= toDate($__toTime) "
            "ORDER BY first_channel, cohort, period LIMIT 500",
        ),
        Panel(
            "Consent today",
            "Customers whose latest word is yes or no",
            "table",
            "SELECT about, granted, withdrawn FROM daehwa.consent_status ORDER BY about",
        ),
    ),
)
