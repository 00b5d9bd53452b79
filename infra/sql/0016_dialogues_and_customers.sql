-- Dialogues and customers: durations, paths, hand-overs between channels, cohorts.

CREATE OR REPLACE VIEW daehwa.funnel_by_day
(
    day Date COMMENT 'day on which it happened (UTC)',
    topic LowCardinality(String) COMMENT 'such as product/shoes',
    stage LowCardinality(String) COMMENT 'a stage of it',
    stage_rank UInt8 COMMENT 'how far the stage is on its ladder, from 0',
    channel LowCardinality(String) COMMENT 'where it happened',
    source LowCardinality(String) COMMENT 'the site or system',
    events UInt64 COMMENT 'events that brought a dialogue there',
    customers UInt64 COMMENT 'customers of them'
)
AS SELECT
    toDate(seen.occurred_at) AS day,
    seen.topic AS topic,
    seen.stage AS stage,
    max(seen.stage_rank) AS stage_rank,
    seen.channel AS channel,
    seen.source AS source,
    count() AS events,
    uniqExact(ifNull(nullIf(persons.customer, 0), seen.person)) AS customers
FROM
(
    SELECT occurred_at, topic, stage, stage_rank, channel, source, cityHash64(profile_key) AS person
    FROM daehwa.stages_stored
    WHERE exit = 0
) AS seen
LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = seen.person
GROUP BY day, topic, stage, channel, source
COMMENT 'The funnel by day, channel and source: how many customers came to each stage on a day, for any time window. Customers of several days do not add up: they are counted on each.';

CREATE OR REPLACE VIEW daehwa.dialogues
(
    customer_id String COMMENT 'the customer, once known, else the visitor',
    topic LowCardinality(String) COMMENT 'such as product/shoes',
    family String COMMENT 'the part of the topic before the first slash',
    first_at DateTime64(3, 'UTC') COMMENT 'first event of it',
    last_at DateTime64(3, 'UTC') COMMENT 'last event of it',
    events UInt64 COMMENT 'how many events',
    furthest_stage String COMMENT 'the stage furthest on its ladder; of two the later one',
    furthest_rank UInt8 COMMENT 'how far that is, from 0',
    finished Bool COMMENT 'whether it has come to the last stage of its ladder',
    channels Array(String) COMMENT 'on which it was held'
)
AS SELECT
    ifNull(nullIf(identities.customer_id, ''), told.profile_key) AS customer_id,
    told.topic AS topic,
    splitByChar('/', told.topic)[1] AS family,
    min(told.occurred_at) AS first_at,
    max(told.occurred_at) AS last_at,
    count() AS events,
    argMax(toString(told.stage), (told.stage_rank, told.occurred_at, told.stage)) AS furthest_stage,
    max(told.stage_rank) AS furthest_rank,
    max(told.stage_end = 1) AS finished,
    arraySort(groupUniqArray(toString(told.channel))) AS channels
FROM daehwa.stages_stored AS told
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = told.profile_key
WHERE told.exit = 0
GROUP BY customer_id, topic
COMMENT 'Each dialogue once: what was said with one customer about one topic, from the first event to the last.';

CREATE OR REPLACE VIEW daehwa.dialogue_durations
(
    topic LowCardinality(String) COMMENT 'such as product/shoes',
    dialogues UInt64 COMMENT 'how many',
    finished UInt64 COMMENT 'of them, those that came to the last stage of their ladder',
    median_seconds Float64 COMMENT 'half of them last no longer',
    p90_seconds Float64 COMMENT 'nine of ten last no longer'
)
AS SELECT
    topic,
    count() AS dialogues,
    countIf(finished) AS finished,
    quantileExact(0.5)(dateDiff('millisecond', begun_at, ended_at)) / 1000 AS median_seconds,
    quantileExact(0.9)(dateDiff('millisecond', begun_at, ended_at)) / 1000 AS p90_seconds
FROM
(
        SELECT
            ifNull(nullIf(persons.customer, 0), seen.person) AS customer,
            seen.topic AS topic,
            min(seen.first_at) AS begun_at,
            max(seen.last_at) AS ended_at,
            max(seen.ended) AS finished,
            sum(seen.purchases) AS purchases,
            minIf(seen.purchased_at, seen.purchases > 0) AS purchased_at
        FROM
        (
            SELECT
                topic,
                cityHash64(profile_key) AS person,
                min(occurred_at) AS first_at,
                max(occurred_at) AS last_at,
                max(stage_end = 1) AS ended,
                countIf(order_step = 'placed') AS purchases,
                minIf(occurred_at, order_step = 'placed') AS purchased_at
            FROM daehwa.stages_stored
            WHERE exit = 0
            GROUP BY topic, person
        ) AS seen
        LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = seen.person
        GROUP BY customer, topic
)
GROUP BY topic
COMMENT 'How long dialogues last, by topic: from the first event of each to its last.';

