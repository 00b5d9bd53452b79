"""Addresses that are refused, pauses, circuits, links that cannot be made up, and mails."""

from ipaddress import ip_address

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.endpoint_limiter import AT_ONCE, EndpointLimiter
from infra.delivery import addresses
from infra.delivery.addresses import is_public
from infra.delivery.circuit import NEW, OPENS_AFTER, after_failure, disabled, mode
from infra.delivery.email import address_of, write_mail
from infra.delivery.mail_links import tracked
from infra.delivery.outcomes import outcome_event, reaction_event, unsubscribed_event
from infra.delivery.posting import Poster
from infra.delivery.records import Attempt, Delivery
from infra.delivery.retry_policy import JITTER, retry_delay
from infra.delivery.templates import WritingError, write
from infra.delivery.tracking import Link, LinkSigner
from infra.settings import RETRY_DELAYS, Settings, SettingsError
from schemas.event import Event
from schemas.playbook import Template
from schemas.profile import Profile, Stamped
from streams.consent.consent import consent_of
from tests.unit.infra.delivery.test_webhook import trigger

DOWN = Attempt("again", "down")
SIGNER = LinkSigner("https://crm.example", ["a secret of the shop"])
PROFILE = Profile(
    "u",
    traits={
        "name": Stamped("<b>Anna</b>", 1, 1),
        "workEmail": Stamped("work@example.com", 1, 1),
        "email": Stamped("Anna@Example.com", 1, 1),
    },
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1",
        "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "192.0.2.1",
        "198.18.0.1", "fec0::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_of_our_own_network_are_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_not(address: str) -> None:
    assert is_public(ip_address(address))


async def test_what_was_checked_is_connected_to_though_the_name_moves_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"], ["8.8.8.8", "10.0.0.1"]]

    async def resolve(*_: object) -> list[str]:
        return answers.pop(0)

    monkeypatch.setattr(addresses, "resolve", resolve)
    found = await addresses.CheckedResolver().resolve("moves.example", 443)
    assert [one["host"] for one in found] == ["93.184.216.34"]
    for _ in range(2):
        with pytest.raises(addresses.PrivateAddressError):
            await addresses.CheckedResolver().resolve("moves.example", 443)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1%25eth0]", "127.1",
        "2130706433", "127.0.0.1.", "0",
    ],
)  # fmt: skip
async def test_no_way_of_writing_an_address_of_our_own_is_connected_to(host: str) -> None:
    poster = Poster(allow_private=False)
    attempt = await poster.post(f"http://{host}:9/", b"{}", {})
    await poster.close()
    assert attempt.verdict == "refused", attempt


@given(st.text(max_size=40), st.integers(1, 9))
def test_pauses_are_those_of_the_schedule_a_little_longer_and_always_the_same(
    delivery: str, attempts: int
) -> None:
    pause = retry_delay(delivery, attempts, None)
    assert pause is not None
    assert RETRY_DELAYS[attempts - 1] <= pause <= RETRY_DELAYS[attempts - 1] * (1 + JITTER)
    assert pause == retry_delay(delivery, attempts, None)
    assert retry_delay(delivery, attempts, 86_000.0) >= 86_000.0  # type: ignore[operator]


def test_after_the_tenth_attempt_there_is_no_other() -> None:
    assert len({retry_delay(str(n), 1, None) for n in range(50)}) > 40
    assert retry_delay("d", 10, 5.0) is None


def test_who_is_down_gets_probes_ever_more_rarely_until_one_arrives() -> None:
    limiter = EndpointLimiter("e")
    now = 0
    for _ in range(OPENS_AFTER):
        assert limiter.free(now) == AT_ONCE
        limiter.heard(DOWN, now)
    waits = []
    for _ in range(10):
        assert limiter.free(now) == 0
        waits.append(limiter.state.not_before - now)
        now = limiter.state.not_before
        assert limiter.free(now) == 1
        limiter.heard(DOWN, now)
    assert waits == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, *[60_000] * 4]
    assert limiter.heard(Attempt("delivered", "up"), now)
    assert limiter.free(now) == AT_ONCE


