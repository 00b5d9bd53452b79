-- Revenue, repeat purchases and the value of customers.

CREATE OR REPLACE VIEW daehwa.revenue_by_day
(
    day Date COMMENT 'day on which the order was placed (UTC)',
    source LowCardinality(String) COMMENT 'the site or system that said so first',
    currency String COMMENT 'ISO 4217; empty where none was given',
    orders UInt64 COMMENT 'orders that count',
    customers UInt64 COMMENT 'customers who placed them',
    cancelled UInt64 COMMENT 'orders that were cancelled',
    refunded_orders UInt64 COMMENT 'orders that count of which money went back',
    gross Decimal(18, 2) COMMENT 'total of the orders that count',
    refunded Decimal(18, 2) COMMENT 'what went back of it',
    net Decimal(18, 2) COMMENT 'what is left'
)
AS SELECT
    toDate(assumeNotNull(placed_at)) AS day,
    source,
    currency,
    countIf(counts = 1) AS orders,
    uniqExactIf(customer_id, counts = 1) AS customers,
    countIf(status = 'cancelled') AS cancelled,
    countIf(counts = 1 AND refunded_hundredths > 0) AS refunded_orders,
    toDecimal64(sumIf(total_hundredths, counts = 1), 2) / 100 AS gross,
    toDecimal64(sumIf(refunded_hundredths, counts = 1), 2) / 100 AS refunded,
    toDecimal64(sumIf(net_hundredths, counts = 1), 2) / 100 AS net
FROM daehwa.orders
WHERE placed_at IS NOT NULL
GROUP BY day, source, currency
COMMENT 'Orders, refunds and revenue by the day on which they were placed. Of the money of daehwa.orders: what was cancelled counts nothing, what was refunded later counts on the day of the order.';

CREATE OR REPLACE VIEW daehwa.revenue_by_topic
(
    day Date COMMENT 'day on which the order was placed (UTC)',
    topic String COMMENT 'such as product/shoes; empty where the order names none',
    currency String COMMENT 'ISO 4217; empty where none was given',
    orders UInt64 COMMENT 'orders that count for the topic, also in part',
    customers UInt64 COMMENT 'customers who placed them',
    net Decimal(18, 2) COMMENT 'their part of the revenue'
)
AS SELECT
    toDate(assumeNotNull(placed_at)) AS day,
    part.1 AS topic,
    currency,
    count() AS orders,
    uniqExact(customer_id) AS customers,
    toDecimal64(sum(part.2), 2) / 100 AS net
FROM
(
    SELECT
        placed_at,
        currency,
        customer_id,
        if(empty(topics), [''], topics) AS names,
        arrayJoin(arrayMap(
            (name, place) -> (
                name,
                intDiv(net_hundredths, toInt64(length(names)))
                    + if(
                        place <= abs(net_hundredths % toInt64(length(names))),
                        sign(net_hundredths),
                        0)),
            names,
            arrayEnumerate(names))) AS part
    FROM daehwa.orders
    WHERE counts = 1
)
GROUP BY day, topic, currency
COMMENT 'Revenue by day and topic: an order for several topics counts for each of them in equal parts, to the cent, so that all topics together are the revenue there is.';

CREATE OR REPLACE VIEW daehwa.repeat_purchases
(
    month Date COMMENT 'first day of the month of the first order (UTC)',
    customers UInt64 COMMENT 'customers whose first order that counts is in it',
    repeated UInt64 COMMENT 'of them, those with another order',
    rate Float64 COMMENT 'their share',
    median_days Nullable(Float64) COMMENT 'median time from the first order to the second; NULL where there is no second'
)
AS SELECT
    toStartOfMonth(dates[1]) AS month,
    count() AS customers,
    countIf(length(dates) > 1) AS repeated,
    repeated / customers AS rate,
    quantileExactOrNullIf(0.5)(
        dateDiff('millisecond', dates[1], dates[2]), length(dates) > 1) / 86400000 AS median_days
FROM
(
        SELECT customer_id, arraySort(groupArray(assumeNotNull(placed_at))) AS dates
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY customer_id
)
GROUP BY month
COMMENT 'Of the customers who first bought in a month, how many bought again, and after how long. In days of 24 hours.';

CREATE OR REPLACE VIEW daehwa.interpurchase_times
(
    order_number UInt32 COMMENT '2: from the first order to the second, and so on',
    customers UInt64 COMMENT 'customers with so many orders',
    median_days Float64 COMMENT 'half of them took no longer',
    p90_days Float64 COMMENT 'nine of ten took no longer'
)
AS SELECT
    toUInt32(step.1) AS order_number,
    count() AS customers,
    quantileExact(0.5)(step.2) / 86400000 AS median_days,
    quantileExact(0.9)(step.2) / 86400000 AS p90_days
