-- The views over facts, without FINAL. A view says what it holds and what its columns mean where it is
-- defined: docs/reference/sql.md is written from it (python -m docs.archive_reference).

CREATE OR REPLACE VIEW daehwa.events
(
    message_id String COMMENT 'the sender\'s id of the event; the same on every retry',
    type LowCardinality(String) COMMENT 'track, page, screen, identify, alias, group or contact',
    channel LowCardinality(String) COMMENT 'where it happened: web, call, email, letter, store, …',
    name LowCardinality(String) COMMENT 'name of a track event, code of a contact; else empty',
    profile_key String COMMENT 'who sent it: the user id, else the anonymous id',
    user_id String COMMENT 'as sent; empty where there was none',
    anonymous_id String COMMENT 'as sent; empty where there was none',
    previous_id String COMMENT 'of an alias event',
    direction LowCardinality(String) COMMENT 'inbound or outbound contact; else empty',
    operator String COMMENT 'who handled a contact',
    outcome LowCardinality(String) COMMENT 'how a contact ended',
    topics Array(String) COMMENT 'the topics the playbook found in it when it was archived',
    stages Array(LowCardinality(String)) COMMENT 'the stage of each topic, in the same order',
    properties String COMMENT 'properties or traits: the JSON as it was sent',
    context String COMMENT 'context: the JSON as it was sent',
    value Decimal(18, 2) COMMENT 'total of an order that the event says was placed; else 0. A copy says it again: daehwa.orders has each order once',
    currency LowCardinality(String) COMMENT 'of value, ISO 4217; empty where none was given',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when it happened, corrected for the sender\'s clock',
    received_at DateTime64(3, 'UTC') COMMENT 'when it was first received',
    sent_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was sent, by the sender\'s clock',
    source LowCardinality(String) COMMENT 'the site or system, by its write key',
    log_id LowCardinality(String) COMMENT 'identity of the Kafka topic it came from',
    log_partition UInt32 COMMENT 'its partition there',
    log_offset Int64 COMMENT 'its record\'s offset there',
    archived_at DateTime64(3, 'UTC') COMMENT 'when it was stored here'
)
AS SELECT
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
FROM daehwa.events_stored
WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase')
COMMENT 'Each event that was sent, once.';

CREATE OR REPLACE VIEW daehwa.internal_events
(
    message_id String COMMENT 'deterministic',
    type LowCardinality(String) COMMENT 'timer, link, merge, adopt or erase',
    name LowCardinality(String) COMMENT 'of a timer: its kind; of an adoption: playbook, model.churn',
    profile_key String COMMENT 'the profile it is for',
    properties String COMMENT 'its fields, JSON',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when it happened, corrected for the sender\'s clock',
    received_at DateTime64(3, 'UTC') COMMENT 'when it was appended',
    log_id LowCardinality(String) COMMENT 'identity of the Kafka topic it came from',
    log_partition UInt32 COMMENT 'its partition there',
    log_offset Int64 COMMENT 'its record\'s offset there',
    archived_at DateTime64(3, 'UTC') COMMENT 'when it was stored here'
)
AS SELECT
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
FROM daehwa.events_stored
WHERE copy = 0 AND type IN ('timer', 'link', 'merge', 'adopt', 'erase')
COMMENT 'What Daehwa appended to the log itself: timer (a deadline came), link and merge (a visitor turned out to be a customer), adopt (from here on another playbook or model is in force), erase (everything of this profile up to then was erased; it stays so that it stays erased).';

-- A customer who was merged into another one since is followed once.
CREATE OR REPLACE VIEW daehwa.identities
(
    visitor_id String COMMENT 'anonymous or previous id',
    customer_id String COMMENT 'the customer it was merged into',
    merged_at DateTime64(3, 'UTC') COMMENT 'when what showed it happened'
)
AS WITH merges AS
(
    SELECT
        visitor_id AS merged_id,
        argMax(profile_key, received_at) AS merged_into,
        max(occurred_at) AS merged_at
    FROM daehwa.merges_stored
    GROUP BY merged_id
)
SELECT
    merges.merged_id AS visitor_id,
    ifNull(nullIf(later.merged_into, ''), merges.merged_into) AS customer_id,
    merges.merged_at AS merged_at
FROM merges
LEFT JOIN merges AS later ON later.merged_id = merges.merged_into
COMMENT 'Which visitor turned out to be which customer.';

CREATE OR REPLACE VIEW daehwa.identity_hashes
(
    visitor UInt64 COMMENT 'cityHash64 of visitor_id',
    customer UInt64 COMMENT 'cityHash64 of customer_id'
)
AS SELECT
    cityHash64(visitor_id) AS visitor,
    cityHash64(customer_id) AS customer