def test_a_crowd_that_fails_together_counts_as_one_probe() -> None:
    state = NEW
    for _ in range(40):
        state = after_failure(state, 0, "down")
    assert state.not_before == 1_000


def test_who_has_too_much_to_do_gets_less_and_slowly_more_again() -> None:
    limiter = EndpointLimiter("e")
    limiter.heard(Attempt("again", "429", slow_down=True), 0)
    assert limiter.free(0) == AT_ONCE // 2
    for _ in range(AT_ONCE * AT_ONCE):
        limiter.heard(Attempt("delivered", "200"), 0)
    assert limiter.free(0) == AT_ONCE


def test_who_asks_for_time_gets_it() -> None:
    limiter = EndpointLimiter("e")
    limiter.heard(Attempt("again", "503", 30.0), 0)
    assert (limiter.free(29_999), limiter.free(30_000)) == (0, AT_ONCE)


def test_one_address_that_is_refused_says_nothing_about_the_others() -> None:
    limiter = EndpointLimiter("e")
    for _ in range(100):
        limiter.heard(Attempt("again", "mailbox full", blames_endpoint=False), 0)
    assert limiter.state == NEW


def test_who_is_disabled_stays_so_whatever_is_still_heard() -> None:
    state = after_failure(disabled(NEW, 5, "410"), 6, "500")
    assert mode(state, 10**15) == "disabled"


@given(st.sampled_from(["open", "click", "unsubscribe"]), st.text(), st.text(), st.text())
def test_a_link_says_what_was_signed(kind: str, one: str, other: str, url: str) -> None:
    link = Link(kind, one, other, "email", url)  # type: ignore[arg-type]
    prefix, _, token = SIGNER.url(link).rpartition("/")
    assert prefix == f"https://crm.example/mail/{kind}"
    if len(token) <= 4_000:
        assert SIGNER.read(kind, token) == link  # type: ignore[arg-type]
    assert LinkSigner("https://crm.example", ["another secret 12"]).read(kind, token) is None  # type: ignore[arg-type]


@given(st.text(max_size=80), st.integers(0, 200))
def test_a_link_that_was_changed_or_made_up_is_none(made_up: str, place: int) -> None:
    token = SIGNER.url(Link("click", "t", "u", "email", "https://shop.example")).rpartition("/")[2]
    assert SIGNER.read("click", made_up) is None
    assert SIGNER.read("unsubscribe", token) is None
    place %= len(token) - 1  # the last letter has bits that say nothing
    changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    assert SIGNER.read("click", changed) is None


def test_links_signed_before_the_secret_was_changed_still_work() -> None:
    token = SIGNER.url(Link("open", "t", "u", "email")).rpartition("/")[2]
    changed = LinkSigner("https://crm.example", ["the new secret 1", "a secret of the shop"])
    assert changed.read("open", token) is not None


def test_links_in_a_mail_go_through_us_and_unsubscribing_does_not() -> None:
    own = SIGNER.url(Link("unsubscribe", "t", "u", "email"))
    html = (
        f'<body><a class="x" href="https://shop.example/?a=1&amp;b=2">Hat</a><a href="{own}">no</a>'
        '<a href="mailto:shop@example.com">write</a></body>'
    )
    written = tracked(html, SIGNER, Link("open", "t", "u", "email"), own)
    token = written.partition("/mail/click/")[2].partition('"')[0]
    link = SIGNER.read("click", token)
    assert link is not None and link.url == "https://shop.example/?a=1&b=2"
    assert written.count("/mail/click/") == 1
    assert "mailto:shop@example.com" in written
    assert written.index("/mail/open/") < written.index("</body>")


def test_what_customers_call_themselves_is_text_in_a_mail() -> None:
    template = Template(
        subject="{{ customer.traits.name }}\nBcc: everybody@example.com",
        text="{{ customer.traits.name }}{{ customer.traits.nothing }}",
        html="<p>{{ customer.traits.name }}</p>",
    )
    written = write(template, trigger(), PROFILE)
    assert written.text == "<b>Anna</b>"
    assert written.html == "<p>&lt;b&gt;Anna&lt;/b&gt;</p>"
    assert "\n" not in written.subject