FROM
(
    SELECT arrayJoin(arrayMap(
        number -> (number, dateDiff('millisecond', dates[number - 1], dates[number])),
        range(2, length(dates) + 1))) AS step
    FROM
    (
        SELECT customer_id, arraySort(groupArray(assumeNotNull(placed_at))) AS dates
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY customer_id
    )
)
GROUP BY order_number
COMMENT 'Time between an order and the next one of a customer, by the number of the order. In days of 24 hours.';

CREATE OR REPLACE VIEW daehwa.rfm
(
    customer_id String COMMENT 'the customer',
    currency String COMMENT 'ISO 4217; empty where none was given',
    first_order_at DateTime64(3, 'UTC') COMMENT 'first order that counts',
    last_order_at DateTime64(3, 'UTC') COMMENT 'last order that counts',
    orders UInt64 COMMENT 'orders that count',
    revenue Decimal(18, 2) COMMENT 'their money, less refunds',
    recency_score UInt8 COMMENT '5: among the fifth of the customers with this currency who bought last; 1: first',
    frequency_score UInt8 COMMENT '5: among the fifth with most orders',
    monetary_score UInt8 COMMENT '5: among the fifth with most revenue',
    last_topic String COMMENT 'topic of the last event with one',
    last_stage String COMMENT 'its stage',
    open_topics UInt64 COMMENT 'dialogues that have not come to the last stage of their ladder',
    referrals UInt64 COMMENT 'recommendations: events in topics referral/…',
    complaints UInt64 COMMENT 'cases',
    open_complaints UInt64 COMMENT 'of them, neither solved nor withdrawn',
    p_alive Nullable(Float64) COMMENT 'chance that they come back, as the last churn.risk trigger had it; NULL without one',
    value_at_stake Nullable(Float64) COMMENT 'what would be lost, as that trigger had it; NULL where it said nothing'
)
AS WITH
    buyers AS
    (
        SELECT
            customer_id,
            currency,
            min(assumeNotNull(placed_at)) AS first_order_at,
            max(assumeNotNull(placed_at)) AS last_order_at,
            count() AS orders,
            sum(net_hundredths) AS hundredths
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY customer_id, currency
    ),
    talks AS
    (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), told.profile_key) AS whose,
            argMax(
                (toString(told.topic), toString(told.stage)),
                (told.occurred_at, told.topic, told.stage)) AS latest,
            uniqExact(told.topic) - uniqExactIf(told.topic, told.stage_end = 1) AS unfinished,
            countIf(startsWith(told.topic, 'referral/')) AS referrals
        FROM daehwa.stages_stored AS told
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = told.profile_key
        WHERE told.exit = 0
        GROUP BY whose
    ),
    cases AS
    (
        SELECT
            customer_id AS whose,
            count() AS cases,
            countIf(resolved_at IS NULL AND withdrawn_at IS NULL) AS unsolved
        FROM daehwa.complaints
        GROUP BY whose
    ),
    stakes AS
    (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), alarms.customer_id) AS whose,
            argMax((alarms.why, alarms.decided_at), (alarms.decided_at, alarms.id)) AS latest
        FROM
        (
            SELECT customer_id, why, decided_at, id
            FROM daehwa.triggers_stored
            WHERE type = 'churn.risk'
        ) AS alarms
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = alarms.customer_id
        GROUP BY whose
    )