FROM daehwa.identities
COMMENT 'identities by the hashes of their ids, which is what counts of customers group by.';

CREATE OR REPLACE VIEW daehwa.stage_events
(
    customer_id String COMMENT 'the customer, once known, else the visitor',
    topic String COMMENT 'such as product/shoes',
    family String COMMENT 'the part of the topic before the first slash',
    stage LowCardinality(String) COMMENT 'stage the event brought the dialogue to',
    stage_rank UInt8 COMMENT 'how far the stage is on its ladder, from 0',
    channel LowCardinality(String) COMMENT 'where it happened',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when it happened',
    message_id String COMMENT 'of the event',
    order_key String COMMENT 'the order of the event, as in daehwa.orders; empty without one'
)
AS SELECT
    ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
    happened.topic AS topic,
    splitByChar('/', happened.topic)[1] AS family,
    happened.stage AS stage,
    happened.stage_rank AS stage_rank,
    happened.channel AS channel,
    happened.occurred_at AS occurred_at,
    happened.message_id AS message_id,
    happened.order_key AS order_key
FROM daehwa.stages_stored AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key
WHERE happened.exit = 0
COMMENT 'One row for each topic and stage of each event: the base of the funnel, for any time span.';

CREATE OR REPLACE VIEW daehwa.stage_exits
(
    customer_id String COMMENT 'the customer, once known, else the visitor',
    topic String COMMENT 'such as product/shoes; product/* for every topic of the family',
    family String COMMENT 'the part of the topic before the first slash',
    stage LowCardinality(String) COMMENT 'the stage that was left',
    channel LowCardinality(String) COMMENT 'where it happened',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when it happened',
    message_id String COMMENT 'of the event'
)
AS SELECT
    ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
    happened.topic AS topic,
    splitByChar('/', happened.topic)[1] AS family,
    happened.stage AS stage,
    happened.channel AS channel,
    happened.occurred_at AS occurred_at,
    happened.message_id AS message_id
FROM daehwa.stages_stored AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key
WHERE happened.exit = 1
COMMENT 'One row for each stage that an event took a dialogue out of: a product out of a cart, a complaint withdrawn.';

