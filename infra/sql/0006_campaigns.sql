-- What a trigger is for: where it goes, on behalf of which campaign, and to which arm.
ALTER TABLE daehwa.triggers_stored
    ADD COLUMN IF NOT EXISTS channel LowCardinality(String) AFTER why,
    ADD COLUMN IF NOT EXISTS endpoint LowCardinality(String) AFTER channel,
    ADD COLUMN IF NOT EXISTS template LowCardinality(String) AFTER endpoint,
    ADD COLUMN IF NOT EXISTS campaign LowCardinality(String) AFTER template,
    ADD COLUMN IF NOT EXISTS arm LowCardinality(String) AFTER campaign,
    ADD COLUMN IF NOT EXISTS priority Int32 AFTER arm,
    ADD COLUMN IF NOT EXISTS playbook LowCardinality(String) AFTER priority;

CREATE OR REPLACE VIEW daehwa.triggers AS
SELECT
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
FROM daehwa.triggers_stored FINAL;

-- The first exposure of each customer, and with it the arm: whoever came into the other arm later
-- (a visitor of one arm who signed in as a customer of the other) stays where they began, because
-- what they did in between may be the effect itself.
CREATE OR REPLACE VIEW daehwa.campaign_exposures AS
SELECT
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
    FROM daehwa.triggers_stored FINAL
    WHERE campaign != ''
        AND ((arm = 'treated' AND decision = 'fire')
            OR (arm = 'held_out' AND suppressed_by = 'holdout'))
) AS exposed
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = exposed.customer_id
GROUP BY campaign, customer_id;

CREATE OR REPLACE VIEW daehwa.suppressed AS
SELECT
    toDate(decided_at) AS day,
    rule,
    suppressed_by,
    channel,
    campaign,
    count() AS triggers,
    uniqExact(customer_id) AS customers
FROM daehwa.triggers
WHERE decision = 'suppressed'
GROUP BY day, rule, suppressed_by, channel, campaign;
