-- Comments of tables, views and columns, where clients show them: the words of docs/reference/sql.md.
-- `CREATE OR REPLACE VIEW` loses them: a later migration that replaces a view says them again.

ALTER TABLE daehwa.events
    COMMENT COLUMN message_id 'the sender\'s id of the event; the same on every retry',
    COMMENT COLUMN type 'track, page, screen, identify, alias, group or contact',
    COMMENT COLUMN channel 'where it happened: web, call, email, letter, store, …',
    COMMENT COLUMN name 'name of a track event, code of a contact; else empty',
    COMMENT COLUMN profile_key 'who sent it: the user id, else the anonymous id',
    COMMENT COLUMN user_id 'as sent; empty where there was none',
    COMMENT COLUMN anonymous_id 'as sent; empty where there was none',
    COMMENT COLUMN previous_id 'of an alias event',
    COMMENT COLUMN direction 'inbound or outbound contact; else empty',
    COMMENT COLUMN operator 'who handled a contact',
    COMMENT COLUMN outcome 'how a contact ended',
    COMMENT COLUMN topics 'the topics the playbook found in it when it was archived',
    COMMENT COLUMN stages 'the stage of each topic, in the same order',
    COMMENT COLUMN properties 'properties or traits: the JSON as it was sent',
    COMMENT COLUMN context 'context: the JSON as it was sent',
    COMMENT COLUMN value 'total of an order that the event says was placed; else 0. A copy says it again: daehwa.orders has each order once',
    COMMENT COLUMN currency 'of value, ISO 4217; empty where none was given',
    COMMENT COLUMN occurred_at 'when it happened, corrected for the sender\'s clock',
    COMMENT COLUMN received_at 'when it was first received',
    COMMENT COLUMN sent_at 'when it was sent, by the sender\'s clock',
    COMMENT COLUMN source 'the site or system, by its write key',
    COMMENT COLUMN log_id 'identity of the Kafka topic it came from',
    COMMENT COLUMN log_partition 'its partition there',
    COMMENT COLUMN log_offset 'its record\'s offset there',
    COMMENT COLUMN archived_at 'when it was stored here';
ALTER TABLE daehwa.events MODIFY COMMENT 'Each event that was sent, once.';

ALTER TABLE daehwa.stage_events
    COMMENT COLUMN customer_id 'the customer, once known, else the visitor',
    COMMENT COLUMN topic 'such as product/shoes',
    COMMENT COLUMN family 'the part of the topic before the first slash',
    COMMENT COLUMN stage 'stage the event brought the dialogue to',
    COMMENT COLUMN stage_rank 'how far the stage is on its ladder, from 0',
    COMMENT COLUMN channel 'where it happened',
    COMMENT COLUMN occurred_at 'when it happened',
    COMMENT COLUMN message_id 'of the event',
    COMMENT COLUMN order_key 'the order of the event, as in daehwa.orders; empty without one';
ALTER TABLE daehwa.stage_events MODIFY COMMENT 'One row for each topic and stage of each event: the base of the funnel, for any time span.';

ALTER TABLE daehwa.stage_exits
    COMMENT COLUMN customer_id 'the customer, once known, else the visitor',
    COMMENT COLUMN topic 'such as product/shoes; product/* for every topic of the family',
    COMMENT COLUMN family 'the part of the topic before the first slash',
    COMMENT COLUMN stage 'the stage that was left',
    COMMENT COLUMN channel 'where it happened',
    COMMENT COLUMN occurred_at 'when it happened',
    COMMENT COLUMN message_id 'of the event';
ALTER TABLE daehwa.stage_exits MODIFY COMMENT 'One row for each stage that an event took a dialogue out of: a product out of a cart, a complaint withdrawn.';