-- One row an order, as the fold has it (streams/orders): copies and updates are one order, whatever
-- order they came in. An order without an id is one for each event. A refund takes back no more than
-- the order's amount, and only in its currency.
CREATE OR REPLACE VIEW daehwa.orders
(
    customer_id String COMMENT 'the customer, once known, else the visitor',
    shop String COMMENT 'the shop of the order number: the source, or what orders.shops of the playbook calls it; empty without one',
    order_id String COMMENT 'as sent; empty for an order without an id',
    order_key String COMMENT 'shop and id together: one order of the customer',
    placed_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first time it was said to be placed; NULL while only an update, a refund or a cancellation is known',
    cancelled_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first time it was said to be cancelled; NULL if never',
    currency String COMMENT 'ISO 4217; empty where none was given',
    total_hundredths Int64 COMMENT 'the amount as last stated, in hundredths of the currency; less than 0 for a credit note',
    refunded_hundredths Int64 COMMENT 'given back of it, at most all of it',
    counts UInt8 COMMENT '1: placed and not cancelled',
    net_hundredths Int64 COMMENT 'total less refunds of an order that counts, else 0',
    total Decimal(18, 2) COMMENT 'total_hundredths in units of the currency',
    refunded Decimal(18, 2) COMMENT 'refunded_hundredths in units of the currency',
    net Decimal(18, 2) COMMENT 'net_hundredths in units of the currency',
    status String COMMENT 'placed, partly_refunded, refunded, cancelled or unknown (never placed)',
    copies UInt64 COMMENT 'events that said it was placed',
    source LowCardinality(String) COMMENT 'the site or system that said first that it was placed; empty while none did',
    channel LowCardinality(String) COMMENT 'where it was placed; empty while not known',
    topics Array(String) COMMENT 'what it was placed for: the topics of the event that said so first'
)
AS WITH
    told AS
    (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
            happened.order_key AS order_key,
            happened.has_id AS has_id,
            happened.order_step AS step,
            happened.order_amount AS amount,
            toString(happened.order_currency) AS paid_in,
            happened.refund_key AS refund_key,
            happened.occurred_at AS occurred_at,
            happened.message_id AS message_id,
            toString(happened.source) AS source,
            toString(happened.channel) AS channel,
            happened.topics AS topics
        FROM daehwa.order_steps_stored AS happened
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
            -- Where and for what: as the first that says it was placed has it.
            argMinIf(
                (source, channel, arraySort(arrayDistinct(topics))),
                (occurred_at, message_id),
                step = 'placed') AS placement,
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
    stated.placements AS copies,
    stated.placement.1 AS source,
    stated.placement.2 AS channel,
    arrayMap(topic -> toString(topic), stated.placement.3) AS topics
FROM stated
LEFT JOIN given_back
    ON given_back.customer_id = stated.customer_id AND given_back.order_key = stated.order_key
COMMENT 'Each order once, whatever order its copies, updates, refunds and its cancellation came in; an order without an id is one for each event. Read money here: daehwa.events.value is what one event said, and a reloaded page says it twice.';

CREATE OR REPLACE VIEW daehwa.funnel
(
    topic String COMMENT 'such as product/shoes',
    stage LowCardinality(String) COMMENT 'a stage of it',
    stage_rank UInt8 COMMENT 'how far the stage is on its ladder, from 0; order by it',
    customers UInt64 COMMENT 'customers that reached the stage',
    events UInt64 COMMENT 'events that brought them there',
    median_seconds_before Nullable(Float64) COMMENT 'median time from the stage the customer reached before it, to it; NULL where nobody came from another stage'
)
AS WITH
    reached AS
    (
        SELECT
            ifNull(nullIf(persons.customer, 0), visitors.person) AS customer,
            visitors.topic AS topic,
            visitors.stage AS stage,
            max(visitors.rank) AS rank,
            sum(visitors.times) AS times,
            min(visitors.first_at) AS first_at
        FROM
        (
            SELECT
                topic,
                stage,
                cityHash64(profile_key) AS person,
                max(stage_rank) AS rank,
                count() AS times,
                min(occurred_at) AS first_at
            FROM daehwa.stages_stored
            WHERE exit = 0
            GROUP BY topic, stage, person
        ) AS visitors
        LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = visitors.person
        GROUP BY customer, topic, stage
    ),
    moved AS
    (
        SELECT
            topic,
            arraySort(groupArray((first_at, rank, stage, times))) AS steps,
            steps.1 AS times_of
        FROM reached
        GROUP BY customer, topic
    )
SELECT
    topic,
    step.3 AS stage,
    max(step.2) AS stage_rank,
    count() AS customers,
    sum(step.4) AS events,
    quantileExactOrNullIf(0.5)(dateDiff('millisecond', before, step.1), turn > 1) / 1000
        AS median_seconds_before
FROM moved
ARRAY JOIN
    steps AS step,
    arrayEnumerate(steps) AS turn,
    arrayConcat([times_of[1]], arrayPopBack(times_of)) AS before
GROUP BY topic, stage
COMMENT 'How many customers reached each stage of each topic, and how long it took them.';

-- The clock as in streams/triggers/complaint_overdue.py, over the whole history. The events of a
-- dialogue up to and with a last stage are a turn, and a turn that something opens is a case: its
-- first stage opens it; where that was never told up to then, the stage it began with.
CREATE OR REPLACE VIEW daehwa.complaints
(
    customer_id String COMMENT 'the customer, once known, else the visitor',
    topic String COMMENT 'such as complaint/delivery',
    opened_at DateTime64(3, 'UTC') COMMENT 'first time at the first stage of the ladder; where that was never told, at the stage the dialogue began with',
    acknowledged_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first stage between opening and solution; NULL where there was none',
    resolved_at Nullable(DateTime64(3, 'UTC')) COMMENT 'last stage of the ladder; NULL while it is open',
    sla_ms Nullable(UInt64) COMMENT 'within how many milliseconds it is to be solved; NULL: no clock',
    due_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when the clock runs out; NULL: no clock',
    in_time Nullable(UInt8) COMMENT '1: solved by due_at; 0: solved later, or still open after it; NULL: open and not due yet, withdrawn, or no clock',
    open_seconds Float64 COMMENT 'from the opening to the solution or the withdrawal, or until now',
    withdrawn_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when the customer withdrew it: the dialogue left the stage that opens a case; NULL if not'
)
AS WITH
    happened AS
    (
        SELECT profile_key, occurred_at, message_id, topic, stage, stage_rank, stage_end, sla_ms AS sla
        FROM daehwa.stages_stored
        WHERE exit = 0
            -- What ever had a clock, also where a later playbook took it away.
            AND topic IN
            (
                SELECT topic FROM daehwa.stages_stored
                WHERE topic = 'complaint' OR startsWith(topic, 'complaint/') OR sla_ms > 0
            )
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
FROM cases
COMMENT 'Each case once: everything in a dialogue about a complaint, from what opened it to what solved it, by the times the events carry. A case that is opened again after it was solved is another case. Topics other than complaint/… are here from the moment the playbook gives them a clock (complaint.overdue).';

CREATE OR REPLACE VIEW daehwa.channel_mix
(
    day Date COMMENT 'day on which it happened (UTC)',
    channel LowCardinality(String) COMMENT 'where it happened',
    events UInt64 COMMENT 'how many',
    customers UInt64 COMMENT 'of how many customers'
)
AS SELECT
    seen.day AS day,
    seen.channel AS channel,
    sum(seen.events) AS events,
    uniqExact(ifNull(nullIf(persons.customer, 0), seen.person)) AS customers
FROM
(
    SELECT
        toDate(occurred_at) AS day,
        channel,
        cityHash64(profile_key) AS person,
        count() AS events
    FROM daehwa.events_stored
    WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase')
    GROUP BY day, channel, person
) AS seen
LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = seen.person
GROUP BY day, channel
COMMENT 'How much happened on each channel, by day.';

CREATE OR REPLACE VIEW daehwa.consents
(
    customer_id String COMMENT 'the customer, also where a visitor said so who was merged into them',
    about String COMMENT 'all, a channel, or either with a purpose: email:marketing',
    granted Bool COMMENT 'whether the customer said yes',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when it was stated',
    channel LowCardinality(String) COMMENT 'where it was stated',
    operator String COMMENT 'who wrote it down',
    source LowCardinality(String) COMMENT 'the site or system it came by',
    message_id String COMMENT 'of the event that states it'
)
AS SELECT
    ifNull(nullIf(identities.customer_id, ''), stated.profile_key) AS customer_id,
    stated.about AS about,
    stated.granted AS granted,
    stated.occurred_at AS occurred_at,
    stated.channel AS channel,
    stated.operator AS operator,
    stated.source AS source,
    stated.message_id AS message_id
FROM daehwa.consents_stored AS stated
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = stated.profile_key
COMMENT 'Every statement of consent, as it was made. Of each customer and about the last by occurred_at is what the fold goes by.';

-- With anonymous ids that too many customers use: see streams/identity/fan_in.py.
CREATE OR REPLACE VIEW daehwa.data_quality
(
    day Date COMMENT 'of the receipt (UTC)',
    source LowCardinality(String) COMMENT 'the site or system',
    check LowCardinality(String) COMMENT 'what was found, see privacy and quality',
    events UInt64 COMMENT 'in which it was found',
    customers UInt64 COMMENT 'whose they are',
    examples Array(String) COMMENT 'up to three message ids'
)
AS SELECT
    toDate(received_at) AS day,
    source,
    toLowCardinality(toString(finding)) AS check,
    count() AS events,
    uniqExact(profile_key) AS customers,
    groupArraySample(3)(message_id) AS examples
FROM
(
    SELECT received_at, source, finding, profile_key, message_id
    FROM daehwa.findings_stored
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
GROUP BY day, source
COMMENT 'What is doubtful in what came in, by day of receipt. Nothing is thrown away for it; privacy.md says what each check finds.';

CREATE OR REPLACE VIEW daehwa.triggers
(
    id String COMMENT 'deterministic: rule, customer and cause',
    type LowCardinality(String) COMMENT 'stage.reached, stage.stalled, silence, churn.risk, offer.next, complaint.overdue, segment.entered, segment.left, lifecycle.changed or screen.pop',
    rule LowCardinality(String) COMMENT 'name of the trigger in the playbook',
    customer_id String COMMENT 'key of the profile it is about',
    topic String COMMENT 'topic it is about; empty where it is about none',
    stage LowCardinality(String) COMMENT 'stage it is about; empty where it is about none',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when what caused it happened',
    decided_at DateTime64(3, 'UTC') COMMENT 'when it was decided, by the time the events carry',
    decision LowCardinality(String) COMMENT 'fire or suppressed',
    suppressed_by LowCardinality(String) COMMENT 'what suppressed it; empty where it fired',
    reason String COMMENT 'in words',
    why String COMMENT 'the figures behind the reason, JSON',
    log_id LowCardinality(String) COMMENT 'identity of the Kafka topic it came from',
    log_partition UInt32 COMMENT 'its partition there',
    log_offset Int64 COMMENT 'its offset there',
    archived_at DateTime64(3, 'UTC') COMMENT 'when it was stored here',
    channel LowCardinality(String) COMMENT 'on which the customer is spoken to; empty where only systems and staff are told',
    endpoint LowCardinality(String) COMMENT 'of the playbook, where it goes; empty for the webhook of the settings',
    template LowCardinality(String) COMMENT 'of the playbook, what is written',
    campaign LowCardinality(String) COMMENT 'the campaign it belongs to; empty where it belongs to none',
    arm LowCardinality(String) COMMENT 'of a campaign: treated (spoken to) or held_out (kept to compare with)',
    priority Int32 COMMENT 'among triggers of one channel and one event',
    playbook LowCardinality(String) COMMENT 'version of the playbook that decided'
)
AS SELECT
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
    archived_at,
    channel,
    endpoint,
    template,
    campaign,
    arm,
    priority,
    playbook
FROM daehwa.triggers_stored
COMMENT 'Each decision, once.';

-- The first exposure of each customer, and with it the arm: whoever came into the other arm later
-- (a visitor of one arm who signed in as a customer of the other) stays where they began, because
-- what they did in between may be the effect itself.
CREATE OR REPLACE VIEW daehwa.campaign_exposures
(
    campaign LowCardinality(String) COMMENT 'name of the campaign in the playbook',
    arm String COMMENT 'treated or held_out, at the first exposure',
    customer_id String COMMENT 'the customer, once known, else the visitor',
    first_exposed_at DateTime64(3, 'UTC') COMMENT 'when the first of the triggers was decided',
    trigger_id String COMMENT 'of that trigger',
    playbook String COMMENT 'version of the playbook that decided it',
    exposures UInt64 COMMENT 'triggers of the campaign that fired or were held out',
    crossed UInt8 COMMENT '1: a later exposure fell into the other arm; the customer stays in the first'
)
AS SELECT
    exposed.campaign AS campaign,
    argMin(exposed.arm, (exposed.decided_at, exposed.id)) AS arm,
    ifNull(nullIf(identities.customer_id, ''), exposed.customer_id) AS customer_id,
    min(exposed.decided_at) AS first_exposed_at,
    argMin(exposed.id, (exposed.decided_at, exposed.id)) AS trigger_id,
    argMin(exposed.playbook, (exposed.decided_at, exposed.id)) AS playbook,
    count() AS exposures,
    uniqExact(exposed.arm) > 1 AS crossed
FROM
(
    SELECT id, campaign, arm, customer_id, decided_at, playbook
    FROM daehwa.triggers_stored
    WHERE campaign != ''
        AND ((arm = 'treated' AND decision = 'fire')
            OR (arm = 'held_out' AND suppressed_by = 'holdout'))
) AS exposed
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = exposed.customer_id
GROUP BY campaign, customer_id
COMMENT 'The customers of each campaign, with the first time each was spoken to, or would have been and was held out.';

CREATE OR REPLACE VIEW daehwa.suppressed
(
    day Date COMMENT 'day on which it was decided (UTC)',
    rule LowCardinality(String) COMMENT 'name of the trigger in the playbook',
    suppressed_by LowCardinality(String) COMMENT 'what suppressed it',
    channel LowCardinality(String) COMMENT 'on which the customer would have been spoken to; else empty',
    campaign LowCardinality(String) COMMENT 'the campaign it belongs to; else empty',
    triggers UInt64 COMMENT 'how many decisions',
    customers UInt64 COMMENT 'about how many customers'
)
AS SELECT
    toDate(decided_at) AS day,
    rule,
    suppressed_by,
    channel,
    campaign,
    count() AS triggers,
    uniqExact(customer_id) AS customers
FROM daehwa.triggers
WHERE decision = 'suppressed'
GROUP BY day, rule, suppressed_by, channel, campaign
COMMENT 'Decisions that policy held back, by day, rule and reason. The reason is no_consent, cooldown, holdout and so on, as in triggers.suppressed_by.';

CREATE OR REPLACE VIEW daehwa.triggers_by_hour
(
    hour DateTime('UTC') COMMENT 'start of the hour in which the causes happened',
    type LowCardinality(String) COMMENT 'of the trigger',
    decision LowCardinality(String) COMMENT 'fire or suppressed',
    triggers UInt64 COMMENT 'how many',
    customers UInt64 COMMENT 'about how many customers'
)
AS SELECT
    toStartOfHour(occurred_at) AS hour,
    type,
    decision,
    count() AS triggers,
    uniqExact(customer_id) AS customers
FROM daehwa.triggers
GROUP BY hour, type, decision
COMMENT 'Triggers by hour, type and decision.';