@pytest.mark.parametrize(
    "text", ["{{ customer.__class__.__mro__ }}", "{{ ''.__class__ }}", "{% for %}", "{{ 1/0 }}"]
)
def test_a_template_reaches_nothing_but_what_it_is_given(text: str) -> None:
    try:
        written = write(Template(text=text), trigger(), PROFILE)
    except WritingError:
        return
    assert "class" not in written.text


def test_a_mail_can_be_answered_by_one_click_and_has_one_id() -> None:
    delivery = Delivery(endpoint="mail", created_at=1, trigger=trigger(channel="email"))
    template = Template(subject="Hat", text="text", html="<p>html</p>")
    address = address_of(PROFILE, "")
    assert address == "anna@example.com"
    sender = "Shop <shop@example.com>"
    mails = [write_mail(delivery, template, PROFILE, sender, address, SIGNER) for _ in range(2)]
    assert mails[0]["Message-ID"] == mails[1]["Message-ID"]
    assert mails[0]["Message-ID"].endswith("@example.com>")
    assert mails[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = mails[0]["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    link = SIGNER.read("unsubscribe", token)
    assert link == Link("unsubscribe", "trg_1", "u", "email")
    assert [part.get_content_type() for part in mails[0].iter_parts()] == [
        "text/plain",
        "text/html",
    ]


def test_unsubscribing_takes_back_the_consent_for_the_channel() -> None:
    event = unsubscribed_event(Link("unsubscribe", "t", "u", "email"), 5)
    read = msgspec.json.decode(msgspec.json.encode(event), type=Event)
    assert consent_of(read) == {"email": False}
    assert read.key == "u"


@pytest.mark.parametrize(
    ("channel", "outcome", "told"),
    [
        ("email", "delivered", True),
        ("email", "failed", True),
        ("email", "withheld", True),
        (None, "delivered", False),
        (None, "failed", True),
    ],
)
def test_what_a_customer_heard_of_and_every_failure_is_an_event(
    channel: str | None, outcome: str, told: bool
) -> None:
    delivery = Delivery(endpoint="e", created_at=1, trigger=trigger(channel=channel))
    event = outcome_event(delivery, outcome, "webhook", 5)  # type: ignore[arg-type]
    assert (event is not None) == told
    if event is not None:
        assert event.message_id == f"delivery:trg_1:e:{outcome}"
        assert (event.key, event.name) == ("u", f"trigger.{outcome}")
        assert event.channel == (channel or "webhook")


def test_a_mail_is_opened_once_and_each_of_its_links_clicked_once() -> None:
    def id_of(kind: str, url: str = "") -> str:
        return reaction_event(Link(kind, "t", "u", "email", url), 5).message_id  # type: ignore[arg-type]

    assert id_of("open") == id_of("open")
    assert len({id_of("open"), id_of("click", "https://a"), id_of("click", "https://b")}) == 3


def test_a_secret_that_a_playbook_names_is_no_misspelt_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAEHWA_SECRET_WEBHOOK", "x")
    monkeypatch.setenv("DAEHWA_DELIVERY_PAUSES", "1, 2.5")
    assert Settings.from_environment().delivery_pauses == (1.0, 2.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DELIVERY_PAUSES", "1,soon"),
        ("DELIVERY_PAUSES", "-1"),
        ("SMTP_URL", "http://user:hidden@host"),
        ("LINK_SECRET", "hidden"),
        ("PUBLIC_URL", "crm.example"),
    ],
)
def test_a_wrong_setting_of_delivery_is_named_and_not_its_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"DAEHWA_{name}", value)
    with pytest.raises(SettingsError, match=f"DAEHWA_{name}=") as wrong:
        Settings.from_environment()
    assert "hidden" not in str(wrong.value)