CREATE OR REPLACE VIEW daehwa.time_to_purchase
(
    topic LowCardinality(String) COMMENT 'such as product/shoes',
    interested UInt64 COMMENT 'customers with a dialogue about it',
    customers UInt64 COMMENT 'of them, those that have placed an order for it',
    rate Float64 COMMENT 'their share',
    median_seconds Nullable(Float64) COMMENT 'half of them took no longer; NULL where nobody has bought',
    p90_seconds Nullable(Float64) COMMENT 'nine of ten took no longer; NULL where nobody has bought'
)
AS SELECT
    topic,
    count() AS interested,
    countIf(purchases > 0) AS customers,
    customers / interested AS rate,
    quantileExactOrNullIf(0.5)(dateDiff('millisecond', begun_at, purchased_at), purchases > 0) / 1000
        AS median_seconds,
    quantileExactOrNullIf(0.9)(dateDiff('millisecond', begun_at, purchased_at), purchases > 0) / 1000
        AS p90_seconds
FROM
(
        SELECT
            ifNull(nullIf(persons.customer, 0), seen.person) AS customer,
            seen.topic AS topic,
            min(seen.first_at) AS begun_at,
            max(seen.last_at) AS ended_at,
            max(seen.ended) AS finished,
            sum(seen.purchases) AS purchases,
            minIf(seen.purchased_at, seen.purchases > 0) AS purchased_at
        FROM
        (
            SELECT
                topic,
                cityHash64(profile_key) AS person,
                min(occurred_at) AS first_at,
                max(occurred_at) AS last_at,
                max(stage_end = 1) AS ended,
                countIf(order_step = 'placed') AS purchases,
                minIf(occurred_at, order_step = 'placed') AS purchased_at
            FROM daehwa.stages_stored
            WHERE exit = 0
            GROUP BY topic, person
        ) AS seen
        LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = seen.person
        GROUP BY customer, topic
)
GROUP BY topic
COMMENT 'From the first interest of a customer in a topic to their first purchase of it.';

CREATE OR REPLACE VIEW daehwa.topic_paths
(
    from_topic LowCardinality(String) COMMENT 'the topic before',
    to_topic LowCardinality(String) COMMENT 'the topic after',
    times UInt64 COMMENT 'how often',
    customers UInt64 COMMENT 'by how many customers',
    median_seconds Float64 COMMENT 'median time between the two events'
)
AS SELECT
    from_topic,
    to_topic,
    count() AS times,
    uniqExact(customer) AS customers,
    quantileExact(0.5)(milliseconds) / 1000 AS median_seconds
