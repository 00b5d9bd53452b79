-- What became of a dead letter: replayed, discarded, or tried and still open. A letter without a
-- row is open. `batch` is what the batch that it came in said for all of its items.
ALTER TABLE daehwa.dead_letters_stored
    ADD COLUMN IF NOT EXISTS batch String CODEC(ZSTD(3)) AFTER payload;

CREATE TABLE IF NOT EXISTS daehwa.dead_letter_outcomes
(
    id     String,
    state  LowCardinality(String),
    at     DateTime64(3, 'UTC'),
    by     String,
    detail String
)
ENGINE = ReplacingMergeTree(at)
ORDER BY id;

CREATE OR REPLACE VIEW daehwa.dead_letters AS
SELECT
    letters.id AS id,
    letters.reason AS reason,
    letters.detail AS detail,
    letters.origin AS origin,
    letters.at AS at,
    letters.payload AS payload,
    letters.batch AS batch,
    if(outcomes.state = '', 'open', outcomes.state) AS state,
    if(outcomes.state = '', NULL, outcomes.at) AS state_at,
    outcomes.by AS state_by,
    outcomes.detail AS state_detail,
    letters.log_id AS log_id,
    letters.log_partition AS log_partition,
    letters.log_offset AS log_offset,
    letters.archived_at AS archived_at
FROM
(
    SELECT * FROM daehwa.dead_letters_stored FINAL
) AS letters
LEFT JOIN
(
    SELECT * FROM daehwa.dead_letter_outcomes FINAL
) AS outcomes ON outcomes.id = letters.id;
