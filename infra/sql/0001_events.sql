-- Every statement of a migration can be repeated: two processes may apply it at the same moment.

CREATE TABLE IF NOT EXISTS daehwa.events_stored
(
    message_id       String,
    type             LowCardinality(String),
    channel          LowCardinality(String),
    name             LowCardinality(String),
    profile_key      String COMMENT 'who sent it: the usable user id, else the anonymous id; the same on every retry',
    user_id          String,
    anonymous_id     String,
    previous_id      String,
    direction        LowCardinality(String),
    operator         String,
    outcome          LowCardinality(String),
    topics           Array(String),
    stages           Array(LowCardinality(String)),
    stage_ranks      Array(UInt8),
    properties       String CODEC(ZSTD(3)),
    context          String CODEC(ZSTD(3)),
    value_hundredths Int64,
    currency         LowCardinality(String),
    occurred_at      DateTime64(3, 'UTC'),
    received_at      DateTime64(3, 'UTC'),
    sent_at          Nullable(DateTime64(3, 'UTC')),
    source           LowCardinality(String),
    hops             UInt8,
    log_id           LowCardinality(String),
    log_partition    UInt32,
    log_offset       Int64,
    log_index        UInt32,
    archived_at      DateTime64(3, 'UTC') DEFAULT now64(3),
    -- Greatest for the first receipt: the earliest time, then the fewest forwards, then the first
    -- place in its envelope.
    receipt          UInt64 MATERIALIZED bitNot(bitOr(
        bitShiftLeft(toUInt64(greatest(toUnixTimestamp64Milli(received_at), 0)), 22),
        bitOr(bitShiftLeft(toUInt64(least(hops, 15)), 18), toUInt64(least(log_index, 262143))))),
    INDEX occurred occurred_at TYPE minmax GRANULARITY 1,
    PROJECTION stored_offsets
    (
        SELECT log_id, log_partition, max(log_offset) GROUP BY log_id, log_partition
    )
)
ENGINE = ReplacingMergeTree(receipt)
-- No partition: an insert is then one part, stored whole or not at all.
ORDER BY (profile_key, message_id)
SETTINGS non_replicated_deduplication_window = 10000,
    deduplicate_merge_projection_mode = 'rebuild',
    lightweight_mutation_projection_mode = 'rebuild';

CREATE OR REPLACE VIEW daehwa.events AS
SELECT
    message_id,
    type,
    channel,
    name,
    profile_key,
    user_id,
    anonymous_id,
    previous_id,
    direction,
    operator,
    outcome,
    topics,
    stages,
    properties,
    context,
    toDecimal64(value_hundredths, 2) / 100 AS value,
    currency,
    occurred_at,
    received_at,
    sent_at,
    source,
    log_id,
    log_partition,
    log_offset,
    archived_at
FROM daehwa.events_stored FINAL
WHERE type NOT IN ('timer', 'link', 'merge');

CREATE OR REPLACE VIEW daehwa.internal_events AS
SELECT
    message_id,
    type,
    name,
    profile_key,
    properties,
    occurred_at,
    received_at,
    log_id,
    log_partition,
    log_offset,
    archived_at
FROM daehwa.events_stored FINAL
WHERE type IN ('timer', 'link', 'merge');
