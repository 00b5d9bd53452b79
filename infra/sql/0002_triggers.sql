CREATE TABLE IF NOT EXISTS daehwa.triggers_stored
(
    id            String,
    type          LowCardinality(String),
    rule          LowCardinality(String),
    customer_id   String,
    topic         String,
    stage         LowCardinality(String),
    occurred_at   DateTime64(3, 'UTC'),
    decided_at    DateTime64(3, 'UTC'),
    decision      LowCardinality(String),
    suppressed_by LowCardinality(String),
    reason        String,
    why           String CODEC(ZSTD(3)),
    log_id        LowCardinality(String),
    log_partition UInt32,
    log_offset    Int64,
    archived_at   DateTime64(3, 'UTC') DEFAULT now64(3),
    -- Greatest for the first decision.
    receipt       UInt64 MATERIALIZED bitNot(toUInt64(greatest(toUnixTimestamp64Milli(decided_at), 0))),
    INDEX decided decided_at TYPE minmax GRANULARITY 1,
    PROJECTION stored_offsets
    (
        SELECT log_id, log_partition, max(log_offset) GROUP BY log_id, log_partition
    )
)
ENGINE = ReplacingMergeTree(receipt)
ORDER BY (customer_id, id)
SETTINGS non_replicated_deduplication_window = 10000,
    deduplicate_merge_projection_mode = 'rebuild',
    lightweight_mutation_projection_mode = 'rebuild';

CREATE OR REPLACE VIEW daehwa.triggers AS
SELECT
    id,
    type,
    rule,
    customer_id,
    topic,
    stage,
    occurred_at,
    decided_at,
    decision,
    suppressed_by,
    reason,
    why,
    log_id,
    log_partition,
    log_offset,
    archived_at
FROM daehwa.triggers_stored FINAL;
