"""Every mistake of a playbook at once, each at its line and column, with the word meant."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from infra.cli import app
from infra.playbook.json_schema import PUBLISHED, playbook_schema, schema_text
from infra.playbook.playbook_file import PlaybookError, parse_playbook
from tests.harness.histories import SHOP

WHOLE = """\
version: 1
ladders:
  product: [introduction, details, cart, purchase]
  complaint: [opened, resolved]
match:
  - {event: Product Viewed, topic: "product/{category}", stage: details}
segments:
  loyal:
    if: purchases >= 2 && spend > 100
    describe: bought twice
  talks:
    if: |
      has(channels.call)
        && channels.call > 2
  folded:
    if: >-
      purchases > 1
      && known
relationship:
  regular: purchases >= 3
  advocate: "referrals >= 1"
  dormant: 180d
  blocked: 'has(traits.fraud)'
triggers:
  - name: reached
    when: stage.reached
    topic: product/*
    stages: [cart]
    if: purchases == 0 && stage == "cart"
    then: {channel: email, endpoint: mail, template: hello}
    cap: {at_most: 1, per: 7d}
    priority: 10
    campaign: spring
    expires: 1d
    cooldown: 1h
  - name: in
    when: segment.entered
    segment: loyal
  - name: late
    when: complaint.overdue
    topic: complaint/*
    after: 48h
  - name: moved
    when: lifecycle.changed
    to: [advocate]
  - name: quiet
    when: silence
    after: 60d
policy:
  caps:
    email: {at_most: 2, per: 7d}
  quiet_hours: {begin: 21:00, end: 09:00, zone: Europe/Paris}
  one_offer_per: 7d
  holdout: 0.05
campaigns:
  spring: {conversion: product/*, stages: [purchase], within: 7d, holdout: 0.1}
endpoints:
  mail: {kind: email, sender: "Shop <shop@example.com>"}
  team: {kind: slack, secrets: [DAEHWA_SECRET_TEAM]}
  hook: {kind: webhook, url: "https://example.com/x", secrets: [DAEHWA_SECRET_HOOK]}
templates:
  hello:
    subject: Hello
    text: |
      Hello {{ customer.traits.name }},
      we saw you.
complements:
  product/shoes: [product/socks]
"""


def mistakes_of(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(PlaybookError) as raised:
        parse_playbook(text, "shop.yaml")
    return [(one.line, one.column, one.message) for one in raised.value.mistakes]


def test_the_whole_language_compiles() -> None:
    playbook = parse_playbook(WHOLE, "shop.yaml")
    assert {segment.name: segment.groups for segment in playbook.segments} == {
        "loyal": {"purchases"}, "talks": {"dialogues"}, "folded": {"purchases", "identity"},
    }  # fmt: skip
    assert [segment.name for segment in playbook.segments_by_group["purchases"]] == [
        "loyal",
        "folded",
    ]
    reached = playbook.rules["reached"]
    assert reached.condition is not None
    assert reached.condition.names == {"purchases", "stage"}
    assert (reached.then.endpoint, reached.cap and reached.cap.per) == ("mail", 7 * 86_400_000)
    assert [rule.name for rule in playbook.by_kind["segment.entered"]] == ["in"]
    assert list(playbook.by_place["complaint.overdue"]) == [("complaint", "opened")]
    assert [rule.name for rule in playbook.by_kind["silence"]] == ["quiet"]
    assert [rule.name for rule in playbook.by_kind["lifecycle.changed"]] == ["moved"]
    assert playbook.relationship is not None
    assert playbook.relationship.groups == {"purchases", "referrals", "time", "traits"}
    quiet = playbook.policy.quiet
    assert quiet is not None
    assert (quiet.begin, quiet.end, quiet.zone) == (21 * 60, 9 * 60, "Europe/Paris")
    assert [one.name for one in playbook.conversions["product", "purchase"]] == ["spring"]
    assert playbook.complements == {"product/shoes": ("product/socks",)}


def test_the_version_is_that_of_the_text() -> None:
    playbook, again = parse_playbook(WHOLE, "a"), parse_playbook(WHOLE, "b")
    other = parse_playbook(WHOLE + "# a word more\n", "a")
    assert playbook.version == again.version != other.version
    assert len(playbook.version) == 12


def test_what_nobody_asks_for_is_not_compiled() -> None:
    text = WHOLE.replace("    to: [advocate]\n", "").replace("lifecycle.changed", "churn.risk")
    assert parse_playbook(text, "x").relationship is not None, "the blocked are to be known"
    text = text.replace("  blocked: 'has(traits.fraud)'\n", "")
    assert parse_playbook(text, "x").relationship is None
    text = text.replace("purchases >= 2 &&", 'relationship == "regular" &&')
    playbook = parse_playbook(text, "x")
    assert playbook.relationship is not None
    assert playbook.segments[0].groups == {"purchases", "referrals", "time"}


@pytest.mark.parametrize(
    ("right", "wrong", "line", "column", "says"),
    [
        ("spend > 100", "spnd > 100", 9, 27, "did you mean 'spend'"),
        ("purchases >= 2 &&", "purchases >= 2 and", 9, 24, "CEL writes &&"),
        ("purchases >= 2 && spend > 100", "spend", 9, 9, "gives 99.5, not true or false"),
        ("purchases >= 2 && spend > 100", "spend + purchases > 1.0", 9, 9, "double(purchases)"),
        ("purchases >= 2 && spend > 100", "purchases > '2'", 9, 9, "overload"),
        ("purchases >= 2 && spend > 100", "topics[0].matches('(')", 9, 9, "regex"),
        ("purchases >= 2 && spend > 100", "stage == 'cart'", 9, 9, "only a trigger's `if`"),
        ("purchases >= 2 && spend > 100", "known && 'a' in segments", 9, 25, "ask for segments"),
        ("channels.call > 2", "chanels.call > 2", 14, 12, "did you mean 'channels'"),
        ("channels.call > 2", "channels.call >", 14, 27, "it ends too early"),
        ("      && known", "      && knwon", 18, 10, "did you mean 'known'"),
        ("referrals >= 1", "refferals >= 1", 21, 14, "did you mean 'referrals'"),
        ("regular: purchases", "regular: relationship == 'x' && purchases", 20, 12, "for itself"),
        ("regular: purchases", "reglar: purchases", 20, 3, "did you mean 'regular'"),
        ("180d", "half a year", 22, 12, "is not a duration"),
        ("has(traits.fraud)", "haz(traits.fraud)", 23, 13, "did you mean 'has'"),
        ("180d", "1000000001w", 22, 12, "longer than 1000000000w"),
        ("180d", "9" * 50 + "w", 22, 12, "longer than 1000000000w"),
        ("name: reached\n", 'name: "cart\\ud83d"\n', 25, 5, "holds half a character"),
        ("when: stage.reached", "when: stage.reach", 26, 11, "did you mean 'stage.reached'"),
        ("stages: [cart]", "stages: [crat]", 28, 14, "did you mean 'cart'"),
        ('stage == "cart"', 'staeg == "cart"', 29, 27, "did you mean 'stage'"),
        ("template: hello", "template: helo", 30, 54, "did you mean 'hello'"),
        ("endpoint: mail", "endpoint: mial", 30, 38, "did you mean 'mail'"),
        ("channel: email, ", "chanel: email, ", 30, 12, "did you mean 'channel'"),
        (", template: hello}", "}", 30, 11, "mail is written from a template"),
        ("at_most: 1", "at_most: 0", 31, 20, "write 1 to 64"),
        ("at_most: 1", "at_most: 65", 31, 20, "write 1 to 64"),
        ("at_most: 1", "at_most: one", 31, 20, "at_most is to be a number, not text ('one')"),
        ("1, per: 7d", "1, per: 0d", 31, 28, "more than 0"),
        ("campaign: spring", "campaign: sprnig", 33, 15, "did you mean 'spring'"),
        ("segment: loyal", "segment: loyl", 38, 14, "did you mean 'loyal'"),
        ("    segment: loyal\n", "", 36, 5, "needs a `segment`"),
        ("segment: loyal", "segment: loyal\n    after: 1d", 39, 12, "means nothing in a segment"),
        ("    after: 48h\n", "", 39, 5, "for example after: 48h"),
        ("[advocate]", "[advocat]", 45, 10, "did you mean 'advocate'"),
        ("after: 60d", "after: 0s", 48, 12, "more than 0"),
        ("    email: {", "    emial: {", 51, 12, "did you mean 'email'"),
        ("begin: 21:00", "begin: 25:00", 52, 24, "'25:00' is no time of day"),
        ("Europe/Paris", "Europe/Pariss", 52, 49, "did you mean 'Europe/Paris'"),
        ("end: 09:00", "end: 21:00", 52, 16, "begins when it ends"),
        ("holdout: 0.05", "holdout: 5", 54, 12, "a tenth"),
        ("conversion: product/*", "conversion: prodct/*", 56, 24, "did you mean 'product'"),
        ("[purchase]", "[purchas]", 56, 44, "did you mean 'purchase'"),
        ("[purchase]", "[]", 56, 43, "name the stages"),
        ('email, sender: "Shop <shop@example.com>"', "email", 58, 9, "needs its `sender`"),
        ("kind: slack", "kind: slac", 59, 16, "did you mean 'slack'"),
        ("DAEHWA_SECRET_TEAM", "TEAM_URL", 59, 33, "DAEHWA_SECRET_"),
        ('url: "https://example.com/x"', "url: example.com", 60, 30, "begins with https://"),
        ('url: "https://example.com/x", ', "", 60, 9, "needs its `url`"),
        ("customer.traits.name }},", "customer.traits.name },", 65, 7, "is not a template"),
        ("customer.traits.name }}", "customer.traits.name | shuot }}", 65, 7, "shuot"),
        ("[product/socks]", "[prodct/socks]", 68, 19, "did you mean 'product'"),
        ("[product/socks]", "[product/shoes]", 68, 19, "does not complement itself"),
        ("  loyal:", "  lo|yal:", 9, 5, "without |"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_is(
    right: str, wrong: str, line: int, column: int, says: str
) -> None:
    assert WHOLE.count(right) == 1, right
    found = mistakes_of(WHOLE.replace(right, wrong))
    assert any(one[:2] == (line, column) and says in one[2] for one in found), found


def test_all_mistakes_are_told_in_the_order_of_the_file() -> None:
    text = WHOLE
    for right, wrong in (
        ("stage: details", "stage: detials"), ("spend > 100", "spnd > 100"),
        ("stages: [cart]", "stages: [crat]"), ("priority: 10", "prioriti: 10"),
        ("segment: loyal", "segment: loyl"), ("zone: Europe/Paris", "zone: Europe/Pariss"),
        ("kind: slack", "kind: slac"), ("{{ customer", "{{ % customer"),
    ):  # fmt: skip
        text = text.replace(right, wrong)
    assert [line for line, _, _ in mistakes_of(text)] == [6, 9, 28, 32, 38, 52, 59, 65]


def test_what_only_follows_from_a_mistake_is_not_told() -> None:
    text = WHOLE.replace("kind: email, sender", "knid: email, sender")
    assert [line for line, _, _ in mistakes_of(text)] == [58, 58]
    text = WHOLE.replace("    if: purchases >= 2 && spend > 100\n", "")
    assert [(line, said) for line, _, said in mistakes_of(text)] == [
        (9, "missing required field `if`")
    ]


def test_times_and_dates_are_read_as_editors_read_them() -> None:
    """YAML 1.1 takes 21:30 for 1290."""
    playbook = parse_playbook(WHOLE.replace("21:00", "21:30"), "x")
    assert playbook.policy.quiet is not None
    assert playbook.policy.quiet.begin == 21 * 60 + 30


def test_the_published_schema_is_the_one_of_the_structs() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), (
        "daehwa playbook schema > infra/playbooks/playbook.schema.json"
    )


def test_the_schema_knows_right_from_wrong() -> None:
    check = jsonschema.Draft202012Validator(playbook_schema())
    check.check_schema(playbook_schema())
    # An editor reads 21:00 as the text it is.
    whole = yaml.safe_load(WHOLE.replace("21:00", "'21:00'").replace("09:00", "'09:00'"))
    assert list(check.iter_errors(whole)) == []
    assert list(check.iter_errors(yaml.safe_load(SHOP.read_text(encoding="utf-8")))) == []
    for wrong in (
        {"after": "3 days"}, {"when": "stage.reach"}, {"aftr": "3d"}, {"priority": "high"},
    ):  # fmt: skip
        changed = {**whole, "triggers": [{**whole["triggers"][0], **wrong}]}
        assert list(check.iter_errors(changed)), wrong


def test_every_field_of_the_schema_says_what_it_is() -> None:
    parts = playbook_schema()["$defs"]
    assert "CEL" in parts["Segment"]["properties"]["if"]["description"]
    assert "duration" in parts["Cap"]["properties"]["per"]["description"]


def test_check_prints_each_mistake_on_its_line(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(WHOLE.replace("spend > 100", "spnd > 100").replace("60d", "60 d d"))
    told = CliRunner().invoke(app, ["playbook", "check", str(path)])
    assert told.exit_code == 2
    assert [line.partition(": ")[0] for line in told.stderr.splitlines()] == [
        f"{path}:9:27", f"{path}:48:12",
    ]  # fmt: skip
    told = CliRunner().invoke(app, ["playbook", "check", str(path), "--json"])
    found = json.loads(told.stdout)
    assert [(one["line"], one["column"]) for one in found["mistakes"]] == [(9, 27), (48, 12)]


def test_check_counts_and_says_what_nobody_uses(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(WHOLE)
    told = CliRunner().invoke(app, ["playbook", "check", str(path)])
    assert told.exit_code == 0
    first, *notes = told.stdout.splitlines()
    assert first.startswith(f"{path}: in order, 5 triggers, 3 segments, version ")
    assert "note: no trigger acts on the segment 'talks'" in notes
    assert "note: no trigger uses the endpoint 'hook'" in notes
    told = CliRunner().invoke(app, ["playbook", "schema"])
    assert told.stdout == schema_text()