ALTER TABLE daehwa.orders
    COMMENT COLUMN customer_id 'the customer, once known, else the visitor',
    COMMENT COLUMN shop 'the shop of the order number: the source, or what orders.shops of the playbook calls it; empty without one',
    COMMENT COLUMN order_id 'as sent; empty for an order without an id',
    COMMENT COLUMN order_key 'shop and id together: one order of the customer',
    COMMENT COLUMN placed_at 'first time it was said to be placed; NULL while only an update, a refund or a cancellation is known',
    COMMENT COLUMN cancelled_at 'first time it was said to be cancelled; NULL if never',
    COMMENT COLUMN currency 'ISO 4217; empty where none was given',
    COMMENT COLUMN total_hundredths 'the amount as last stated, in hundredths of the currency; less than 0 for a credit note',
    COMMENT COLUMN refunded_hundredths 'given back of it, at most all of it',
    COMMENT COLUMN counts '1: placed and not cancelled',
    COMMENT COLUMN net_hundredths 'total less refunds of an order that counts, else 0',
    COMMENT COLUMN total 'total_hundredths in units of the currency',
    COMMENT COLUMN refunded 'refunded_hundredths in units of the currency',
    COMMENT COLUMN net 'net_hundredths in units of the currency',
    COMMENT COLUMN status 'placed, partly_refunded, refunded, cancelled or unknown (never placed)',
    COMMENT COLUMN copies 'events that said it was placed';
ALTER TABLE daehwa.orders MODIFY COMMENT 'Each order once, whatever order its copies, updates, refunds and its cancellation came in; an order without an id is one for each event. Read money here: daehwa.events.value is what one event said, and a reloaded page says it twice.';

ALTER TABLE daehwa.funnel
    COMMENT COLUMN topic 'such as product/shoes',
    COMMENT COLUMN stage 'a stage of it',
    COMMENT COLUMN stage_rank 'how far the stage is on its ladder, from 0; order by it',
    COMMENT COLUMN customers 'customers that reached the stage',
    COMMENT COLUMN events 'events that brought them there',
    COMMENT COLUMN median_seconds_before 'median time from the stage the customer reached before it, to it; NULL where nobody came from another stage';
ALTER TABLE daehwa.funnel MODIFY COMMENT 'How many customers reached each stage of each topic, and how long it took them.';

ALTER TABLE daehwa.complaints
    COMMENT COLUMN customer_id 'the customer, once known, else the visitor',
    COMMENT COLUMN topic 'such as complaint/delivery',
    COMMENT COLUMN opened_at 'first time at the first stage of the ladder; where that was never told, at the stage the dialogue began with',
    COMMENT COLUMN acknowledged_at 'first stage between opening and solution; NULL where there was none',
    COMMENT COLUMN resolved_at 'last stage of the ladder; NULL while it is open',
    COMMENT COLUMN sla_ms 'within how many milliseconds it is to be solved; NULL: no clock',
    COMMENT COLUMN due_at 'when the clock runs out; NULL: no clock',
    COMMENT COLUMN in_time '1: solved by due_at; 0: solved later, or still open after it; NULL: open and not due yet, withdrawn, or no clock',
    COMMENT COLUMN open_seconds 'from the opening to the solution or the withdrawal, or until now',
    COMMENT COLUMN withdrawn_at 'when the customer withdrew it: the dialogue left the stage that opens a case; NULL if not';
ALTER TABLE daehwa.complaints MODIFY COMMENT 'Each case once: everything in a dialogue about a complaint, from what opened it to what solved it, by the times the events carry. A case that is opened again after it was solved is another case. Topics other than complaint/… are here from the moment the playbook gives them a clock (complaint.overdue).';

