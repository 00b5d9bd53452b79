-- Erasures are no events of customers; what was doubtful about an event stands in its row, so that
-- it is counted once and goes when the event does.
ALTER TABLE daehwa.events_stored
    ADD COLUMN IF NOT EXISTS findings Array(LowCardinality(String)) AFTER context;

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
WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase');

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
WHERE copy = 0 AND type IN ('timer', 'link', 'merge', 'adopt', 'erase');

-- Every statement of consent as it was made; the fold goes by the last of each.
CREATE OR REPLACE VIEW daehwa.consents AS
WITH
    statements AS
    (
        SELECT
            profile_key,
            multiIf(
                type IN ('identify', 'contact') AND JSONType(properties, 'consent') = 'Bool',
                [('all', JSONExtractBool(properties, 'consent'))],
                type IN ('identify', 'contact'),
                arrayFlatten(arrayMap(
                    pair -> if(
                        pair.2 IN ('true', 'false'),
                        [(pair.1, pair.2 = 'true')],
                        arrayMap(
                            inner -> (concat(pair.1, ':', inner.1), inner.2 = 'true'),
                            arrayFilter(
                                inner -> inner.2 IN ('true', 'false'),
                                JSONExtractKeysAndValuesRaw(pair.2)))),
                    JSONExtractKeysAndValuesRaw(properties, 'consent'))),
                type = 'track' AND name = 'Unsubscribed',
                [('all', false)],
                []) AS said,
            arrayMap(
                pair -> (
                    concat(if(channel IN ('web', 'app'), channel, 'web'), ':', lower(trim(pair.1))),
                    pair.2 = 'true'),
                arrayFilter(
                    pair -> pair.2 IN ('true', 'false'),
                    JSONExtractKeysAndValuesRaw(context, 'consent', 'categoryPreferences')))
                AS banner,
            channel,
            operator,
            source,
            occurred_at,
            message_id
        FROM daehwa.events
        WHERE (type IN ('identify', 'contact') AND JSONHas(properties, 'consent'))
            OR name = 'Unsubscribed'
            OR JSONHas(context, 'consent', 'categoryPreferences')
    )
SELECT
    ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
    happened.statement.1 AS about,
    toBool(happened.statement.2) AS granted,
    happened.occurred_at AS occurred_at,
    happened.channel AS channel,
    happened.operator AS operator,
    happened.source AS source,
    happened.message_id AS message_id
FROM
(
    SELECT profile_key, arrayJoin(arrayConcat(said, banner)) AS statement,
        channel, operator, source, occurred_at, message_id
    FROM statements
) AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key;

CREATE OR REPLACE VIEW daehwa.data_quality AS
SELECT
    toDate(received_at) AS day,
    source,
    finding AS check,
    count() AS events,
    uniqExact(profile_key) AS customers,
    groupArraySample(3)(message_id) AS examples
FROM
(
    SELECT received_at, source, arrayJoin(findings) AS finding, profile_key, message_id
    FROM daehwa.events_stored FINAL
    WHERE copy = 0 AND notEmpty(findings)
)
GROUP BY day, source, check;
