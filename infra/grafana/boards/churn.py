"""Who falls silent, and what brings them back."""

from infra.grafana.panel import Board, Panel

CHURN = Board(
    "daehwa-churn",
    "Daehwa: Churn and winback",
    (
        Panel(
            "Alarms",
            "By what was decided",
            "table",
            "SELECT rule, decision, suppressed_by, count() AS alarms, "
            "countIf(came_back_at IS NOT NULL) AS came_back, "
            "quantile(0.5)(days_to_return) AS median_days "
            "FROM daehwa.churn_alarms "
            "WHERE $__timeFilter(decided_at) "
            "GROUP BY rule, decision, suppressed_by "
            "ORDER BY alarms DESC",
        ),
        Panel(
            "Value saved",
            "Treated against held out",
            "table",
            "SELECT rule, currency, treated, held_out, treated_back, held_out_back, "
            "treated_revenue, held_out_revenue, value_saved "
            "FROM daehwa.churn_effect "
            "ORDER BY rule, currency",
        ),
        Panel(
            "Survival after an order",
            "Share of customers still silent after so many days",
            "barchart",
            "SELECT toString(day) AS days, silent "
            "FROM daehwa.churn_survival "
            "WHERE day % 7 = 0 "
            "ORDER BY daehwa.churn_survival.day LIMIT 53",
            unit="percentunit",
        ),
        Panel(
            "Reactivated and fallen silent",
            "By month",
            "table",
            "SELECT month, active, began, reactivated, fell_silent "
            "FROM daehwa.reactivations "
            "ORDER BY month DESC LIMIT 24",
        ),
        Panel(
            "Relationship stages",
            "Who went from one to another",
            "table",
            "SELECT from_stage, to_stage, sum(changes) AS changes "
            "FROM daehwa.relationship_flow "
            "WHERE $__days "
            "GROUP BY from_stage, to_stage "
            "ORDER BY changes DESC LIMIT 50",
        ),
        Panel(
            "Highest value at stake",
            "Latest alarms that are not answered yet",
            "table",
            "SELECT decided_at, customer_id, rule, silent_days, p_alive, "
            "value_at_stake, currency "
            "FROM daehwa.churn_alarms "
            "WHERE $__timeFilter(decided_at) AND came_back_at IS NULL "
            "ORDER BY value_at_stake DESC NULLS LAST LIMIT 50",
        ),
    ),
)
