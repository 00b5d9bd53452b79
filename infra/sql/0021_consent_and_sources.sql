-- Consent by day, and what came in from each source.

CREATE OR REPLACE VIEW daehwa.consent_by_day
(
    day Date COMMENT 'day on which it was stated (UTC)',
    about String COMMENT 'all, a channel, or either with a purpose: email:marketing',
    channel LowCardinality(String) COMMENT 'where it was stated',
    granted UInt64 COMMENT 'statements that said yes',
    withdrawn UInt64 COMMENT 'statements that said no',
    customers UInt64 COMMENT 'of how many customers'
)
AS SELECT
    toDate(occurred_at) AS day,
    about,
    channel,
    countIf(stated.granted) AS granted,
    countIf(NOT stated.granted) AS withdrawn,
    uniqExact(customer_id) AS customers
FROM daehwa.consents AS stated
GROUP BY day, about, channel
COMMENT 'Statements of consent by day and channel: how many said yes, how many no.';

CREATE OR REPLACE VIEW daehwa.consent_status
(
    about String COMMENT 'all, a channel, or either with a purpose: email:marketing',
    granted UInt64 COMMENT 'customers whose last statement is a yes',
    withdrawn UInt64 COMMENT 'customers whose last statement is a no'
)
AS SELECT
    about,
    countIf(latest) AS granted,
    countIf(NOT latest) AS withdrawn
FROM
(
    SELECT about, customer_id, argMax(granted, (occurred_at, NOT granted)) AS latest
    FROM daehwa.consents
    GROUP BY about, customer_id
)
GROUP BY about
COMMENT 'How many customers have consented, by the last statement of each; of two at the same instant a no holds.';

CREATE OR REPLACE VIEW daehwa.source_freshness
(
    day Date COMMENT 'of the receipt (UTC)',
    source LowCardinality(String) COMMENT 'the site or system',
    events UInt64 COMMENT 'how many',
    first_received_at DateTime64(3, 'UTC') COMMENT 'when the first was received',
    last_received_at DateTime64(3, 'UTC') COMMENT 'when the last was received',
    mean_delay_seconds Float64 COMMENT 'mean time from the event to its receipt'
)
AS SELECT
    toDate(received_at) AS day,
    source,
    count() AS events,
    min(received_at) AS first_received_at,
    max(received_at) AS last_received_at,
    sum(toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(occurred_at)) / events / 1000
        AS mean_delay_seconds
FROM daehwa.events_stored
WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase')
GROUP BY day, source
COMMENT 'What came in from each source, by day of receipt: how much, since when, when last, and how long after it happened.';