ALTER TABLE daehwa.triggers
    COMMENT COLUMN id 'deterministic: rule, customer and cause',
    COMMENT COLUMN type 'stage.reached, stage.stalled, silence, churn.risk, offer.next, complaint.overdue, segment.entered, segment.left, lifecycle.changed or screen.pop',
    COMMENT COLUMN rule 'name of the trigger in the playbook',
    COMMENT COLUMN customer_id 'key of the profile it is about',
    COMMENT COLUMN topic 'topic it is about; empty where it is about none',
    COMMENT COLUMN stage 'stage it is about; empty where it is about none',
    COMMENT COLUMN occurred_at 'when what caused it happened',
    COMMENT COLUMN decided_at 'when it was decided, by the time the events carry',
    COMMENT COLUMN decision 'fire or suppressed',
    COMMENT COLUMN suppressed_by 'what suppressed it; empty where it fired',
    COMMENT COLUMN reason 'in words',
    COMMENT COLUMN why 'the figures behind the reason, JSON',
    COMMENT COLUMN log_id 'identity of the Kafka topic it came from',
    COMMENT COLUMN log_partition 'its partition there',
    COMMENT COLUMN log_offset 'its offset there',
    COMMENT COLUMN archived_at 'when it was stored here',
    COMMENT COLUMN channel 'on which the customer is spoken to; empty where only systems and staff are told',
    COMMENT COLUMN endpoint 'of the playbook, where it goes; empty for the webhook of the settings',
    COMMENT COLUMN template 'of the playbook, what is written',
    COMMENT COLUMN campaign 'the campaign it belongs to; empty where it belongs to none',
    COMMENT COLUMN arm 'of a campaign: treated (spoken to) or held_out (kept to compare with)',
    COMMENT COLUMN priority 'among triggers of one channel and one event',
    COMMENT COLUMN playbook 'version of the playbook that decided';
ALTER TABLE daehwa.triggers MODIFY COMMENT 'Each decision, once.';

ALTER TABLE daehwa.suppressed
    COMMENT COLUMN day 'day on which it was decided (UTC)',
    COMMENT COLUMN rule 'name of the trigger in the playbook',
    COMMENT COLUMN suppressed_by 'what suppressed it',
    COMMENT COLUMN channel 'on which the customer would have been spoken to; else empty',
    COMMENT COLUMN campaign 'the campaign it belongs to; else empty',
    COMMENT COLUMN triggers 'how many decisions',
    COMMENT COLUMN customers 'about how many customers';
ALTER TABLE daehwa.suppressed MODIFY COMMENT 'Decisions that policy held back, by day, rule and reason. The reason is no_consent, cooldown, holdout and so on, as in triggers.suppressed_by.';

ALTER TABLE daehwa.campaign_exposures
    COMMENT COLUMN campaign 'name of the campaign in the playbook',
    COMMENT COLUMN arm 'treated or held_out, at the first exposure',
    COMMENT COLUMN customer_id 'the customer, once known, else the visitor',
    COMMENT COLUMN first_exposed_at 'when the first of the triggers was decided',
    COMMENT COLUMN trigger_id 'of that trigger',
    COMMENT COLUMN playbook 'version of the playbook that decided it',
    COMMENT COLUMN exposures 'triggers of the campaign that fired or were held out',
    COMMENT COLUMN crossed '1: a later exposure fell into the other arm; the customer stays in the first';
ALTER TABLE daehwa.campaign_exposures MODIFY COMMENT 'The customers of each campaign, with the first time each was spoken to, or would have been and was held out.';

ALTER TABLE daehwa.triggers_by_hour
    COMMENT COLUMN hour 'start of the hour in which the causes happened',
    COMMENT COLUMN type 'of the trigger',
    COMMENT COLUMN decision 'fire or suppressed',
    COMMENT COLUMN triggers 'how many',
    COMMENT COLUMN customers 'about how many customers';
ALTER TABLE daehwa.triggers_by_hour MODIFY COMMENT 'Triggers by hour, type and decision.';

ALTER TABLE daehwa.channel_mix
    COMMENT COLUMN day 'day on which it happened (UTC)',
    COMMENT COLUMN channel 'where it happened',
    COMMENT COLUMN events 'how many',
    COMMENT COLUMN customers 'of how many customers';
ALTER TABLE daehwa.channel_mix MODIFY COMMENT 'How much happened on each channel, by day.';

