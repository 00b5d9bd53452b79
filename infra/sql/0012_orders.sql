-- The life of an order: what each event tells of one, by the playbook the row was archived under.
-- Rows from before this migration tell of an order without an id where they have money.
ALTER TABLE daehwa.events_stored
    ADD COLUMN IF NOT EXISTS left_topics Array(String) AFTER currency,
    ADD COLUMN IF NOT EXISTS left_stages Array(LowCardinality(String)) AFTER left_topics,
    ADD COLUMN IF NOT EXISTS order_step LowCardinality(String)
        DEFAULT if(value_hundredths != 0, 'placed', '') AFTER left_stages,
    ADD COLUMN IF NOT EXISTS order_key String AFTER order_step,
    ADD COLUMN IF NOT EXISTS order_amount Int64 DEFAULT value_hundredths AFTER order_key,
    ADD COLUMN IF NOT EXISTS order_currency LowCardinality(String) DEFAULT currency AFTER order_amount,
    ADD COLUMN IF NOT EXISTS refund_key String AFTER order_currency;

-- One row an order, as the fold has it (streams/orders): copies and updates are one order, whatever
-- order they came in. An order without an id is one for each event. A refund takes back no more than
-- the order's amount, and only in its currency.
CREATE OR REPLACE VIEW daehwa.orders AS
WITH
    told AS
    (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
            if(happened.order_key = '', concat('message:', happened.message_id), happened.order_key)
                AS order_key,
            happened.order_key != '' AS has_id,
            happened.order_step AS step,
            happened.order_amount AS amount,
            toString(happened.order_currency) AS paid_in,
            happened.refund_key AS refund_key,
            happened.occurred_at AS occurred_at
        FROM
        (
            SELECT profile_key, message_id, occurred_at, order_step, order_key, order_amount,
                order_currency, refund_key
            FROM daehwa.events_stored FINAL
            WHERE copy = 0 AND order_step != '' AND (order_key != '' OR order_step = 'placed')
        ) AS happened
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key
    ),
    stated AS
    (
        SELECT
            customer_id,
            order_key,
            any(has_id) AS with_id,
            countIf(step = 'placed') AS placements,
            countIf(step = 'cancelled') AS cancellations,
            minIf(occurred_at, step = 'placed') AS first_placed,
            minIf(occurred_at, step = 'cancelled') AS first_cancelled,
            -- An update states the amount later than any copy; one with a currency says more.
            argMaxIf(
                (amount, paid_in),
                (if(step = 'updated', 2, 0) + if(paid_in != '', 1, 0), occurred_at, amount, paid_in),
                step IN ('placed', 'updated') AND amount > -4611686018427387904) AS said
        FROM told
        GROUP BY customer_id, order_key
    ),
    -- Of copies of a refund the greatest counts.
    refunds AS
    (
        SELECT
            customer_id,
            order_key,
            refund_key,
            max((toUInt8(amount = -1), amount, paid_in)) AS given
        FROM told
        WHERE step = 'refunded' AND amount >= -1
        GROUP BY customer_id, order_key, refund_key
    ),
    given_back AS
    (
        SELECT
            customer_id,
            order_key,
            -- As many as a profile keeps.
            arraySlice(arrayReverseSort(groupArray((given.1, given.2, given.3, refund_key))), 1, 16)
                AS back
        FROM refunds
        GROUP BY customer_id, order_key
    )
