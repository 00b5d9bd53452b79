-- Triggers from the decision to the order, offers, campaigns, attribution.

CREATE OR REPLACE VIEW daehwa.trigger_latency
(
    day Date COMMENT 'day on which they were decided (UTC)',
    type LowCardinality(String) COMMENT 'type of the triggers',
    triggers UInt64 COMMENT 'how many',
    decision_p50_ms Float64 COMMENT 'half of the decisions took no longer',
    decision_p99_ms Float64 COMMENT '99 of 100 took no longer',
    delivered UInt64 COMMENT 'of them, delivered on a customer channel',
    delivery_p50_ms Nullable(Float64) COMMENT 'half of the deliveries took no longer; NULL where none was delivered',
    delivery_p90_ms Nullable(Float64) COMMENT 'nine of ten',
    delivery_p99_ms Nullable(Float64) COMMENT '99 of 100'
)
AS SELECT
    toDate(decided.decided_at) AS day,
    decided.type AS type,
    count() AS triggers,
    quantileExact(0.5)(dateDiff('millisecond', decided.occurred_at, decided.decided_at))
        AS decision_p50_ms,
    quantileExact(0.99)(dateDiff('millisecond', decided.occurred_at, decided.decided_at))
        AS decision_p99_ms,
    countIf(answers.delivered) AS delivered,
    quantileExactOrNullIf(0.5)(
        dateDiff('millisecond', decided.decided_at, answers.delivered_at), answers.delivered)
        AS delivery_p50_ms,
    quantileExactOrNullIf(0.9)(
        dateDiff('millisecond', decided.decided_at, answers.delivered_at), answers.delivered)
        AS delivery_p90_ms,
    quantileExactOrNullIf(0.99)(
        dateDiff('millisecond', decided.decided_at, answers.delivered_at), answers.delivered)
        AS delivery_p99_ms
FROM daehwa.triggers_stored AS decided
LEFT JOIN
(
    SELECT trigger_id, min(occurred_at) AS delivered_at, 1 AS delivered
    FROM daehwa.contacts_stored
    WHERE name = 'trigger.delivered' AND trigger_id != ''
    GROUP BY trigger_id
) AS answers ON answers.trigger_id = decided.id
GROUP BY day, type
COMMENT 'How long triggers take: from their cause to the decision, by the times of the events, and from the decision to the delivery on a customer channel. In milliseconds.';

CREATE OR REPLACE VIEW daehwa.trigger_funnel
(
    day Date COMMENT 'day on which they were decided (UTC)',
    rule LowCardinality(String) COMMENT 'name of the trigger in the playbook',
    channel LowCardinality(String) COMMENT 'on which the customer is spoken to; empty where only systems and staff are told',
    campaign LowCardinality(String) COMMENT 'the campaign it belongs to; empty where it belongs to none',
    decided UInt64 COMMENT 'triggers',
    fired UInt64 COMMENT 'of them, not suppressed',
    suppressed UInt64 COMMENT 'held back by policy; daehwa.suppressed says by what',
    delivered UInt64 COMMENT 'delivered on a customer channel',
    failed UInt64 COMMENT 'given up',
    withheld UInt64 COMMENT 'withheld after the decision: consent was withdrawn, or it had expired',
    opened UInt64 COMMENT 'mails opened',
    clicked UInt64 COMMENT 'mails with a link that was clicked',
    converted UInt64 COMMENT 'fired and followed by an order within 7 days'
)
AS SELECT
    toDate(decided.decided_at) AS day,
    decided.rule AS rule,
    decided.channel AS channel,
    decided.campaign AS campaign,
    count() AS decided,
    countIf(decided.decision = 'fire') AS fired,
    countIf(decided.decision = 'suppressed') AS suppressed,
    countIf(has(answers.names, 'trigger.delivered')) AS delivered,
    countIf(has(answers.names, 'trigger.failed')) AS failed,
    countIf(has(answers.names, 'trigger.withheld')) AS withheld,
    countIf(has(answers.names, 'trigger.opened')) AS opened,
    countIf(has(answers.names, 'trigger.clicked')) AS clicked,
    countIf(decided.decision = 'fire' AND arrayExists(
        one -> one.1 > decided.decided_at AND one.1 <= decided.decided_at + INTERVAL 7 DAY,
        bought.purchases)) AS converted
FROM
(
    SELECT
        made.id AS id,
        made.rule AS rule,
        made.channel AS channel,
        made.campaign AS campaign,
        made.decision AS decision,
        made.decided_at AS decided_at,
        ifNull(nullIf(identities.customer_id, ''), made.customer_id) AS whose
    FROM daehwa.triggers_stored AS made
    LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = made.customer_id
) AS decided
LEFT JOIN
(
    SELECT trigger_id, groupUniqArray(toString(name)) AS names
    FROM daehwa.contacts_stored
    WHERE trigger_id != ''
    GROUP BY trigger_id
) AS answers ON answers.trigger_id = decided.id
LEFT JOIN
(
        SELECT
            customer_id AS buyer,
            arraySort(groupArray(
                (assumeNotNull(placed_at), currency, net_hundredths))) AS purchases
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY buyer
) AS bought ON bought.buyer = decided.whose
GROUP BY day, rule, channel, campaign
COMMENT 'From the decision to what came of it, by day, rule, channel and campaign: decided, fired or suppressed, delivered or not, opened, clicked, bought. Bought is who placed an order that counts within 7 days after a trigger that fired.';