ALTER TABLE daehwa.identities
    COMMENT COLUMN visitor_id 'anonymous or previous id',
    COMMENT COLUMN customer_id 'the customer it was merged into',
    COMMENT COLUMN merged_at 'when what showed it happened';
ALTER TABLE daehwa.identities MODIFY COMMENT 'Which visitor turned out to be which customer.';

ALTER TABLE daehwa.dead_letters
    COMMENT COLUMN id 'deterministic: the bytes and where they came from',
    COMMENT COLUMN reason 'unreadable, invalid_event, no_identity, too_large, forward_loop, fold_failed, profile_unreadable or archive_refused',
    COMMENT COLUMN detail 'what exactly is wrong',
    COMMENT COLUMN origin 'where it was dead, see dead-letters.md',
    COMMENT COLUMN at 'when it was found',
    COMMENT COLUMN payload 'the bytes as they came',
    COMMENT COLUMN batch 'what the batch it came in said for all of its items: JSON of sentAt and context',
    COMMENT COLUMN state 'open, replayed or discarded',
    COMMENT COLUMN state_at 'when it was last replayed, discarded, or tried in vain',
    COMMENT COLUMN state_by 'by whom',
    COMMENT COLUMN state_detail 'why it stayed open, or was discarded',
    COMMENT COLUMN log_id 'identity of the Kafka topic it came from',
    COMMENT COLUMN log_partition 'its partition there',
    COMMENT COLUMN log_offset 'its offset there',
    COMMENT COLUMN archived_at 'when it was stored here';
ALTER TABLE daehwa.dead_letters MODIFY COMMENT 'What could not be folded or archived, kept whole.';

ALTER TABLE daehwa.consents
    COMMENT COLUMN customer_id 'the customer, also where a visitor said so who was merged into them',
    COMMENT COLUMN about 'all, a channel, or either with a purpose: email:marketing',
    COMMENT COLUMN granted 'whether the customer said yes',
    COMMENT COLUMN occurred_at 'when it was stated',
    COMMENT COLUMN channel 'where it was stated',
    COMMENT COLUMN operator 'who wrote it down',
    COMMENT COLUMN source 'the site or system it came by',
    COMMENT COLUMN message_id 'of the event that states it';
ALTER TABLE daehwa.consents MODIFY COMMENT 'Every statement of consent, as it was made. Of each customer and about the last by occurred_at is what the fold goes by.';

ALTER TABLE daehwa.data_quality
    COMMENT COLUMN day 'of the receipt (UTC)',
    COMMENT COLUMN source 'the site or system',
    COMMENT COLUMN check 'what was found, see privacy and quality',
    COMMENT COLUMN events 'in which it was found',
    COMMENT COLUMN customers 'whose they are',
    COMMENT COLUMN examples 'up to three message ids';
ALTER TABLE daehwa.data_quality MODIFY COMMENT 'What is doubtful in what came in, by day of receipt. Nothing is thrown away for it; privacy.md says what each check finds.';

ALTER TABLE daehwa.internal_events
    COMMENT COLUMN message_id 'deterministic',
    COMMENT COLUMN type 'timer, link, merge, adopt or erase',
    COMMENT COLUMN name 'of a timer: its kind; of an adoption: playbook, model.churn',
    COMMENT COLUMN profile_key 'the profile it is for',
    COMMENT COLUMN properties 'its fields, JSON',
    COMMENT COLUMN occurred_at 'when it happened, corrected for the sender\'s clock',
    COMMENT COLUMN received_at 'when it was appended',
    COMMENT COLUMN log_id 'identity of the Kafka topic it came from',
    COMMENT COLUMN log_partition 'its partition there',
    COMMENT COLUMN log_offset 'its record\'s offset there',
    COMMENT COLUMN archived_at 'when it was stored here';
ALTER TABLE daehwa.internal_events MODIFY COMMENT 'What Daehwa appended to the log itself: timer (a deadline came), link and merge (a visitor turned out to be a customer), adopt (from here on another playbook or model is in force), erase (everything of this profile up to then was erased; it stays so that it stays erased).';

