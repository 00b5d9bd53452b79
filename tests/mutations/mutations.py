"""One small change for each guarantee of `docs/explanation/guarantees.md`, and the tests that must
see it."""

import msgspec


class Mutation(msgspec.Struct, frozen=True):
    """Replaces `old`, which stands in the file once, by `new`."""

    guarantee: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]
    """At least one of them must fail."""


MUTATIONS = (
    Mutation(
        "1 accepted means kept",
        "infra/kafka/producer_connection.py",
        'acks="all"',
        "acks=0",
        ("tests/contract/test_log_writer.py",),
    ),
    Mutation(
        "2 folded once: a message id that is known is a duplicate",
        "streams/fold/fold.py",
        "    if holds(profile.recent, hashed) and not",
        "    if False and holds(profile.recent, hashed) and not",
        ("tests/unit/streams/fold/test_fold_laws.py", "tests/unit/streams/fold/test_golden_log.py"),
    ),
    Mutation(
        "2 folded once: what is below the watermark is skipped",
        "infra/kafka/record_sequence.py",
        "            if offset < expected:\n                continue\n",
        "            if offset < expected:\n                expected = offset\n",
        (
            "tests/unit/infra/kafka/test_record_sequence.py",
            "tests/unit/agents/dialogue/test_partition_folder.py",
        ),
    ),
    Mutation(
        "3 order does not matter",
        "streams/profile/dialogues.py",
        "        at if at < span.first_at else span.first_at,\n",
        "        span.first_at,\n",
        ("tests/unit/streams/fold/test_fold_laws.py",),
    ),
    Mutation(
        "3 a merge is the sum of both",
        "streams/profile/dialogues.py",
        "        one.count + other.count,\n",
        "        max(one.count, other.count),\n",
        ("tests/unit/streams/fold/test_fold_laws.py",),
    ),
    Mutation(
        "4 no decision is lost or doubled: the id is deterministic",
        "streams/policy/decide.py",
        '"\\x1f".join((rule, customer, cause))',
        '"\\x1f".join((rule, customer, cause, str(id(cause))))',
        ("tests/unit/streams/fold/test_golden_log.py",),
    ),
    Mutation(
        "4 triggers are on the log before the state is written",
        "agents/dialogue/partition_folder.py",
        "effects.append(self.partition, batch_fold.triggers, batch.sends, letters)",
        "effects.append(self.partition, [], batch.sends, letters)",
        (
            "tests/unit/agents/dialogue/test_definition_loader.py",
            "tests/unit/agents/dialogue/test_partition_folder.py",
        ),
    ),
    Mutation(
        "5 nothing unreadable is thrown away",
        "agents/dialogue/reading.py",
        "    return Reading(events, letters + _no_events(record, unreadable), adoptions)",
        "    return Reading(events, letters, adoptions)",
        ("tests/unit/agents/dialogue/test_partition_folder.py",),
    ),
    Mutation(
        "5 a fold that always fails stops the partition",
        "agents/dialogue/partition_folder.py",
        "        if exceeded is not None:\n",
        "        if exceeded is not None and not exceeded:\n",
        ("tests/unit/agents/dialogue/test_halting.py",),
    ),
    Mutation(
        "6 state can be rebuilt byte for byte",
        "streams/codec/codec.py",
        'msgspec.msgpack.Encoder(order="deterministic")',
        "msgspec.msgpack.Encoder()",
        (
            "tests/unit/streams/fold/test_fold_laws.py",
            "tests/unit/streams/codec/test_codec.py",
            "tests/unit/streams/fold/test_golden_log.py",
        ),
    ),
    Mutation(
        "7 no trigger without consent",
        "streams/policy/suppression.py",
        "        if not may_speak(profile.consent, channel, purpose):\n",
        "        if profile.consent and not may_speak(profile.consent, channel, purpose):\n",
        ("tests/unit/streams/policy", "tests/unit/streams/fold/test_golden_log.py"),
    ),
    Mutation(
        "7 late events do not revive who was erased",
        "streams/fold/fold.py",
        "    if event.occurred_at <= profile.erased_at:\n",
        "    if event.occurred_at < 0:\n",
        ("tests/unit/streams/privacy/test_erasure.py",),
    ),
    Mutation(
        "3 an order is one purchase: a refund takes back no more than there was",
        "streams/orders/order.py",
        "    return min(total, most)\n",
        "    return total\n",
        ("tests/unit/streams/orders/test_order_laws.py",),
    ),
    Mutation(
        "3 an order is one purchase: an update states the amount later than a copy",
        "streams/orders/order.py",
        'rank = 1 + 2 * (told.step == "updated")',
        "rank = 1 + 0",
        ("tests/unit/streams/orders/test_order_laws.py",),
    ),
    Mutation(
        "5 nothing is silently something else: one mark before three digits is refused",
        "streams/values/numbers.py",
        '        raise ValueError(f"{mark} may group thousands',
        '        return mark\n        raise ValueError(f"{mark} may group thousands',
        ("tests/unit/cases/test_mutated_values.py",),
    ),
)
