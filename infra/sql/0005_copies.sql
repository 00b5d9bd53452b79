-- A rebuild reads the log back: which profile a record was addressed to, and where the copies
-- stand that merged profiles forwarded. A copy is a row of its own, and views leave it out.
-- `copy` repeats `hops`: only a column that is new can join the sorting key.
ALTER TABLE daehwa.events_stored
    ADD COLUMN IF NOT EXISTS addressed_to String AFTER profile_key,
    ADD COLUMN IF NOT EXISTS copy UInt8 AFTER hops,
    MODIFY ORDER BY (profile_key, message_id, copy);

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
WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge');

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
WHERE copy = 0 AND type IN ('timer', 'link', 'merge');

CREATE OR REPLACE VIEW daehwa.stage_events AS
SELECT
    ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
    happened.topic AS topic,
    splitByChar('/', happened.topic)[1] AS family,
    happened.stage AS stage,
    happened.stage_rank AS stage_rank,
    happened.channel AS channel,
    happened.occurred_at AS occurred_at,
    happened.message_id AS message_id
FROM
(
    SELECT profile_key, channel, occurred_at, message_id, topic, stage, stage_rank
    FROM daehwa.events_stored FINAL
    ARRAY JOIN topics AS topic, stages AS stage, stage_ranks AS stage_rank
    WHERE copy = 0
) AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key;