FROM
(
    SELECT
        customer,
        topic AS to_topic,
        lagInFrame(topic) OVER steps AS from_topic,
        dateDiff('millisecond', lagInFrame(occurred_at) OVER steps, occurred_at) AS milliseconds,
        row_number() OVER steps AS step
    FROM
    (
        SELECT
            ifNull(nullIf(persons.customer, 0), seen.person) AS customer,
            seen.topic AS topic,
            seen.occurred_at AS occurred_at
        FROM
        (
            SELECT cityHash64(profile_key) AS person, topic, occurred_at
            FROM daehwa.stages_stored
            WHERE exit = 0
        ) AS seen
        LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = seen.person
    )
    WINDOW steps AS
    (
        PARTITION BY customer ORDER BY occurred_at, topic
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)
WHERE step > 1 AND from_topic != to_topic
GROUP BY from_topic, to_topic
COMMENT 'From which topic customers go to which: two events of a customer, one after the other, with different topics. At one instant topics follow each other by name.';

CREATE OR REPLACE VIEW daehwa.channel_handovers
(
    from_channel LowCardinality(String) COMMENT 'the channel before',
    to_channel LowCardinality(String) COMMENT 'the channel after',
    times UInt64 COMMENT 'how often',
    customers UInt64 COMMENT 'by how many customers',
    median_seconds Float64 COMMENT 'median time between the two events'
)
AS SELECT
    from_channel,
    to_channel,
    count() AS times,
    uniqExact(customer) AS customers,
    quantileExact(0.5)(milliseconds) / 1000 AS median_seconds
FROM
(
    SELECT
        customer,
        channel AS to_channel,
        lagInFrame(channel) OVER steps AS from_channel,
        dateDiff('millisecond', lagInFrame(occurred_at) OVER steps, occurred_at) AS milliseconds,
        row_number() OVER steps AS step
    FROM
    (
        SELECT
            ifNull(nullIf(persons.customer, 0), seen.person) AS customer,
            seen.topic AS topic,
            seen.channel AS channel,
            seen.occurred_at AS occurred_at
        FROM
        (
            SELECT cityHash64(profile_key) AS person, topic, channel, occurred_at
            FROM daehwa.stages_stored
            WHERE exit = 0
        ) AS seen
        LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = seen.person
    )
    WINDOW steps AS
    (
        PARTITION BY customer, topic ORDER BY occurred_at, channel
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)
WHERE step > 1 AND from_channel != to_channel
GROUP BY from_channel, to_channel
COMMENT 'From which channel dialogues go over to which: two events of a dialogue, one after the other, on different channels. At one instant channels follow each other by name.';

CREATE OR REPLACE VIEW daehwa.customers
(
    customer_id String COMMENT 'the customer, once known, else the visitor',
    first_at DateTime64(3, 'UTC') COMMENT 'first event',
    last_at DateTime64(3, 'UTC') COMMENT 'last event',
    events UInt64 COMMENT 'how many events',
    days UInt64 COMMENT 'on how many days (UTC)',
    first_channel String COMMENT 'where it began',
    first_source String COMMENT 'the site or system where it began',
    known Bool COMMENT 'whether an event named them by a user id'
)
AS SELECT
    ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
    min(happened.occurred_at) AS first_at,
    max(happened.occurred_at) AS last_at,
    count() AS events,
    uniqExact(toDate(happened.occurred_at)) AS days,
    argMin(toString(happened.channel), (happened.occurred_at, happened.message_id)) AS first_channel,
    argMin(toString(happened.source), (happened.occurred_at, happened.message_id)) AS first_source,
    max(happened.user_id != '') AS known
FROM daehwa.events_stored AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key
WHERE happened.copy = 0 AND happened.type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase')
    AND NOT (happened.type = 'contact' AND happened.direction = 'outbound')
GROUP BY customer_id
COMMENT 'Each customer once, by what they did themselves: contacts that we began do not count.';

CREATE OR REPLACE VIEW daehwa.cohort_retention
(
    grain LowCardinality(String) COMMENT 'week or month',
    cohort_of LowCardinality(String) COMMENT 'all, first_channel, first_topic or campaign',
    value String COMMENT 'the channel, the topic (empty: none yet) or the campaign; empty for all',
    cohort Date COMMENT 'first day of the week (Monday) or month in which they began',
    period UInt16 COMMENT 'weeks or months since then, from 0',
    customers UInt64 COMMENT 'customers of the cohort',
    active UInt64 COMMENT 'of them, those who were active in the period',
    rate Float64 COMMENT 'their share'
)
AS WITH
    lives AS
    (
        SELECT
            ifNull(nullIf(persons.customer, 0), seen.person) AS customer,
            arraySort(groupUniqArray(seen.day)) AS days,
            argMin(toString(seen.channel), (seen.first_at, seen.channel)) AS first_channel
        FROM
        (
            SELECT
                toDate(occurred_at) AS day,
                channel,
                cityHash64(profile_key) AS person,
                min(occurred_at) AS first_at
            FROM daehwa.events_stored
            WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase')
                AND NOT (type = 'contact' AND direction = 'outbound')
            GROUP BY day, channel, person
        ) AS seen
        LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = seen.person
        GROUP BY customer
    ),
    interests AS
    (
        SELECT
            ifNull(nullIf(persons.customer, 0), seen.person) AS customer,
            argMin(toString(seen.topic), (seen.first_at, seen.topic)) AS first_topic
        FROM
        (
            SELECT topic, cityHash64(profile_key) AS person, min(occurred_at) AS first_at
            FROM daehwa.stages_stored
            WHERE exit = 0
            GROUP BY topic, person
        ) AS seen
        LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = seen.person
        GROUP BY customer
    ),
    exposed AS
    (
        SELECT
            cityHash64(customer_id) AS customer,
            groupArray((toString(campaign), toDate(first_exposed_at))) AS campaigns
        FROM daehwa.campaign_exposures
        GROUP BY customer
    ),
    begun AS
    (
        SELECT
            lives.days AS days,
            arrayJoin(arrayConcat(
                [
                    ('all', '', lives.days[1]),
                    ('first_channel', lives.first_channel, lives.days[1]),
                    ('first_topic', interests.first_topic, lives.days[1])],
                arrayMap(one -> ('campaign', one.1, one.2), exposed.campaigns))) AS whose,
            (whose.1, whose.2) AS kind,
            whose.3 AS began
        FROM lives
        LEFT JOIN interests ON interests.customer = lives.customer
        LEFT JOIN exposed ON exposed.customer = lives.customer
        UNION ALL
        -- Who was exposed and has done nothing at all.
        SELECT
            emptyArrayDate() AS days,
            arrayJoin(arrayMap(one -> ('campaign', one.1, one.2), campaigns)) AS whose,
            (whose.1, whose.2) AS kind,
            whose.3 AS began
        FROM exposed
        WHERE customer NOT IN (SELECT customer FROM lives)
    ),
    periods AS
    (
        SELECT
            arrayJoin(['week', 'month']) AS grain,
            kind,
            if(grain = 'week', toMonday(began), toStartOfMonth(began)) AS cohort,
            arrayFilter(number -> number >= 0, arrayDistinct(arrayMap(
                day -> if(
                    grain = 'week',
                    dateDiff('week', cohort, toMonday(day)),
                    dateDiff('month', cohort, day)),
                days))) AS back
        FROM begun
    )
SELECT
    grain,
    kind.1 AS cohort_of,
    kind.2 AS value,
    cohort,
    one.1 AS period,
    sum(count()) OVER cohorts - sum(countIf(one.1 != 0)) OVER cohorts AS customers,
    sum(one.2) AS active,
    active / customers AS rate
FROM periods
-- Whoever began is in period 0, active or not: an exposed customer may not have come.
ARRAY JOIN arrayConcat(
    [(toInt64(0), toUInt8(has(back, 0)))],
    arrayMap(number -> (number, toUInt8(1)), arrayFilter(number -> number > 0, back))) AS one
GROUP BY grain, kind, cohort, one.1
WINDOW cohorts AS (PARTITION BY grain, kind, cohort)
COMMENT 'Of the customers who began in a week or a month, how many were back so many weeks or months later; of a campaign: of those who were first exposed then. A customer is back in a period with an event of their own in it.';

CREATE OR REPLACE VIEW daehwa.reactivations
(
    month Date COMMENT 'first day of the month (UTC)',
    active UInt64 COMMENT 'customers with an event in it',
    began UInt64 COMMENT 'customers whose first event is in it',
    reactivated UInt64 COMMENT 'customers who came back in it after 90 days or more of silence',
    fell_silent UInt64 COMMENT 'customers whose 90th day without an event is in it; up to the last day of the archive'
)
AS WITH
    lives AS
    (
        SELECT
            ifNull(nullIf(persons.customer, 0), seen.person) AS customer,
            arraySort(groupUniqArray(seen.day)) AS days,
            argMin(toString(seen.channel), (seen.first_at, seen.channel)) AS first_channel
        FROM
        (
            SELECT
                toDate(occurred_at) AS day,
                channel,
                cityHash64(profile_key) AS person,
                min(occurred_at) AS first_at
            FROM daehwa.events_stored
            WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase')
                AND NOT (type = 'contact' AND direction = 'outbound')
            GROUP BY day, channel, person
        ) AS seen
        LEFT JOIN daehwa.identity_hashes AS persons ON persons.visitor = seen.person
        GROUP BY customer
    ),
    (
        SELECT max(toDate(occurred_at))
        FROM daehwa.events_stored
        WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase')
            AND NOT (type = 'contact' AND direction = 'outbound')
    ) AS last_day,
    told AS
    (
        SELECT
            arrayJoin(arrayConcat(
                arrayMap(
                    month -> ('active', month),
                    arrayDistinct(arrayMap(day -> toStartOfMonth(day), days))),
                [('began', toStartOfMonth(days[1]))],
                arrayMap(
                    month -> ('reactivated', month),
                    arrayDistinct(arrayMap(
                        (day, before) -> toStartOfMonth(day),
                        arrayFilter((day, before) -> day - before >= 90, days, befores),
                        arrayFilter((day, before) -> day - before >= 90, days, befores)))),
                arrayMap(
                    month -> ('fell_silent', month),
                    arrayDistinct(arrayMap(
                        day -> toStartOfMonth(day + 90),
                        arrayFilter(
                            (day, next) -> next - day > 90 AND day + 90 <= last_day,
                            days,
                            arrayConcat(arrayPopFront(days), [toDate('2149-06-06')])))))))
                AS one
        FROM
        (
            SELECT days, arrayConcat([days[1]], arrayPopBack(days)) AS befores
            FROM lives
        )
    )
SELECT
    one.2 AS month,
    countIf(one.1 = 'active') AS active,
    countIf(one.1 = 'began') AS began,
    countIf(one.1 = 'reactivated') AS reactivated,
    countIf(one.1 = 'fell_silent') AS fell_silent
FROM told
GROUP BY month
COMMENT 'Who begins, stays, falls silent and comes back, by month. Silent is who had no event of their own for 90 days.';
