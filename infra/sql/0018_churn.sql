-- Churn: survival, alarms and what they save, relationship stages.

CREATE OR REPLACE VIEW daehwa.churn_survival
(
    day UInt32 COMMENT 'whole days of 24 hours since an order',
    at_risk UInt64 COMMENT 'orders watched for so long and not followed before',
    returned UInt64 COMMENT 'of them, followed on this day',
    silent Float64 COMMENT 'share of orders not followed up to and with this day'
)
AS WITH
    (SELECT max(placed_at) FROM daehwa.orders WHERE counts = 1) AS last_at,
    spells AS
    (
        SELECT
            intDiv(dateDiff('millisecond', spell.1, spell.2), 86400000) AS day,
            spell.3 AS followed
        FROM
        (
            SELECT arrayJoin(arrayMap(
                (date, number) -> (
                    date,
                    if(number < length(dates), dates[number + 1], assumeNotNull(last_at)),
                    number < length(dates)),
                dates,
                arrayEnumerate(dates))) AS spell
            FROM
            (
        SELECT customer_id, arraySort(groupArray(assumeNotNull(placed_at))) AS dates
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY customer_id
            )
        )
    ),
    days AS
    (
        SELECT day, count() AS spells, countIf(followed) AS returned
        FROM spells
        GROUP BY day
    )
SELECT
    toUInt32(day) AS day,
    watched AS at_risk,
    returned,
    if(
        max(watched = returned) OVER earlier,
        0,
        exp(sum(log(if(watched = returned, 1, 1 - returned / watched))) OVER earlier)) AS silent
FROM
(
    SELECT
        day,
        returned,
        sum(spells) OVER (ORDER BY day ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
            AS watched
    FROM days
)
WINDOW earlier AS (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
COMMENT 'How long customers take to buy again: the share of orders that no other of the same customer followed within so many days, by Kaplan and Meier (1958). What has not been followed up to the last order of the archive counts as long as it was watched.';

CREATE OR REPLACE VIEW daehwa.churn_alarms
(
    trigger_id String COMMENT 'of the churn.risk trigger',
    customer_id String COMMENT 'the customer',
    rule LowCardinality(String) COMMENT 'name of the trigger in the playbook',
    campaign LowCardinality(String) COMMENT 'the campaign it belongs to; empty where it belongs to none',
    decision LowCardinality(String) COMMENT 'fire or suppressed',
    suppressed_by LowCardinality(String) COMMENT 'what suppressed it; empty where it fired',
    arm LowCardinality(String) COMMENT 'treated or held_out; empty without a hold-out',
    decided_at DateTime64(3, 'UTC') COMMENT 'when it was decided',
    silent_days Nullable(Float64) COMMENT 'lead time: days of 24 hours from the last order before it; NULL without one',
    came_back_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first order after it; NULL while there is none',
    days_to_return Nullable(Float64) COMMENT 'from the alarm to that order',
    p_alive Nullable(Float64) COMMENT 'chance that they come back, as the alarm had it',
    value_at_stake Nullable(Float64) COMMENT 'what would be lost, as the alarm had it',
    currency String COMMENT 'of the value; empty where it named none'
)
AS WITH
    alarms AS
    (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), alarms.customer_id) AS whose,
            alarms.id AS id,
            alarms.rule AS rule,
            alarms.campaign AS campaign,
            alarms.decision AS decision,
            alarms.suppressed_by AS suppressed_by,
            alarms.arm AS arm,
            alarms.decided_at AS decided_at,
            alarms.why AS why
        FROM
        (
            SELECT id, rule, campaign, decision, suppressed_by, arm, customer_id, decided_at, why
            FROM daehwa.triggers_stored
            WHERE type = 'churn.risk'
        ) AS alarms
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = alarms.customer_id
    ),
    bought AS
    (
        SELECT
            customer_id AS buyer,
            arraySort(groupArray(
                (assumeNotNull(placed_at), currency, net_hundredths))) AS purchases
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY buyer
    )
SELECT
    alarms.id AS trigger_id,
    alarms.whose AS customer_id,
    alarms.rule AS rule,
    alarms.campaign AS campaign,
    alarms.decision AS decision,
    alarms.suppressed_by AS suppressed_by,
    alarms.arm AS arm,
    alarms.decided_at AS decided_at,
    dateDiff('millisecond',
        arrayLastOrNull(at -> at <= decided_at, bought.purchases.1), decided_at) / 86400000
        AS silent_days,
    arrayFirstOrNull(at -> at > decided_at, bought.purchases.1) AS came_back_at,
    dateDiff('millisecond', decided_at, came_back_at) / 86400000 AS days_to_return,
    JSONExtract(alarms.why, 'p_alive', 'Nullable(Float64)') AS p_alive,
    JSONExtract(alarms.why, 'value_at_stake', 'Nullable(Float64)') AS value_at_stake,
    JSONExtractString(alarms.why, 'currency') AS currency
FROM alarms
LEFT JOIN bought ON bought.buyer = alarms.whose
COMMENT 'Each churn alarm, and what the customer did afterwards: whether they came back, and how long they had been silent. Back is who placed an order that counts.';