SELECT
    stated.customer_id AS customer_id,
    if(position(stated.order_key, '\x1f') = 0, '', splitByChar('\x1f', stated.order_key)[1]) AS shop,
    if(stated.with_id, splitByChar('\x1f', stated.order_key)[-1], '') AS order_id,
    stated.order_key AS order_key,
    if(stated.placements = 0, NULL, stated.first_placed) AS placed_at,
    if(stated.cancellations = 0, NULL, stated.first_cancelled) AS cancelled_at,
    stated.said.2 AS currency,
    stated.said.1 AS total_hundredths,
    if(arrayExists(one -> one.1 = 1, given_back.back), greatest(total_hundredths, 0), least(greatest(total_hundredths, 0),
        arraySum(one -> if(currency = '' OR one.3 IN ('', currency), one.2, 0), given_back.back)))
        AS refunded_hundredths,
    stated.placements > 0 AND stated.cancellations = 0 AS counts,
    if(counts, total_hundredths - refunded_hundredths, 0) AS net_hundredths,
    toDecimal64(total_hundredths, 2) / 100 AS total,
    toDecimal64(refunded_hundredths, 2) / 100 AS refunded,
    toDecimal64(net_hundredths, 2) / 100 AS net,
    multiIf(
        stated.cancellations > 0, 'cancelled',
        stated.placements = 0, 'unknown',
        notEmpty(given_back.back) AND refunded_hundredths >= greatest(total_hundredths, 0), 'refunded',
        refunded_hundredths > 0, 'partly_refunded',
        'placed') AS status,
    stated.placements AS copies
FROM stated
LEFT JOIN given_back
    ON given_back.customer_id = stated.customer_id AND given_back.order_key = stated.order_key;

-- The order that a stage belongs to: a purchase that was cancelled is found by it.
CREATE OR REPLACE VIEW daehwa.stage_events AS
SELECT
    ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
    happened.topic AS topic,
    splitByChar('/', happened.topic)[1] AS family,
    happened.stage AS stage,
    happened.stage_rank AS stage_rank,
    happened.channel AS channel,
    happened.occurred_at AS occurred_at,
    happened.message_id AS message_id,
    happened.order_key AS order_key
FROM
(
    SELECT profile_key, channel, occurred_at, message_id, topic, stage, stage_rank, order_key
    FROM daehwa.events_stored FINAL
    ARRAY JOIN topics AS topic, stages AS stage, stage_ranks AS stage_rank
    WHERE copy = 0
) AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key;

-- Stages that dialogues have left: a product taken out of a cart, a complaint withdrawn.
CREATE OR REPLACE VIEW daehwa.stage_exits AS
SELECT
    ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
    happened.topic AS topic,
    splitByChar('/', happened.topic)[1] AS family,
    happened.stage AS stage,
    happened.channel AS channel,
    happened.occurred_at AS occurred_at,
    happened.message_id AS message_id
FROM
(
    SELECT profile_key, channel, occurred_at, message_id, topic, stage
    FROM daehwa.events_stored FINAL
    ARRAY JOIN left_topics AS topic, left_stages AS stage
    WHERE copy = 0
) AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key;