CREATE OR REPLACE VIEW daehwa.offer_results
(
    explanation LowCardinality(String) COMMENT 'likelier (more often next than on average), complement or popular',
    from_topic String COMMENT 'the topic it was offered after; empty where it followed none',
    topic String COMMENT 'the topic that was offered',
    decided UInt64 COMMENT 'offers',
    shown UInt64 COMMENT 'of them, fired',
    customers UInt64 COMMENT 'customers of those that fired',
    accepted UInt64 COMMENT 'fired, and an event in the topic within 7 days',
    bought UInt64 COMMENT 'fired, and an order for the topic within 7 days'
)
AS SELECT
    offers.explanation AS explanation,
    offers.from_topic AS from_topic,
    offers.topic AS topic,
    count() AS decided,
    countIf(offers.decision = 'fire') AS shown,
    uniqExactIf(offers.whose, offers.decision = 'fire') AS customers,
    countIf(offers.decision = 'fire' AND arrayExists(
        at -> at > offers.decided_at AND at <= offers.decided_at + INTERVAL 7 DAY, talks.times))
        AS accepted,
    countIf(offers.decision = 'fire' AND arrayExists(
        at -> at > offers.decided_at AND at <= offers.decided_at + INTERVAL 7 DAY, bought.times))
        AS bought
FROM
(
    SELECT
        multiIf(
            JSONExtractFloat(made.why, 'lift') > 1, 'likelier',
            position(made.reason, 'goes well with') > 0, 'complement',
            'popular') AS explanation,
        made.topic AS topic,
        JSONExtractString(made.why, 'from') AS from_topic,
        made.decision AS decision,
        made.decided_at AS decided_at,
        ifNull(nullIf(identities.customer_id, ''), made.customer_id) AS whose
    FROM
    (
        SELECT customer_id, reason, why, topic, decision, decided_at
        FROM daehwa.triggers_stored
        WHERE type = 'offer.next'
    ) AS made
    LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = made.customer_id
) AS offers
LEFT JOIN
(
    SELECT
        ifNull(nullIf(identities.customer_id, ''), told.profile_key) AS whose,
        toString(told.topic) AS about,
        groupArray(told.occurred_at) AS times
    FROM
    (
        SELECT profile_key, topic, occurred_at
        FROM daehwa.stages_stored
        WHERE exit = 0 AND topic IN
            (SELECT topic FROM daehwa.triggers_stored WHERE type = 'offer.next')
    ) AS told
    LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = told.profile_key
    GROUP BY whose, about
) AS talks ON talks.whose = offers.whose AND talks.about = offers.topic
LEFT JOIN
(
    SELECT customer_id AS whose, name AS about, groupArray(assumeNotNull(placed_at)) AS times
    FROM daehwa.orders
    ARRAY JOIN topics AS name
    WHERE counts = 1
    GROUP BY whose, about
) AS bought ON bought.whose = offers.whose AND bought.about = offers.topic
GROUP BY explanation, from_topic, topic
COMMENT 'What became of the next offers, by explanation and topic. Accepted is an offer whose customer had an event in its topic within 7 days; bought is one whose customer placed an order that counts for it.';

CREATE OR REPLACE VIEW daehwa.offer_revenue
(
    explanation LowCardinality(String) COMMENT 'of the last such offer: likelier, complement or popular',
    topic String COMMENT 'the topic that was offered',
    currency String COMMENT 'ISO 4217; empty where none was given',
    orders UInt64 COMMENT 'how many',
    revenue Decimal(18, 2) COMMENT 'their money, less refunds'
)
AS SELECT
    last.2 AS explanation,
    last.3 AS topic,
    currency,
    count() AS orders,
    toDecimal64(sum(net_hundredths), 2) / 100 AS revenue