ALTER TABLE daehwa.events_stored
    COMMENT COLUMN message_id 'the sender\'s id of the event; the same on every retry',
    COMMENT COLUMN type 'track, page, screen, identify, alias, group or contact',
    COMMENT COLUMN channel 'where it happened: web, call, email, letter, store, …',
    COMMENT COLUMN name 'name of a track event, code of a contact; else empty',
    COMMENT COLUMN profile_key 'who sent it: the user id, else the anonymous id',
    COMMENT COLUMN addressed_to 'the profile the record named as its own; empty where the ids say it',
    COMMENT COLUMN user_id 'as sent; empty where there was none',
    COMMENT COLUMN anonymous_id 'as sent; empty where there was none',
    COMMENT COLUMN previous_id 'of an alias event',
    COMMENT COLUMN direction 'inbound or outbound contact; else empty',
    COMMENT COLUMN operator 'who handled a contact',
    COMMENT COLUMN outcome 'how a contact ended',
    COMMENT COLUMN topics 'the topics the playbook found in it when it was archived',
    COMMENT COLUMN stages 'the stage of each topic, in the same order',
    COMMENT COLUMN stage_ranks 'how far each stage is on its ladder, from 0',
    COMMENT COLUMN stage_ends '1: the stage is the last of its ladder, 0: it is not, 2: not known, archived before this column was',
    COMMENT COLUMN sla_ms 'within how many milliseconds a case of each topic is to be solved, see daehwa.complaints; 0: no clock',
    COMMENT COLUMN properties 'properties or traits: the JSON as it was sent',
    COMMENT COLUMN context 'context: the JSON as it was sent',
    COMMENT COLUMN findings 'what is doubtful about it, see daehwa.data_quality',
    COMMENT COLUMN value_hundredths 'total of an order in hundredths of its currency',
    COMMENT COLUMN currency 'of value, ISO 4217; empty where none was given',
    COMMENT COLUMN left_topics 'topics that left a stage, see daehwa.stage_exits',
    COMMENT COLUMN left_stages 'the stage that each of them left',
    COMMENT COLUMN order_step 'what the event tells of an order: placed, updated, cancelled, refunded; else empty',
    COMMENT COLUMN order_key 'shop and id of the order; empty without an id',
    COMMENT COLUMN order_amount 'hundredths that the step states; of a refund -1 is everything, -4611686018427387904 says that none was stated',
    COMMENT COLUMN order_currency 'of order_amount; empty where none was given',
    COMMENT COLUMN refund_key 'the refund among those of its order: its id, else a hash of what it gives back and of its day',
    COMMENT COLUMN occurred_at 'when it happened, corrected for the sender\'s clock',
    COMMENT COLUMN received_at 'when it was first received',
    COMMENT COLUMN sent_at 'when it was sent, by the sender\'s clock',
    COMMENT COLUMN source 'the site or system, by its write key',
    COMMENT COLUMN hops 'how often it was forwarded between merged profiles',
    COMMENT COLUMN copy 'the same as hops: a forwarded copy is a row of its own, which the views leave out',
    COMMENT COLUMN log_id 'identity of the Kafka topic it came from',
    COMMENT COLUMN log_partition 'its partition there',
    COMMENT COLUMN log_offset 'its record\'s offset there',
    COMMENT COLUMN log_index 'its place in its record, from 0',
    COMMENT COLUMN archived_at 'when it was stored here',
    COMMENT COLUMN receipt 'greatest for the first receipt, which is the one that stays';
ALTER TABLE daehwa.events_stored MODIFY COMMENT 'Every row of the log\'s events as it was archived: read daehwa.events.';