SELECT
    buyers.customer_id AS customer_id,
    buyers.currency AS currency,
    buyers.first_order_at AS first_order_at,
    buyers.last_order_at AS last_order_at,
    buyers.orders AS orders,
    toDecimal64(buyers.hundredths, 2) / 100 AS revenue,
    toUInt8(ntile(5) OVER (PARTITION BY buyers.currency
        ORDER BY buyers.last_order_at, buyers.customer_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS recency_score,
    toUInt8(ntile(5) OVER (PARTITION BY buyers.currency
        ORDER BY buyers.orders, buyers.customer_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS frequency_score,
    toUInt8(ntile(5) OVER (PARTITION BY buyers.currency
        ORDER BY buyers.hundredths, buyers.customer_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS monetary_score,
    talks.latest.1 AS last_topic,
    talks.latest.2 AS last_stage,
    talks.unfinished AS open_topics,
    talks.referrals AS referrals,
    cases.cases AS complaints,
    cases.unsolved AS open_complaints,
    JSONExtract(stakes.latest.1, 'p_alive', 'Nullable(Float64)') AS p_alive,
    JSONExtract(stakes.latest.1, 'value_at_stake', 'Nullable(Float64)') AS value_at_stake
FROM buyers
LEFT JOIN talks ON talks.whose = buyers.customer_id
LEFT JOIN cases ON cases.whose = buyers.customer_id
LEFT JOIN stakes ON stakes.whose = buyers.customer_id
COMMENT 'Recency, frequency and money of each customer and currency, in fifths, and what money does not tell: what they are interested in, whom they brought, what they complained about, what is at stake.';

CREATE OR REPLACE VIEW daehwa.value_concentration
(
    currency String COMMENT 'ISO 4217; empty where none was given',
    percent UInt8 COMMENT 'the best so many percent of the customers, rounded up',
    customers UInt64 COMMENT 'how many that are',
    revenue Decimal(18, 2) COMMENT 'their revenue',
    share Float64 COMMENT 'of all revenue of the currency; 0 where there is none'
)
AS SELECT
    currency,
    toUInt8(arrayJoin(range(1, 101))) AS percent,
    toUInt64(ceil(length(sums) * percent / 100)) AS customers,
    toDecimal64(sums[customers], 2) / 100 AS revenue,
    if(sums[-1] = 0, 0, sums[customers] / sums[-1]) AS share
FROM
(
    SELECT currency, arrayCumSum(arrayReverseSort(groupArray(hundredths))) AS sums
    FROM
    (
        SELECT
            customer_id,
            currency,
            min(assumeNotNull(placed_at)) AS first_order_at,
            max(assumeNotNull(placed_at)) AS last_order_at,
            count() AS orders,
            sum(net_hundredths) AS hundredths
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY customer_id, currency
    )
    GROUP BY currency
)
COMMENT 'How much of the revenue comes from how many customers: of the best 1 %, 2 % … 100 % of the customers of a currency their number and their share (the 80/20 curve).';

CREATE OR REPLACE VIEW daehwa.customer_lifetime_value
(
    customer_id String COMMENT 'the customer',
    currency String COMMENT 'ISO 4217; empty where none was given',
    orders UInt64 COMMENT 'orders that count',
    revenue Decimal(18, 2) COMMENT 'spent up to now, less refunds',
    expected Nullable(Float64) COMMENT 'expected within the horizon if they stay; NULL without a statement in this currency',
    p_alive Nullable(Float64) COMMENT 'chance that they stay; NULL without a statement',
    horizon_weeks Nullable(Float64) COMMENT 'of expected',
    stated_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when the model said so',
    model String COMMENT 'fitted to this shop or default; empty without a statement',
    model_version String COMMENT 'version of the churn model in force then; empty where none was published'
)
AS WITH
    buyers AS
    (
        SELECT
            customer_id,
            currency,
            min(assumeNotNull(placed_at)) AS first_order_at,
            max(assumeNotNull(placed_at)) AS last_order_at,
            count() AS orders,
            sum(net_hundredths) AS hundredths
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY customer_id, currency
    ),
    stakes AS
    (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), alarms.customer_id) AS whose,
            argMax((alarms.why, alarms.decided_at), (alarms.decided_at, alarms.id)) AS latest
        FROM
        (
            SELECT customer_id, why, decided_at, id
            FROM daehwa.triggers_stored
            WHERE type = 'churn.risk'
        ) AS alarms
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = alarms.customer_id
        GROUP BY whose
    ),
    models AS
    (
        SELECT splitByChar(':', message_id)[3] AS version, min(occurred_at) AS since
        FROM daehwa.events_stored
        WHERE type = 'adopt' AND name = 'model.churn'
        GROUP BY version
    )
SELECT
    buyers.customer_id AS customer_id,
    buyers.currency AS currency,
    buyers.orders AS orders,
    toDecimal64(buyers.hundredths, 2) / 100 AS revenue,
    if(JSONExtractString(stakes.latest.1, 'currency') = buyers.currency,
        JSONExtract(stakes.latest.1, 'residual_value_if_kept', 'Nullable(Float64)'), NULL) AS expected,
    JSONExtract(stakes.latest.1, 'p_alive', 'Nullable(Float64)') AS p_alive,
    JSONExtract(stakes.latest.1, 'horizon_weeks', 'Nullable(Float64)') AS horizon_weeks,
    if(stakes.whose = '', NULL, stakes.latest.2) AS stated_at,
    JSONExtractString(stakes.latest.1, 'model') AS model,
    arrayLast(
        one -> one.1 <= stakes.latest.2,
        (SELECT arraySort(groupArray((since, version))) FROM models)).2 AS model_version
FROM buyers
LEFT JOIN stakes ON stakes.whose = buyers.customer_id
COMMENT 'What a customer has spent, and what they are expected to spend yet, with the version of the model that says so: the last churn.risk trigger about them. Without one nothing is expected of them here: the 360° view computes it for each at any moment.';