FROM
(
    SELECT
        bought.currency AS currency,
        bought.net_hundredths AS net_hundredths,
        arrayFilter(
            one -> has(bought.topics, one.3) AND one.1 < bought.placed_at
                AND one.1 >= bought.placed_at - INTERVAL 7 DAY,
            offers.made) AS before,
        arrayJoin(arrayMap(
            name -> arraySort(arrayFilter(one -> one.3 = name, before))[-1],
            arrayDistinct(before.3))) AS last
    FROM daehwa.orders AS bought
    INNER JOIN
    (
        SELECT whose, groupArray((decided_at, explanation, topic)) AS made
        FROM
        (
    SELECT
        multiIf(
            JSONExtractFloat(made.why, 'lift') > 1, 'likelier',
            position(made.reason, 'goes well with') > 0, 'complement',
            'popular') AS explanation,
        made.topic AS topic,
        JSONExtractString(made.why, 'from') AS from_topic,
        made.decision AS decision,
        made.decided_at AS decided_at,
        ifNull(nullIf(identities.customer_id, ''), made.customer_id) AS whose
    FROM
    (
        SELECT customer_id, reason, why, topic, decision, decided_at
        FROM daehwa.triggers_stored
        WHERE type = 'offer.next'
    ) AS made
    LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = made.customer_id
        )
        WHERE decision = 'fire'
        GROUP BY whose
    ) AS offers ON offers.whose = bought.customer_id
    WHERE bought.counts = 1
)
GROUP BY explanation, topic, currency
COMMENT 'Revenue of the orders that followed a next offer: orders that count for its topic, within 7 days after an offer that fired, each once. An order\'s money is all of it, also where it is for other topics too.';

CREATE OR REPLACE VIEW daehwa.campaign_results
(
    campaign LowCardinality(String) COMMENT 'name of the campaign in the playbook',
    arm String COMMENT 'treated or held_out, at the first exposure',
    customers UInt64 COMMENT 'how many',
    buyers UInt64 COMMENT 'of them, with an order that counts within 30 days',
    rate Float64 COMMENT 'their share',
    rate_low Float64 COMMENT 'lower end of its interval',
    rate_high Float64 COMMENT 'upper end',
    orders UInt64 COMMENT 'their orders in the 30 days'
)
AS SELECT
    campaign,
    arm,
    count() AS customers,
    countIf(notEmpty(back)) AS buyers,
    buyers / customers AS rate,
    greatest(0, (rate + 1.9207294 / customers
        - 1.959964 * sqrt(rate * (1 - rate) / customers + 0.9603647 / customers / customers))
        / (1 + 3.8414588 / customers)) AS rate_low,
    least(1, (rate + 1.9207294 / customers
        + 1.959964 * sqrt(rate * (1 - rate) / customers + 0.9603647 / customers / customers))
        / (1 + 3.8414588 / customers)) AS rate_high,
    sum(length(back)) AS orders
FROM
(
    SELECT
        exposed.campaign AS campaign,
        exposed.arm AS arm,
        arrayFilter(
            one -> one.1 > exposed.first_exposed_at
                AND one.1 <= exposed.first_exposed_at + INTERVAL 30 DAY,
            bought.purchases) AS back
    FROM daehwa.campaign_exposures AS exposed
    LEFT JOIN
    (
        SELECT
            customer_id AS buyer,
            arraySort(groupArray(
                (assumeNotNull(placed_at), currency, net_hundredths))) AS purchases
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY buyer
    ) AS bought ON bought.buyer = exposed.customer_id
)
GROUP BY campaign, arm
COMMENT 'Campaigns by arm: customers, how many bought within 30 days after their first exposure, and the interval of that share (Wilson 1927, 95 %). daehwa campaigns measures by the conversion that the playbook defines, and says whether one may look already.';

CREATE OR REPLACE VIEW daehwa.attribution
(
    model LowCardinality(String) COMMENT 'first or last trigger within the window',
    rule LowCardinality(String) COMMENT 'name of the trigger in the playbook; empty: no trigger in the window',
    campaign LowCardinality(String) COMMENT 'the campaign it belongs to; empty where it belongs to none',
    currency String COMMENT 'ISO 4217; empty where none was given',
    orders UInt64 COMMENT 'orders',
    revenue Decimal(18, 2) COMMENT 'their money, less refunds'
)
AS SELECT
    which.1 AS model,
    which.2.2 AS rule,
    which.2.3 AS campaign,
    currency,
    count() AS orders,
    toDecimal64(sum(net_hundredths), 2) / 100 AS revenue
FROM
(
    SELECT
        orders.currency AS currency,
        orders.net_hundredths AS net_hundredths,
        arrayFilter(
            one -> one.1 < orders.placed_at AND one.1 >= orders.placed_at - INTERVAL 7 DAY,
            spoken.triggers) AS before,
        arrayJoin([('first', before[1]), ('last', before[-1])]) AS which
    FROM daehwa.orders AS orders
    LEFT JOIN
    (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), made.customer_id) AS whose,
            arraySort(groupArray((made.decided_at, toString(made.rule), toString(made.campaign))))
                AS triggers
        FROM
        (
            SELECT customer_id, decided_at, rule, campaign
            FROM daehwa.triggers_stored
            WHERE decision = 'fire' AND channel != ''
        ) AS made
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = made.customer_id
        GROUP BY whose
    ) AS spoken ON spoken.whose = orders.customer_id
    WHERE orders.counts = 1
)
GROUP BY model, rule, campaign, currency
COMMENT 'Revenue by the trigger that spoke to the customer before the order: the first and the last one on a customer channel that fired within 7 days before it. Every order that counts is in each model once, those without such a trigger too: a model\'s revenue is all there is, and never more.';
