-- The contact centre: calls, first-contact resolution, what solving a complaint brings.

CREATE OR REPLACE VIEW daehwa.call_load
(
    hour DateTime('UTC') COMMENT 'start of the hour',
    operator String COMMENT 'who answered or was called; empty where nobody was named',
    direction LowCardinality(String) COMMENT 'inbound or outbound',
    calls UInt64 COMMENT 'how many',
    answered UInt64 COMMENT 'of them, not missed',
    missed UInt64 COMMENT 'call.missed',
    customers UInt64 COMMENT 'with how many customers',
    mean_wait_seconds Nullable(Float64) COMMENT 'mean time until a call was answered or given up, of those that state one (ringing_s, wait_s); NULL where none does',
    mean_talk_seconds Nullable(Float64) COMMENT 'mean time spoken, of the answered calls that state one (duration_s); NULL where none does'
)
AS SELECT
    toStartOfHour(calls.occurred_at) AS hour,
    calls.operator AS operator,
    calls.direction AS direction,
    count() AS calls,
    countIf(calls.name != 'call.missed') AS answered,
    countIf(calls.name = 'call.missed') AS missed,
    uniqExact(ifNull(nullIf(identities.customer_id, ''), calls.profile_key)) AS customers,
    avgOrNullIf(calls.wait_s, calls.wait_s > 0) AS mean_wait_seconds,
    avgOrNullIf(calls.duration_s, calls.duration_s > 0 AND calls.name != 'call.missed')
        AS mean_talk_seconds
FROM daehwa.contacts_stored AS calls
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = calls.profile_key
WHERE calls.name IN ('call.ended', 'call.missed', 'call.made')
GROUP BY hour, operator, direction
COMMENT 'Calls by hour and operator: how many, how many were missed, how long people waited and spoke. A call is a contact call.ended, call.missed or call.made.';

CREATE OR REPLACE VIEW daehwa.first_contact_resolution
(
    day Date COMMENT 'day of the first contact (UTC)',
    channel LowCardinality(String) COMMENT 'on which it came',
    operator String COMMENT 'who handled it; empty where nobody was named',
    topic String COMMENT 'what it was about',
    first_contacts UInt64 COMMENT 'how many',
    settled UInt64 COMMENT 'of them, without another one within 7 days',
    rate Float64 COMMENT 'their share'
)
AS WITH
    (SELECT max(occurred_at) FROM daehwa.contacts_stored) AS last_at,
    contacts AS
    (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), said.profile_key) AS customer_id,
            said.channel AS channel,
            said.operator AS operator,
            said.topic AS topic,
            said.occurred_at AS occurred_at,
            said.message_id AS message_id
        FROM
        (
            SELECT profile_key, channel, operator, occurred_at, message_id, arrayJoin(arrayDistinct(topics)) AS topic
            FROM daehwa.contacts_stored
            WHERE direction = 'inbound' AND trigger_id = '' AND name != 'call.missed'
        ) AS said
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = said.profile_key
    ),
    series AS
    (
        SELECT
            *,
            lagInFrame(toNullable(occurred_at)) OVER talk AS before_at,
            leadInFrame(toNullable(occurred_at)) OVER talk AS next_at
        FROM contacts
        WINDOW talk AS
        (
            PARTITION BY customer_id, topic ORDER BY occurred_at, message_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    )
SELECT
    toDate(occurred_at) AS day,
    channel,
    operator,
    topic,
    count() AS first_contacts,
    countIf(next_at IS NULL OR next_at > occurred_at + INTERVAL 7 DAY) AS settled,
    settled / first_contacts AS rate
FROM series
WHERE (before_at IS NULL OR before_at < occurred_at - INTERVAL 7 DAY)
    AND occurred_at + INTERVAL 7 DAY <= last_at
GROUP BY day, channel, operator, topic
COMMENT 'Whether the first contact about something settled it: an inbound contact after 7 days without one about the same topic is a first contact, and it settled the matter when the customer did not get in touch about it again within 7 days. Contacts of the last 7 days of the archive are not judged yet. Calls that were missed, and contacts about no topic, do not count.';

CREATE OR REPLACE VIEW daehwa.complaint_effect
(
    topic String COMMENT 'such as complaint/delivery',
    outcome LowCardinality(String) COMMENT 'in_time, late, solved (no clock), withdrawn or open',
    cases UInt64 COMMENT 'how many',
    bought_again UInt64 COMMENT 'of them, with an order within 90 days',
    rate Float64 COMMENT 'their share'
)
AS SELECT
    cases.topic AS topic,
    multiIf(
        cases.resolved_at IS NULL AND cases.withdrawn_at IS NOT NULL, 'withdrawn',
        cases.resolved_at IS NULL, 'open',
        cases.in_time IS NULL, 'solved',
        cases.in_time = 1, 'in_time',
        'late') AS outcome,
    count() AS cases,
    countIf(arrayExists(
        one -> one.1 > ended_at AND one.1 <= ended_at + INTERVAL 90 DAY, bought.purchases))
        AS bought_again,
    bought_again / cases AS rate
FROM
(
    SELECT *, coalesce(resolved_at, withdrawn_at, opened_at) AS ended_at
    FROM daehwa.complaints
) AS cases
LEFT JOIN
(
        SELECT
            customer_id AS buyer,
            arraySort(groupArray(
                (assumeNotNull(placed_at), currency, net_hundredths))) AS purchases
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY buyer
) AS bought ON bought.buyer = cases.customer_id
GROUP BY topic, outcome
COMMENT 'Whether solving a complaint brings the customer back: cases by how they ended, and how many of their customers placed an order that counts within 90 days after the end, or after the opening where there is none.';
