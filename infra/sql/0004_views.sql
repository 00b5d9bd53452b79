-- A merge event says who took whom in: a link only asks, and may be declined. Its message id is
-- merge:VISITOR:CUSTOMER and its key the customer, so its properties, a whole profile, stay unread.
-- A customer who was merged into another one since is followed once.
CREATE OR REPLACE VIEW daehwa.identities AS
WITH merges AS
(
    SELECT
        substring(message_id, 7, length(message_id) - length(profile_key) - 7) AS merged_id,
        argMax(profile_key, received_at) AS merged_into,
        max(occurred_at) AS merged_at
    FROM daehwa.events_stored FINAL
    WHERE type = 'merge' AND hops = 0
    GROUP BY merged_id
)
SELECT
    merges.merged_id AS visitor_id,
    ifNull(nullIf(later.merged_into, ''), merges.merged_into) AS customer_id,
    merges.merged_at AS merged_at
FROM merges
LEFT JOIN merges AS later ON later.merged_id = merges.merged_into;

CREATE OR REPLACE VIEW daehwa.stage_events AS
SELECT
    ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
    happened.topic AS topic,
    splitByChar('/', happened.topic)[1] AS family,
    happened.stage AS stage,
    happened.stage_rank AS stage_rank,
    happened.channel AS channel,
    happened.occurred_at AS occurred_at,
    happened.message_id AS message_id
FROM
(
    SELECT profile_key, channel, occurred_at, message_id, topic, stage, stage_rank
    FROM daehwa.events_stored FINAL
    ARRAY JOIN topics AS topic, stages AS stage, stage_ranks AS stage_rank
) AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key;

CREATE OR REPLACE VIEW daehwa.funnel AS
WITH
    reached AS
    (
        SELECT
            customer_id,
            topic,
            stage,
            max(stage_rank) AS rank,
            count() AS times,
            min(occurred_at) AS first_at
        FROM daehwa.stage_events
        GROUP BY customer_id, topic, stage
    ),
    moved AS
    (
        SELECT
            *,
            row_number() OVER one_dialogue AS turn,
            dateDiff('millisecond', lagInFrame(first_at) OVER one_dialogue, first_at) / 1000
                AS seconds
        FROM reached
        WINDOW one_dialogue AS
        (
            PARTITION BY customer_id, topic ORDER BY first_at, rank
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    )
SELECT
    topic,
    stage,
    max(rank) AS stage_rank,
    count() AS customers,
    sum(times) AS events,
    if(countIf(turn > 1) = 0, NULL, medianExactIf(seconds, turn > 1)) AS median_seconds_before
FROM moved
GROUP BY topic, stage;

CREATE OR REPLACE VIEW daehwa.triggers_by_hour AS
SELECT
    toStartOfHour(occurred_at) AS hour,
    type,
    decision,
    count() AS triggers,
    uniqExact(customer_id) AS customers
FROM daehwa.triggers
GROUP BY hour, type, decision;

CREATE OR REPLACE VIEW daehwa.channel_mix AS
SELECT
    toDate(happened.occurred_at) AS day,
    happened.channel AS channel,
    count() AS events,
    uniqExact(ifNull(nullIf(identities.customer_id, ''), happened.profile_key)) AS customers
FROM daehwa.events AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key
GROUP BY day, channel;
