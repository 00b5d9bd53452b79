-- Fact tables: what views ask of events, taken from each block as it is inserted. The archive worker
-- stores an event once (infra/clickhouse/stored_keys.py) and completes facts after a crash
-- (infra/clickhouse/facts.py), so that no view needs FINAL. A projection is part of its table's
-- parts: it is exact with every insert, merge and erasure.

-- Doubles that views left out with FINAL until now, and that ClickHouse has not merged yet.
OPTIMIZE TABLE daehwa.events_stored FINAL SETTINGS optimize_skip_merged_partitions = 1;
OPTIMIZE TABLE daehwa.triggers_stored FINAL SETTINGS optimize_skip_merged_partitions = 1;

CREATE TABLE IF NOT EXISTS daehwa.stages_stored
(
    topic         LowCardinality(String) COMMENT 'such as product/shoes',
    stage         LowCardinality(String) COMMENT 'stage the dialogue was brought to, or left',
    stage_rank    UInt8 COMMENT 'how far the stage is on its ladder, from 0; 0 where it was left',
    stage_end     UInt8 COMMENT '1: the stage is the last of its ladder, 0: it is not, 2: not known',
    sla_ms        UInt64 COMMENT 'within how many milliseconds a case of the topic is to be solved; 0: no clock',
    exit          UInt8 COMMENT '1: the dialogue left the stage',
    order_step    LowCardinality(String) COMMENT 'what the event tells of an order; else empty',
    order_key     String COMMENT 'shop and id of the order; empty without an id',
    channel       LowCardinality(String) COMMENT 'where it happened',
    source        LowCardinality(String) COMMENT 'the site or system',
    profile_key   String COMMENT 'who sent it',
    addressed_to  String COMMENT 'the profile the record named as its own; empty where the ids say it',
    occurred_at   DateTime64(3, 'UTC') COMMENT 'when it happened',
    message_id    String COMMENT 'of the event',
    log_id        LowCardinality(String) COMMENT 'identity of the Kafka topic it came from',
    log_partition UInt32 COMMENT 'its partition there',
    log_offset    Int64 COMMENT 'its record\'s offset there',
    INDEX offsets log_offset TYPE minmax GRANULARITY 64,
    PROJECTION stored_offsets
    (
        SELECT log_id, log_partition, max(log_offset) GROUP BY log_id, log_partition
    ),
    PROJECTION reached
    (
        SELECT exit, topic, stage, cityHash64(profile_key),
            count(), min(occurred_at), max(occurred_at), max(stage_rank), max(stage_end = 1),
            countIf(order_step = 'placed'), minIf(occurred_at, order_step = 'placed')
        GROUP BY exit, topic, stage, cityHash64(profile_key)
    ),
    PROJECTION by_hour
    (
        SELECT exit, toStartOfHour(occurred_at), topic, stage, channel, source, count()
        GROUP BY exit, toStartOfHour(occurred_at), topic, stage, channel, source
    )
)
ENGINE = ReplacingMergeTree
ORDER BY (profile_key, topic, stage, exit, message_id)
SETTINGS min_bytes_for_wide_part = 268435456, min_rows_for_wide_part = 1000000,
    deduplicate_merge_projection_mode = 'rebuild',
    lightweight_mutation_projection_mode = 'rebuild'
COMMENT 'What each event says of the stages of dialogues: read daehwa.stage_events and daehwa.stage_exits.';

CREATE MATERIALIZED VIEW IF NOT EXISTS daehwa.stages_loading TO daehwa.stages_stored AS
SELECT
    told.1 AS topic,
    told.2 AS stage,
    told.3 AS stage_rank,
    told.4 AS stage_end,
    told.5 AS sla_ms,
    told.6 AS exit,
    order_step,
    order_key,
    channel,
    source,
    profile_key,
    addressed_to,
    occurred_at,
    message_id,
    log_id,
    log_partition,
    log_offset
