CREATE TABLE IF NOT EXISTS daehwa.dead_letters_stored
(
    id            String,
    reason        LowCardinality(String),
    detail        String,
    origin        String,
    at            DateTime64(3, 'UTC'),
    payload       String CODEC(ZSTD(3)),
    log_id        LowCardinality(String),
    log_partition UInt32,
    log_offset    Int64,
    archived_at   DateTime64(3, 'UTC') DEFAULT now64(3),
    receipt       UInt64 MATERIALIZED bitNot(toUInt64(greatest(toUnixTimestamp64Milli(at), 0))),
    PROJECTION stored_offsets
    (
        SELECT log_id, log_partition, max(log_offset) GROUP BY log_id, log_partition
    )
)
ENGINE = ReplacingMergeTree(receipt)
ORDER BY id
SETTINGS non_replicated_deduplication_window = 10000,
    deduplicate_merge_projection_mode = 'rebuild',
    lightweight_mutation_projection_mode = 'rebuild';

CREATE OR REPLACE VIEW daehwa.dead_letters AS
SELECT id, reason, detail, origin, at, payload, log_id, log_partition, log_offset, archived_at
FROM daehwa.dead_letters_stored FINAL;
