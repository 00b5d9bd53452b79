"""Whether the parts keep up and reach each other."""

from infra.grafana.panel import Board, MetricPanel

OPERATIONS = Board(
    "daehwa-operations",
    "Daehwa: Operations",
    (
        MetricPanel(
            "Events accepted",
            "That Kafka acknowledged, a second",
            "sum by (source) (rate(daehwa_events_accepted_total[5m]))",
            "{{source}}",
        ),
        MetricPanel(
            "Events folded",
            "Into profiles, a second",
            "sum by (instance) (rate(daehwa_events_folded_total[5m]))",
            "{{instance}}",
        ),
        MetricPanel(
            "Lag of the fold, p99",
            "From an event's receipt to its profile in Redis",
            "histogram_quantile(0.99, sum by (le) (rate(daehwa_fold_lag_seconds_bucket[5m])))",
            "p99",
            unit="s",
        ),
        MetricPanel(
            "Latency of the collector, p99",
            "From a request's body to Kafka's acknowledgement",
            "histogram_quantile(0.99, sum by (le) (rate(daehwa_collect_seconds_bucket[5m])))",
            "p99",
            unit="s",
        ),
        MetricPanel(
            "Rows archived",
            "Inserted into ClickHouse, a second",
            "sum by (table) (rate(daehwa_rows_archived_total[5m]))",
            "{{table}}",
        ),
        MetricPanel(
            "Requests refused",
            "By what the answer says, a second",
            "sum by (code) (rate(daehwa_requests_refused_total[5m]))",
            "{{code}}",
        ),
        MetricPanel(
            "Dependencies",
            "1 while it answers",
            "min by (job, dependency) (daehwa_dependency_up)",
            "{{job}}: {{dependency}}",
        ),
        MetricPanel(
            "Halted partitions",
            "Where the fold fails",
            "sum by (partition) (daehwa_partition_halted)",
            "{{partition}}",
        ),
        MetricPanel(
            "Dead letters",
            "Within an hour, by reason",
            "sum by (reason) (increase(daehwa_dead_letters_total[1h]))",
            "{{reason}}",
        ),
        MetricPanel(
            "Deliveries",
            "Attempts a second, by outcome",
            "sum by (outcome) (rate(daehwa_deliveries_total[5m]))",
            "{{outcome}}",
        ),
        MetricPanel(
            "Deliveries that wait",
            "By endpoint",
            "sum by (endpoint) (daehwa_delivery_backlog)",
            "{{endpoint}}",
        ),
        MetricPanel(
            "Circuits",
            "0 closed, 1 probing, 2 open, 3 disabled",
            "max by (endpoint) (daehwa_endpoint_circuit)",
            "{{endpoint}}",
        ),
    ),
    days=1,
)