FROM
(
    SELECT
        order_step, order_key, channel, source, profile_key, addressed_to, occurred_at, message_id,
        log_id, log_partition, log_offset,
        arrayJoin(arrayDistinct(arrayConcat(
            arrayMap(
                (topic, stage, stage_rank, stage_end, sla) ->
                    (topic, toString(stage), stage_rank, stage_end, sla, toUInt8(0)),
                topics, stages, stage_ranks, stage_ends, sla_ms),
            arrayMap(
                (topic, stage) ->
                    (topic, toString(stage), toUInt8(0), toUInt8(0), toUInt64(0), toUInt8(1)),
                left_topics, left_stages)))) AS told
    FROM daehwa.events_stored
    WHERE copy = 0
);

-- A merge event says who took whom in: a link only asks, and may be declined. Its message id is
-- merge:VISITOR:CUSTOMER and its key the customer.
CREATE TABLE IF NOT EXISTS daehwa.merges_stored
(
    visitor_id    String COMMENT 'anonymous or previous id',
    profile_key   String COMMENT 'the customer it was merged into',
    addressed_to  String COMMENT 'the profile the record named as its own; empty where the ids say it',
    occurred_at   DateTime64(3, 'UTC') COMMENT 'when what showed it happened',
    received_at   DateTime64(3, 'UTC') COMMENT 'when it was appended',
    message_id    String COMMENT 'of the event',
    log_id        LowCardinality(String) COMMENT 'identity of the Kafka topic it came from',
    log_partition UInt32 COMMENT 'its partition there',
    log_offset    Int64 COMMENT 'its record\'s offset there'
)
ENGINE = ReplacingMergeTree
ORDER BY (profile_key, message_id)
COMMENT 'Which visitor was merged into which customer, each time: read daehwa.identities.';

CREATE MATERIALIZED VIEW IF NOT EXISTS daehwa.merges_loading TO daehwa.merges_stored AS
SELECT
    substring(message_id, 7, length(message_id) - length(profile_key) - 7) AS visitor_id,
    profile_key,
    addressed_to,
    occurred_at,
    received_at,
    message_id,
    log_id,
    log_partition,
    log_offset
FROM daehwa.events_stored
WHERE type = 'merge' AND hops = 0;

CREATE TABLE IF NOT EXISTS daehwa.order_steps_stored
(
    profile_key    String COMMENT 'who sent it',
    addressed_to   String COMMENT 'the profile the record named as its own; empty where the ids say it',
    order_key      String COMMENT 'shop and id of the order; message: and the message id without one',
    has_id         UInt8 COMMENT '1: the order has an id',
    order_step     LowCardinality(String) COMMENT 'placed, updated, cancelled or refunded',
    order_amount   Int64 COMMENT 'hundredths that the step states; of a refund -1 is everything, -4611686018427387904 says that none was stated',
    order_currency LowCardinality(String) COMMENT 'of order_amount; empty where none was given',
    refund_key     String COMMENT 'the refund among those of its order',
    topics         Array(LowCardinality(String)) COMMENT 'the topics the playbook found in the event',
    channel        LowCardinality(String) COMMENT 'where it happened',
    source         LowCardinality(String) COMMENT 'the site or system',
    occurred_at    DateTime64(3, 'UTC') COMMENT 'when it happened',
    message_id     String COMMENT 'of the event',
    log_id         LowCardinality(String) COMMENT 'identity of the Kafka topic it came from',
    log_partition  UInt32 COMMENT 'its partition there',
    log_offset     Int64 COMMENT 'its record\'s offset there'
)
ENGINE = ReplacingMergeTree
ORDER BY (profile_key, order_key, message_id)
COMMENT 'What each event says of an order: read daehwa.orders.';

