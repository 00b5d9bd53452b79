-- What SQL cannot know of a stage: whether it is the last of its ladder, and within how many
-- milliseconds the case is to be solved (0: no clock), by the playbook the row was archived under.
-- Rows from before this migration, and of an older worker beside it, hold 2: nobody said.
ALTER TABLE daehwa.events_stored
    ADD COLUMN IF NOT EXISTS stage_ends Array(UInt8)
        DEFAULT arrayWithConstant(length(topics), toUInt8(2)) AFTER stage_ranks,
    ADD COLUMN IF NOT EXISTS sla_ms Array(UInt64)
        DEFAULT arrayWithConstant(length(topics), toUInt64(0)) AFTER stage_ends;

-- One row a case; the clock as in streams/triggers/complaint_overdue.py, over the whole history. The
-- events of a dialogue up to and with a last stage are a turn, and a turn that something opens is a
-- case: its first stage opens it; where that was never told up to then, the stage it began with.
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
                happened.stage_end) AS ends
        FROM happened
        LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key
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
            minOrNullIf(occurred_at, ends = 1) AS resolved_at,
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
        now64(3, 'UTC') > due_at, 0,
        NULL) AS in_time,
    dateDiff('millisecond', opened_at, ifNull(resolved_at, greatest(opened_at, now64(3, 'UTC'))))
        / 1000 AS open_seconds
FROM cases;