CREATE OR REPLACE VIEW daehwa.churn_effect
(
    rule LowCardinality(String) COMMENT 'name of the trigger in the playbook',
    currency String COMMENT 'ISO 4217 of the revenue; empty where none of them bought, or none was given',
    treated UInt64 COMMENT 'customers spoken to',
    held_out UInt64 COMMENT 'customers held out',
    treated_back UInt64 COMMENT 'of those spoken to, those with an order within 90 days',
    held_out_back UInt64 COMMENT 'of those held out',
    treated_revenue Decimal(18, 2) COMMENT 'their revenue in the 90 days',
    held_out_revenue Decimal(18, 2) COMMENT 'likewise',
    value_saved Nullable(Float64) COMMENT 'in units of the currency; NULL where an arm is empty'
)
AS WITH
    firsts AS
    (
        SELECT
            rule,
            whose,
            argMin(alarms.arm, (alarms.decided_at, alarms.id)) AS arm,
            min(alarms.decided_at) AS decided_at
        FROM
        (
        SELECT
            ifNull(nullIf(identities.customer_id, ''), alarms.customer_id) AS whose,
            alarms.id AS id,
            alarms.rule AS rule,
            alarms.campaign AS campaign,
            alarms.decision AS decision,
            alarms.suppressed_by AS suppressed_by,
            alarms.arm AS arm,
            alarms.decided_at AS decided_at,
            alarms.why AS why
        FROM
        (
            SELECT id, rule, campaign, decision, suppressed_by, arm, customer_id, decided_at, why
            FROM daehwa.triggers_stored
            WHERE type = 'churn.risk'
        ) AS alarms
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = alarms.customer_id
        ) AS alarms
        WHERE (alarms.arm = 'treated' AND alarms.decision = 'fire')
            OR (alarms.arm = 'held_out' AND alarms.suppressed_by = 'holdout')
        GROUP BY rule, whose
    ),
    bought AS
    (
        SELECT
            customer_id AS buyer,
            arraySort(groupArray(
                (assumeNotNull(placed_at), currency, net_hundredths))) AS purchases
        FROM daehwa.orders
        WHERE counts = 1
        GROUP BY buyer
    ),
    outcomes AS
    (
        SELECT
            firsts.rule AS rule,
            firsts.arm AS arm,
            arrayFilter(
                one -> one.1 > firsts.decided_at AND one.1 <= firsts.decided_at + INTERVAL 90 DAY,
                bought.purchases) AS back
        FROM firsts
        LEFT JOIN bought ON bought.buyer = firsts.whose
    ),
    arms AS
    (
        SELECT
            rule,
            countIf(arm = 'treated') AS treated,
            countIf(arm = 'held_out') AS held_out,
            countIf(arm = 'treated' AND notEmpty(back)) AS treated_back,
            countIf(arm = 'held_out' AND notEmpty(back)) AS held_out_back,
            sumMap(
                back.2,
                arrayMap(one -> if(arm = 'treated', one.3, 0), back),
                arrayMap(one -> if(arm = 'held_out', one.3, 0), back)) AS money
        FROM outcomes
        GROUP BY rule
    )
SELECT
    rule,
    one.1 AS currency,
    treated,
    held_out,
    treated_back,
    held_out_back,
    toDecimal64(one.2, 2) / 100 AS treated_revenue,
    toDecimal64(one.3, 2) / 100 AS held_out_revenue,
    if(treated = 0 OR held_out = 0, NULL,
        (one.2 / treated - one.3 / held_out) * treated / 100) AS value_saved
FROM arms
LEFT ARRAY JOIN arrayZip(money.1, money.2, money.3) AS one
COMMENT 'What churn alarms save: customers of each rule who were spoken to against those who were held out, from the first alarm about each, over 90 days. Only alarms with a hold-out are here. value_saved is the difference of the mean revenue, times the customers spoken to: an estimate, see the intervals of daehwa campaigns.';

CREATE OR REPLACE VIEW daehwa.relationship_flow
(
    day Date COMMENT 'day on which it changed (UTC)',
    from_stage String COMMENT 'relationship stage before',
    to_stage String COMMENT 'relationship stage after',
    changes UInt64 COMMENT 'how often',
    customers UInt64 COMMENT 'of how many customers'
)
AS SELECT
    toDate(changed.occurred_at) AS day,
    JSONExtractString(changed.why, 'from') AS from_stage,
    JSONExtractString(changed.why, 'to') AS to_stage,
    -- Several rules may speak of one change.
    uniqExact((changed.customer_id, JSONExtractString(changed.why, 'message_id'))) AS changes,
    uniqExact(ifNull(nullIf(identities.customer_id, ''), changed.customer_id)) AS customers
FROM
(
    SELECT customer_id, occurred_at, why
    FROM daehwa.triggers_stored
    WHERE type = 'lifecycle.changed'
) AS changed
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = changed.customer_id
GROUP BY day, from_stage, to_stage
COMMENT 'How customers go from one relationship stage to another, by day: the lifecycle.changed triggers, whether they fired or were suppressed.';
