-- Control records (which playbook or model is in force from there on) are no events of customers.

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
WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt');

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
WHERE copy = 0 AND type IN ('timer', 'link', 'merge', 'adopt');