CREATE MATERIALIZED VIEW IF NOT EXISTS daehwa.order_steps_loading TO daehwa.order_steps_stored AS
SELECT
    profile_key,
    addressed_to,
    if(order_key = '', concat('message:', message_id), order_key) AS order_key,
    events_stored.order_key != '' AS has_id,
    order_step,
    order_amount,
    order_currency,
    refund_key,
    topics,
    channel,
    source,
    occurred_at,
    message_id,
    log_id,
    log_partition,
    log_offset
FROM daehwa.events_stored
WHERE copy = 0 AND order_step != '' AND (events_stored.order_key != '' OR order_step = 'placed');

CREATE TABLE IF NOT EXISTS daehwa.contacts_stored
(
    channel       LowCardinality(String) COMMENT 'call, email, letter, store, …',
    name          LowCardinality(String) COMMENT 'code of the contact',
    direction     LowCardinality(String) COMMENT 'inbound or outbound; else empty',
    operator      String COMMENT 'who handled it',
    outcome       LowCardinality(String) COMMENT 'how it ended',
    topics        Array(LowCardinality(String)) COMMENT 'the topics the playbook found in it',
    duration_s    Float64 COMMENT 'seconds spoken; 0 where none were stated',
    wait_s        Float64 COMMENT 'seconds the customer waited; 0 where none were stated',
    trigger_id    String COMMENT 'the trigger that it carries out, or reacts to; empty without one',
    source        LowCardinality(String) COMMENT 'the site or system',
    profile_key   String COMMENT 'whom it is with',
    addressed_to  String COMMENT 'the profile the record named as its own; empty where the ids say it',
    occurred_at   DateTime64(3, 'UTC') COMMENT 'when it happened',
    message_id    String COMMENT 'of the event',
    log_id        LowCardinality(String) COMMENT 'identity of the Kafka topic it came from',
    log_partition UInt32 COMMENT 'its partition there',
    log_offset    Int64 COMMENT 'its record\'s offset there',
    INDEX triggers trigger_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree
ORDER BY (channel, toStartOfHour(occurred_at), profile_key, message_id)
COMMENT 'Contacts, and what became of deliveries: read daehwa.call_load and daehwa.trigger_funnel.';

CREATE MATERIALIZED VIEW IF NOT EXISTS daehwa.contacts_loading TO daehwa.contacts_stored AS
SELECT
    channel,
    name,
    direction,
    operator,
    outcome,
    topics,
    JSONExtractFloat(properties, 'duration_s') AS duration_s,
    greatest(
        JSONExtractFloat(properties, 'ringing_s'), JSONExtractFloat(properties, 'wait_s')) AS wait_s,
    JSONExtractString(properties, 'trigger_id') AS trigger_id,
    source,
    profile_key,
    addressed_to,
    occurred_at,
    message_id,
    log_id,
    log_partition,
    log_offset
FROM daehwa.events_stored
WHERE copy = 0 AND type = 'contact';

CREATE TABLE IF NOT EXISTS daehwa.findings_stored
(
    finding       LowCardinality(String) COMMENT 'what is doubtful about the event, see daehwa.data_quality',
    source        LowCardinality(String) COMMENT 'the site or system',
    profile_key   String COMMENT 'who sent it',
    addressed_to  String COMMENT 'the profile the record named as its own; empty where the ids say it',
    occurred_at   DateTime64(3, 'UTC') COMMENT 'when it happened',
    received_at   DateTime64(3, 'UTC') COMMENT 'when it was first received',
    message_id    String COMMENT 'of the event',
    log_id        LowCardinality(String) COMMENT 'identity of the Kafka topic it came from',
    log_partition UInt32 COMMENT 'its partition there',
    log_offset    Int64 COMMENT 'its record\'s offset there'
)
ENGINE = ReplacingMergeTree
ORDER BY (toDate(received_at), source, finding, profile_key, message_id)
COMMENT 'What is doubtful about each event: read daehwa.data_quality.';

CREATE MATERIALIZED VIEW IF NOT EXISTS daehwa.findings_loading TO daehwa.findings_stored AS
SELECT
    found AS finding,
    source,
    profile_key,
    addressed_to,
    occurred_at,
    received_at,
    message_id,
    log_id,
    log_partition,
    log_offset
FROM daehwa.events_stored
ARRAY JOIN findings AS found
WHERE copy = 0;

-- Which partitions of which log a fact table knows from their first record on.
CREATE TABLE IF NOT EXISTS daehwa.facts_complete
(
    fact_table    LowCardinality(String) COMMENT 'the fact table',
    log_id        LowCardinality(String) COMMENT 'identity of a Kafka topic',
    log_partition UInt32 COMMENT 'a partition of it whose events the fact table knows from the first on',
    at            DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'when it was made complete'
)
ENGINE = ReplacingMergeTree
ORDER BY (fact_table, log_id, log_partition)
COMMENT 'Which partitions of which log a fact table knows from their first record on.';

-- A block of an insert is a part of one file, and not of some two hundred.
ALTER TABLE daehwa.events_stored
    MODIFY SETTING min_bytes_for_wide_part = 268435456, min_rows_for_wide_part = 1000000;

-- What a day of a person amounts to, and what came in from each source: two projections of events.
ALTER TABLE daehwa.events_stored
    ADD INDEX IF NOT EXISTS offsets log_offset TYPE minmax GRANULARITY 64;
ALTER TABLE daehwa.events_stored
    ADD PROJECTION IF NOT EXISTS activity
    (
        SELECT copy, type, direction, channel, source, toDate(occurred_at), cityHash64(profile_key),
            count(), min(occurred_at), max(occurred_at)
        GROUP BY copy, type, direction, channel, source, toDate(occurred_at), cityHash64(profile_key)
    );
ALTER TABLE daehwa.events_stored
    ADD PROJECTION IF NOT EXISTS receipts
    (
        SELECT copy, type, source, toDate(received_at),
            count(), min(received_at), max(received_at),
            sum(toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(occurred_at))
        GROUP BY copy, type, source, toDate(received_at)
    );
ALTER TABLE daehwa.events_stored MATERIALIZE PROJECTION activity;
ALTER TABLE daehwa.events_stored MATERIALIZE PROJECTION receipts;

-- Statements of consent as the fold reads them (streams/consent/wording.py): a value that is not a
-- known yes is a no, an empty one states nothing, and a name has one form.
CREATE TABLE IF NOT EXISTS daehwa.consents_stored
(
    profile_key   String COMMENT 'who stated it, or of whom it was written down',
    addressed_to  String COMMENT 'the profile the record named as its own; empty where the ids say it',
    about         String COMMENT 'all, a channel, or either with a purpose: email:marketing',
    granted       Bool COMMENT 'whether the customer said yes',
    occurred_at   DateTime64(3, 'UTC') COMMENT 'when it was stated',
    channel       LowCardinality(String) COMMENT 'where it was stated',
    operator      String COMMENT 'who wrote it down',
    source        LowCardinality(String) COMMENT 'the site or system it came by',
    message_id    String COMMENT 'of the event that states it',
    statement     UInt16 COMMENT 'its place among those of the event, from 1',
    log_id        LowCardinality(String) COMMENT 'identity of the Kafka topic it came from',
    log_partition UInt32 COMMENT 'its partition there',
    log_offset    Int64 COMMENT 'its record\'s offset there'
)
ENGINE = ReplacingMergeTree
ORDER BY (profile_key, message_id, statement)
COMMENT 'Each statement of consent: read daehwa.consents.';

CREATE MATERIALIZED VIEW IF NOT EXISTS daehwa.consents_loading TO daehwa.consents_stored AS
SELECT
    profile_key,
    addressed_to,
    arrayStringConcat(
        arrayMap(
            part -> transform(
                replaceAll(replaceRegexpAll(replaceRegexpAll(part, '([\\pL\\pN_])[\\s_./\'-]+([\\pL\\pN_])', '\\1\\2'), '([\\pL\\pN_])[\\s_./\'-]+([\\pL\\pN_])', '\\1\\2'), '_', ''),
                ['email', 'phone', 'telephone'], ['email', 'call', 'call'], part),
            arrayMap(
                part -> trim(lowerUTF8(normalizeUTF8NFKC(part))),
                splitByChar(':', said_of))),
        ':') AS about,
    toBool(ifNull(
        toFloat64OrNull(value) = 1,
        replaceAll(replaceRegexpAll(replaceRegexpAll(value, '([\\pL\\pN_])[\\s_./\'-]+([\\pL\\pN_])', '\\1\\2'), '([\\pL\\pN_])[\\s_./\'-]+([\\pL\\pN_])', '\\1\\2'), '_', '') IN (
            '1', 'accept', 'accepted', 'active', 'agree', 'agreed', 'allow', 'allowed',
            'confirmed', 'consented', 'doubleoptin', 'enabled', 'given', 'grant',
            'granted', 'ok', 'on', 'optedin', 'optin', 'permitted', 'subscribe',
            'subscribed', 't', 'true', 'y', 'yes', '네', '동의', '동의함', '수신', '수신동의', '예',
            '허용'))) AS granted,
    occurred_at,
    channel,
    operator,
    source,
    message_id,
    statement,
    log_id,
    log_partition,
    log_offset
FROM
(
    SELECT
        *,
        trim(lowerUTF8(normalizeUTF8NFKC(
            if(startsWith(raw, '"'), JSONExtractString(raw), raw)))) AS value
    FROM
    (
        SELECT
            profile_key, addressed_to, occurred_at, channel, operator, source, message_id,
            log_id, log_partition, log_offset,
            arrayJoin(arrayZip(arrayEnumerate(statements), statements)) AS numbered,
            toUInt16(numbered.1) AS statement,
            numbered.2.1 AS said_of,
            numbered.2.2 AS raw
        FROM
        (
            SELECT
                profile_key, addressed_to, occurred_at, channel, operator, source, message_id,
                log_id, log_partition, log_offset,
                arrayConcat(
                    multiIf(
                        type IN ('identify', 'contact') AND JSONType(properties, 'consent') = 'Object',
                        arrayFlatten(arrayMap(
                            pair -> if(
                                startsWith(pair.2, '{'),
                                arrayMap(
                                    inner -> (concat(pair.1, ':', inner.1), inner.2),
                                    JSONExtractKeysAndValuesRaw(pair.2)),
                                [(pair.1, pair.2)]),
                            JSONExtractKeysAndValuesRaw(properties, 'consent'))),
                        type IN ('identify', 'contact') AND JSONHas(properties, 'consent'),
                        [('all', JSONExtractRaw(properties, 'consent'))],
                        type = 'track' AND lower(name) IN ('unsubscribed', 'unsubscribe'),
                        [('all', 'false')],
                        []),
                    arrayMap(
                        pair -> (
                            concat(if(channel IN ('web', 'app'), channel, 'web'), ':', pair.1),
                            pair.2),
                        arrayConcat(
                            JSONExtractKeysAndValuesRaw(context, 'consent', 'categoryPreferences'),
                            arrayFilter(
                                pair -> pair.1 IN (
                    'ad_personalization', 'ad_storage', 'ad_user_data', 'analytics_storage',
                    'functionality_storage', 'personalization_storage', 'security_storage'),
                                JSONExtractKeysAndValuesRaw(context, 'consent')))))
                    AS statements
            FROM daehwa.events_stored
            WHERE copy = 0
                AND type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase')
                AND ((type IN ('identify', 'contact') AND JSONHas(properties, 'consent'))
                    OR lower(name) IN ('unsubscribed', 'unsubscribe')
                    -- A name may be written with escapes: this only spares most rows the reading.
                    OR ((position(context, 'consent') > 0 OR position(context, '\\') > 0)
                        AND JSONHas(context, 'consent')))
        )
    )
)
WHERE value NOT IN ('', '[]', '{}');
