"""Every metric of Daehwa, in one list."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

WORKER_READY = Gauge("daehwa_worker_ready", "1 once the worker has partitions and reads them")

# Collector
EVENTS_ACCEPTED = Counter("daehwa_events_accepted", "Events that Kafka acknowledged", ["source"])
EVENTS_REFUSED = Counter("daehwa_requests_refused", "Requests not accepted", ["code"])
COLLECT_SECONDS = Histogram(
    "daehwa_collect_seconds", "From a request's body to Kafka's acknowledgement", buckets=_FAST
)

# Dialogue worker
EVENTS_FOLDED = Counter("daehwa_events_folded", "Events folded into profiles")
EVENTS_SUMMARISED = Counter(
    "daehwa_events_summarised",
    "Events of hot profiles, only counted: see docs/explanation/guarantees.md",
)
EVENTS_DROPPED = Counter("daehwa_events_dropped", "Events that change nothing", ["reason"])
CUSTOMERS_ERASED = Counter("daehwa_ids_erased", "Ids whose profile became a tombstone")
PROFILES_UNREADABLE = Counter(
    "daehwa_profiles_unreadable",
    "Batches that found a stored profile they cannot decode: docs/how-to/dead-letters.md",
)
DEAD_LETTERS = Counter("daehwa_dead_letters", "Events that could not be folded", ["reason"])
TRIGGERS = Counter("daehwa_triggers", "Decisions taken", ["type", "decision"])
BATCH_SECONDS = Histogram(
    "daehwa_batch_seconds", "One batch, from records to watermark", buckets=_FAST
)
FOLD_LAG_SECONDS = Histogram(
    "daehwa_fold_lag_seconds", "From an event's receipt to its profile in Redis", buckets=_FAST
)
DEADLINES_DUE = Counter("daehwa_deadlines_due", "Deadlines appended to the log as timer events")
CACHED_PROFILES = Gauge("daehwa_cached_profiles", "Profiles the worker keeps in memory")
REPLAYED = Counter("daehwa_records_replayed", "Records at or below the watermark, skipped")
PARTITION_HALTED = Gauge(
    "daehwa_partition_halted",
    "1 while a partition does not go on because the fold fails: docs/how-to/dead-letters.md",
    ["partition"],
)
LOG_GAPS = Counter(
    "daehwa_log_gaps", "Offsets that Kafka no longer had when they were to be folded"
)

LOG_CUTS = Counter(
    "daehwa_log_cuts", "Offsets that were folded and that Kafka gave to other records since"
)

DEFINITIONS_ADOPTED = Counter(
    "daehwa_definitions_adopted", "Switches of a partition to another definition", ["kind"]
)
DEFINITIONS_UNUSABLE = Counter(
    "daehwa_definitions_unusable",
    "Definitions that this version of Daehwa cannot use; those before them stay in force",
    ["kind"],
)

# Archive worker
ROWS_ARCHIVED = Counter("daehwa_rows_archived", "Rows inserted into ClickHouse", ["table"])
ROWS_REPEATED = Counter(
    "daehwa_rows_repeated", "Rows that ClickHouse held already, received again", ["table"]
)
ROWS_NOT_ARCHIVED = Counter(
    "daehwa_rows_not_archived", "Rows left out because their customer is erased", ["table"]
)
DATA_QUALITY = Counter(
    "daehwa_data_quality", "Archived events with something doubtful in them", ["source", "check"]
)

# Delivery worker
DELIVERIES = Counter(
    "daehwa_deliveries",
    "Attempts to deliver: delivered, again, refused, gone, withheld; failed: given up",
    ["endpoint", "outcome"],
)
DELIVERY_SECONDS = Histogram(
    "daehwa_delivery_seconds", "One attempt, until the endpoint answered", buckets=_FAST
)
DELIVERY_BACKLOG = Gauge(
    "daehwa_delivery_backlog",
    "Deliveries that wait, of this worker's partitions",
    ["endpoint"],
)
DELIVERY_OVERDUE_SECONDS = Gauge(
    "daehwa_delivery_overdue_seconds", "How long the oldest of them has been due", ["endpoint"]
)
ENDPOINT_CIRCUIT = Gauge(
    "daehwa_endpoint_circuit", "0 closed, 1 probing, 2 open, 3 disabled", ["endpoint"]
)
TRIGGERS_UNREADABLE = Counter("daehwa_triggers_unreadable", "Records that hold no trigger")

# Dependencies
DEPENDENCY_UP = Gauge("daehwa_dependency_up", "1 while a dependency answers", ["dependency"])
# The name until 0.1; goes with the next release.
_NEIGHBOUR_UP = Gauge("daehwa_neighbour_up", "Old name of daehwa_dependency_up", ["neighbour"])


def set_dependency_up(dependency: str, up: bool) -> None:
    """Sets whether a dependency (`kafka`, `redis`, `clickhouse`, `definitions`) answers."""
    DEPENDENCY_UP.labels(dependency).set(up)
    _NEIGHBOUR_UP.labels(dependency).set(up)