ALTER TABLE daehwa.triggers_stored
    COMMENT COLUMN id 'deterministic: rule, customer and cause',
    COMMENT COLUMN type 'stage.reached, stage.stalled, silence, churn.risk, offer.next, complaint.overdue, segment.entered, segment.left, lifecycle.changed or screen.pop',
    COMMENT COLUMN rule 'name of the trigger in the playbook',
    COMMENT COLUMN customer_id 'key of the profile it is about',
    COMMENT COLUMN topic 'topic it is about; empty where it is about none',
    COMMENT COLUMN stage 'stage it is about; empty where it is about none',
    COMMENT COLUMN occurred_at 'when what caused it happened',
    COMMENT COLUMN decided_at 'when it was decided, by the time the events carry',
    COMMENT COLUMN decision 'fire or suppressed',
    COMMENT COLUMN suppressed_by 'what suppressed it; empty where it fired',
    COMMENT COLUMN reason 'in words',
    COMMENT COLUMN why 'the figures behind the reason, JSON',
    COMMENT COLUMN channel 'on which the customer is spoken to; empty where only systems and staff are told',
    COMMENT COLUMN endpoint 'of the playbook, where it goes; empty for the webhook of the settings',
    COMMENT COLUMN template 'of the playbook, what is written',
    COMMENT COLUMN campaign 'the campaign it belongs to; empty where it belongs to none',
    COMMENT COLUMN arm 'of a campaign: treated (spoken to) or held_out (kept to compare with)',
    COMMENT COLUMN priority 'among triggers of one channel and one event',
    COMMENT COLUMN playbook 'version of the playbook that decided',
    COMMENT COLUMN log_id 'identity of the Kafka topic it came from',
    COMMENT COLUMN log_partition 'its partition there',
    COMMENT COLUMN log_offset 'its offset there',
    COMMENT COLUMN archived_at 'when it was stored here',
    COMMENT COLUMN receipt 'greatest for the first decision, which is the one that stays';
ALTER TABLE daehwa.triggers_stored MODIFY COMMENT 'Every row of the log\'s triggers as it was archived: read daehwa.triggers.';

ALTER TABLE daehwa.dead_letters_stored
    COMMENT COLUMN id 'deterministic: the bytes and where they came from',
    COMMENT COLUMN reason 'unreadable, invalid_event, no_identity, too_large, forward_loop, fold_failed, profile_unreadable or archive_refused',
    COMMENT COLUMN detail 'what exactly is wrong',
    COMMENT COLUMN origin 'where it was dead, see dead-letters.md',
    COMMENT COLUMN at 'when it was found',
    COMMENT COLUMN payload 'the bytes as they came',
    COMMENT COLUMN batch 'what the batch it came in said for all of its items: JSON of sentAt and context',
    COMMENT COLUMN log_id 'identity of the Kafka topic it came from',
    COMMENT COLUMN log_partition 'its partition there',
    COMMENT COLUMN log_offset 'its offset there',
    COMMENT COLUMN archived_at 'when it was stored here',
    COMMENT COLUMN receipt 'greatest for the first find, which is the one that stays';
ALTER TABLE daehwa.dead_letters_stored MODIFY COMMENT 'Every row of the log\'s dead letters as it was archived: read daehwa.dead_letters.';

ALTER TABLE daehwa.dead_letter_outcomes
    COMMENT COLUMN id 'the letter\'s',
    COMMENT COLUMN state 'open (tried in vain), replayed or discarded',
    COMMENT COLUMN at 'when',
    COMMENT COLUMN by 'who',
    COMMENT COLUMN detail 'why it stayed open, or was discarded';
ALTER TABLE daehwa.dead_letter_outcomes MODIFY COMMENT 'What became of dead letters; a letter without a row is open, of several rows the latest counts.';

ALTER TABLE daehwa.migrations
    COMMENT COLUMN name 'file in infra/sql',
    COMMENT COLUMN checksum 'SHA-256 of its text: a file that was applied never changes',
    COMMENT COLUMN applied_at 'when';
ALTER TABLE daehwa.migrations MODIFY COMMENT 'The files of infra/sql that were applied.';