-- As in migration 10, with withdrawals: the end of a case that is no solution.
CREATE OR REPLACE VIEW daehwa.complaints AS
WITH
    happened AS
    (
        SELECT profile_key, occurred_at, message_id, topic, stage, stage_rank, stage_end, sla
        FROM daehwa.events_stored FINAL
        ARRAY JOIN topics AS topic, stages AS stage, stage_ranks AS stage_rank,
            stage_ends AS stage_end, sla_ms AS sla
        WHERE copy = 0
            AND (splitByChar('/', topic)[1] = 'complaint'
                -- What ever had a clock, also where a later playbook took it away. Without FINAL: a
                -- row too many adds nothing to a set.
                OR topic IN
                (
                    SELECT arrayJoin(arrayFilter((name, ms) -> ms > 0, topics, sla_ms))
                    FROM daehwa.events_stored
                    WHERE copy = 0
                ))
    ),
    steps AS
    (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
            happened.topic AS topic,
            happened.stage AS stage,
            happened.stage_rank AS stage_rank,
            happened.occurred_at AS occurred_at,
            happened.message_id AS message_id,
            happened.sla AS sla,
            -- Where nobody said, what later rows say of the same stage.
            if(happened.stage_end = 2,
                max(happened.stage_end = 1) OVER
                    (PARTITION BY splitByChar('/', happened.topic)[1], happened.stage),
                happened.stage_end) AS ends,
            0 AS withdrawn
        FROM happened
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key
        UNION ALL
        -- Whoever leaves the stage that opens a case has withdrawn it.
        SELECT customer_id, topic, stage, 255, occurred_at, message_id, 0, 1, 1
        FROM daehwa.stage_exits
        WHERE (topic, stage) IN
            (SELECT topic, stage FROM happened WHERE stage_rank = 0)
    ),
    turns AS
    (
        SELECT
            *,
            -- At the same instant a solution comes last.
            sum(ends) OVER
            (
                PARTITION BY customer_id, topic ORDER BY occurred_at, ends, message_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) - ends AS turn,
            argMinIf(stage, (occurred_at, stage_rank), ends = 0) OVER dialogue AS begun
        FROM steps
        WINDOW dialogue AS (PARTITION BY customer_id, topic)
    ),
    told AS
    (
        SELECT
            *,
            minOrNullIf(turn, stage_rank = 0 AND ends = 0) OVER dialogue AS first_told,
            ends = 0 AND if(turn >= first_told, stage_rank = 0, stage = begun) AS opens
        FROM turns
        WINDOW dialogue AS (PARTITION BY customer_id, topic)
    ),
    cases AS
    (
        SELECT
            customer_id,
            topic,
            turn,
            minIf(occurred_at, opens) AS opened_at,
            arrayFirstOrNull(
                at -> at >= opened_at,
                arraySort(groupArrayIf(occurred_at, stage_rank > 0 AND ends = 0)))
                AS acknowledged_at,
            minOrNullIf(occurred_at, ends = 1 AND withdrawn = 0) AS resolved_at,
            minOrNullIf(occurred_at, withdrawn = 1) AS withdrawn_at,
            -- What was promised when it was opened.
            argMinIf(sla, (occurred_at, message_id), opens) AS promised
        FROM told
        GROUP BY customer_id, topic, turn
        HAVING countIf(opens) > 0
    )
SELECT
    customer_id,
    topic,
    opened_at,
    acknowledged_at,
    resolved_at,
    nullIf(promised, 0) AS sla_ms,
    -- No later than such a time can be.
    if(promised = 0, NULL, fromUnixTimestamp64Milli(
        least(toUnixTimestamp64Milli(opened_at) + toInt64(promised), 9904550399999), 'UTC')) AS due_at,
    multiIf(
        due_at IS NULL, NULL,
        resolved_at IS NOT NULL, resolved_at <= due_at,
        withdrawn_at IS NOT NULL, NULL,
        now64(3, 'UTC') > due_at, 0,
        NULL) AS in_time,
    dateDiff('millisecond', opened_at, coalesce(resolved_at, withdrawn_at,
        greatest(opened_at, now64(3, 'UTC')))) / 1000 AS open_seconds,
    withdrawn_at
FROM cases;

-- With anonymous ids that too many customers use: see streams/identity/fan_in.py.
CREATE OR REPLACE VIEW daehwa.data_quality AS
SELECT
    toDate(received_at) AS day,
    source,
    toLowCardinality(toString(finding)) AS check,
    count() AS events,
    uniqExact(profile_key) AS customers,
    groupArraySample(3)(message_id) AS examples
FROM
(
    SELECT received_at, source, arrayJoin(findings) AS finding, profile_key, message_id
    FROM daehwa.events_stored FINAL
    WHERE copy = 0 AND notEmpty(findings)
)
GROUP BY day, source, check
UNION ALL
SELECT
    day,
    source,
    toLowCardinality('shared_anonymous_id') AS check,
    sum(events) AS events,
    sum(users) AS customers,
    groupArraySample(3)(example) AS examples
FROM
(
    SELECT
        toDate(received_at) AS day,
        source,
        count() AS events,
        uniqExact(user_id) AS users,
        any(message_id) AS example
    FROM daehwa.events_stored
    WHERE copy = 0 AND anonymous_id != '' AND user_id != ''
    GROUP BY day, source, anonymous_id
    HAVING users > 5
)
GROUP BY day, source;
