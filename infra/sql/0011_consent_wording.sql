-- Statements of consent as the fold reads them (streams/consent/wording.py): a value that is not a
-- known yes is a no, an empty one states nothing, and a name has one form.
CREATE OR REPLACE VIEW daehwa.consents AS
WITH
    found AS
    (
        SELECT
            profile_key, channel, operator, source, occurred_at, message_id,
            multiIf(
                type IN ('identify', 'contact') AND JSONType(properties, 'consent') = 'Object',
                arrayFlatten(arrayMap(
                    pair -> if(
                        startsWith(pair.2, '{'),
                        arrayMap(
                            inner -> (concat(pair.1, ':', inner.1), inner.2),
                            JSONExtractKeysAndValuesRaw(pair.2)),
                        [(pair.1, pair.2)]),
                    JSONExtractKeysAndValuesRaw(properties, 'consent'))),
                type IN ('identify', 'contact') AND JSONHas(properties, 'consent'),
                [('all', JSONExtractRaw(properties, 'consent'))],
                type = 'track' AND lower(name) IN ('unsubscribed', 'unsubscribe'),
                [('all', 'false')],
                []) AS said,
            arrayMap(
                pair -> (concat(if(channel IN ('web', 'app'), channel, 'web'), ':', pair.1), pair.2),
                arrayConcat(
                    JSONExtractKeysAndValuesRaw(context, 'consent', 'categoryPreferences'),
                    arrayFilter(
                        pair -> pair.1 IN (
            'ad_personalization', 'ad_storage', 'ad_user_data', 'analytics_storage',
            'functionality_storage', 'personalization_storage', 'security_storage'),
                        JSONExtractKeysAndValuesRaw(context, 'consent')))) AS banner
        FROM daehwa.events
        WHERE (type IN ('identify', 'contact') AND JSONHas(properties, 'consent'))
            OR lower(name) IN ('unsubscribed', 'unsubscribe')
            OR JSONHas(context, 'consent')
    ),
    worded AS
    (
        SELECT
            profile_key, channel, operator, source, occurred_at, message_id,
            arrayStringConcat(
                arrayMap(
                    part -> transform(
                        replaceAll(replaceRegexpAll(replaceRegexpAll(part, '([\\pL\\pN_])[\\s_./\'-]+([\\pL\\pN_])', '\\1\\2'), '([\\pL\\pN_])[\\s_./\'-]+([\\pL\\pN_])', '\\1\\2'), '_', ''),
                        ['email', 'phone', 'telephone'], ['email', 'call', 'call'], part),
                    arrayMap(
                        part -> trim(lowerUTF8(normalizeUTF8NFKC(part))),
                        splitByChar(':', statement.1))),
                ':') AS about,
            trim(lowerUTF8(normalizeUTF8NFKC(
                if(startsWith(statement.2, '"'), JSONExtractString(statement.2), statement.2))))
                AS value
        FROM
        (
            SELECT profile_key, channel, operator, source, occurred_at, message_id,
                arrayJoin(arrayConcat(said, banner)) AS statement
            FROM found
        )
        WHERE value NOT IN ('', '[]', '{}')
    )
SELECT
    ifNull(nullIf(identities.customer_id, ''), worded.profile_key) AS customer_id,
    worded.about AS about,
    toBool(ifNull(
        toFloat64OrNull(worded.value) = 1,
        replaceAll(replaceRegexpAll(replaceRegexpAll(worded.value, '([\\pL\\pN_])[\\s_./\'-]+([\\pL\\pN_])', '\\1\\2'), '([\\pL\\pN_])[\\s_./\'-]+([\\pL\\pN_])', '\\1\\2'), '_', '') IN (
            '1', 'accept', 'accepted', 'active', 'agree', 'agreed', 'allow', 'allowed',
            'confirmed', 'consented', 'doubleoptin', 'enabled', 'given', 'grant',
            'granted', 'ok', 'on', 'optedin', 'optin', 'permitted', 'subscribe',
            'subscribed', 't', 'true', 'y', 'yes', '네', '동의', '동의함', '수신', '수신동의', '예',
            '허용'))) AS granted,
    worded.occurred_at AS occurred_at,
    worded.channel AS channel,
    worded.operator AS operator,
    worded.source AS source,
    worded.message_id AS message_id
FROM worded
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = worded.profile_key;
