"""Mail providers: what became of a mail, and nobody is written to who said no or does not exist."""

import datetime
import hashlib
import hmac
import json
from base64 import b64encode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from infra.sources.mapping_file import SHIPPED, read_mapping
from infra.sources.signatures import is_authentic
from infra.sources.sns import confirmation_url, is_from_sns
from schemas.contact import Contact
from schemas.mapping import Signature
from streams.mapping.mapping_items import Mapper
from streams.mapping.payloads import read_payload
from tests.harness.paths import FIXTURES

ADDRESS = "Mina@Shop.example"


def contacts(name: str, document: Any) -> list[Contact]:
    mapping = read_mapping(SHIPPED / f"{name}.yaml")
    mapper = Mapper(mapping.mapping)
    payload = read_payload(mapping.mapping.source, json.dumps(document).encode())
    return [
        one.contact for item in mapper.items(payload) for one in mapper.events(item) if one.contact
    ]


def sendgrid(event: str, **more: Any) -> Any:
    return [{"email": ADDRESS, "timestamp": 1768446000, "event": event, "sg_event_id": "e", **more}]


def mailgun(event: str, **more: Any) -> Any:
    said = {"event": event, "recipient": ADDRESS, "timestamp": 1768446000.5, "id": "e", **more}
    return {"signature": {"timestamp": "1", "token": "t", "signature": "s"}, "event-data": said}


def postmark(kind: str, **more: Any) -> Any:
    who = {"Email": ADDRESS, "BouncedAt": "2026-01-15T03:00:00Z"}
    if kind in ("Open", "Click", "Delivery"):
        who = {"Recipient": ADDRESS, "ReceivedAt": "2026-01-15T03:00:00.1234567Z"}
    if kind == "SubscriptionChange":
        who = {"Recipient": ADDRESS, "ChangedAt": "2026-01-15T03:00:00Z"}
    return {"RecordType": kind, "MessageID": "m", **who, **more}


def ses(kind: str, **more: Any) -> Any:
    said = {"eventType": kind, "mail": {"messageId": "m", "destination": [ADDRESS]}, **more}
    return {"Type": "Notification", "Message": json.dumps(said)}


AT = {"timestamp": "2026-01-15T03:00:00.000Z"}
BOUNCED = [{"emailAddress": ADDRESS}]
TO = {"bouncedRecipients": BOUNCED}
SAID = [
    ("sendgrid-events", sendgrid("unsubscribe"), "mail.unsubscribed", True),
    ("sendgrid-events", sendgrid("group_unsubscribe"), "mail.unsubscribed", True),
    ("sendgrid-events", sendgrid("spamreport"), "mail.spam", True),
    ("sendgrid-events", sendgrid("bounce", type="bounce"), "mail.bounced", True),
    ("sendgrid-events", sendgrid("bounce", type="blocked"), "mail.bounced", False),
    ("sendgrid-events", sendgrid("open"), "mail.opened", False),
    ("mailgun-events", mailgun("unsubscribed"), "mail.unsubscribed", True),
    ("mailgun-events", mailgun("complained"), "mail.spam", True),
    ("mailgun-events", mailgun("failed", severity="permanent"), "mail.bounced", True),
    ("mailgun-events", mailgun("failed", severity="temporary"), None, False),
    ("mailgun-events", mailgun("clicked", url="https://x"), "mail.clicked", False),
    ("postmark-events", postmark("SubscriptionChange", SuppressSending=True),
     "mail.unsubscribed", True),
    ("postmark-events", postmark("SubscriptionChange", SuppressSending=False),
     "mail.resubscribed", False),
    ("postmark-events", postmark("SpamComplaint"), "mail.spam", True),
    ("postmark-events", postmark("Bounce", Type="HardBounce"), "mail.bounced", True),
    ("postmark-events", postmark("Bounce", Type="Transient"), None, False),
    ("postmark-events", postmark("Open"), "mail.opened", False),
    ("ses-events", ses("Bounce", bounce={"bounceType": "Permanent", **TO, **AT}),
     "mail.bounced", True),
    ("ses-events", ses("Bounce", bounce={"bounceType": "Transient", **TO, **AT}), None, False),
    ("ses-events", ses("Complaint", complaint={"complainedRecipients": BOUNCED, **AT}),
     "mail.spam", True),
    ("ses-events", ses("Delivery", delivery=AT), "mail.delivered", False),
    ("ses-events", ses("Click", click={"link": "https://x", **AT}), "mail.clicked", False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "document", "code", "withdrawn"), SAID)
def test_a_mail_withdraws_consent_of_whoever_has_the_address(
    name: str, document: Any, code: str | None, withdrawn: bool
) -> None:
    found = contacts(name, document)
    if code is None:
        assert not found
        return
    (said,) = found
    assert (said.code, said.email, said.channel) == (code, "mina@shop.example", "email")
    assert said.properties.get("consent") == ({"email": False} if withdrawn else None)
    assert said.occurred_at is not None
    assert said.occurred_at.year == 2026


def test_the_reported_unsubscribe_finds_the_customer_by_the_address_alone() -> None:
    document = json.loads((FIXTURES / "cases" / "02-consent-sendgrid-unsubscribe.json").read_text())
    (said,) = contacts("sendgrid-events", document)
    assert (said.email, said.user_id) == ("t7-sg@x.example", None)
    assert said.properties["consent"] == {"email": False}


def test_every_recipient_of_a_bounce_is_told_of() -> None:
    two = [{"emailAddress": "a@x.example"}, {"emailAddress": "b@x.example"}]
    bounce = {"bounceType": "Permanent", "bouncedRecipients": two, **AT}
    found = contacts("ses-events", ses("Bounce", bounce=bounce))
    assert [one.email for one in found] == ["a@x.example", "b@x.example"]
    assert len({one.message_id for one in found}) == 2


def test_the_signature_of_mailgun_is_in_its_body() -> None:
    signature = Signature(scheme="mailgun", secret="S")
    digest = hmac.new(b"key", b"1t", hashlib.sha256).hexdigest()
    body = {**mailgun("opened"), "signature": {"timestamp": "1", "token": "t", "signature": digest}}
    assert is_authentic(signature, "key", [], {}, json.dumps(body).encode())
    assert not is_authentic(signature, "other", [], {}, json.dumps(body).encode())
    for broken in (b"", b"{}", b"[1]", b"\xff"):
        assert not is_authentic(signature, "key", [], {}, broken)


def test_user_and_password_of_an_address() -> None:
    signature = Signature(scheme="basic", secret="S")
    given = {"authorization": "Basic " + b64encode(b"mail:secret").decode()}
    assert is_authentic(signature, "mail:secret", [], given, b"")
    assert not is_authentic(signature, "mail:other", [], given, b"")
    assert not is_authentic(signature, "mail:secret", [], {}, b"")


TOPIC = "arn:aws:sns:eu-west-1:1:mail"
KEY = rsa.generate_private_key(65537, 2048)


def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(
        name, name, KEY.public_key(), 1, now, now + datetime.timedelta(1)
    )
    return made.sign(KEY, SHA256()).public_bytes(Encoding.PEM)


def signed(**changes: str) -> bytes:
    said = {"Type": "Notification", "MessageId": "1", "TopicArn": TOPIC, "Message": "{}",
            "Timestamp": "2026-01-15T03:00:00.000Z", "SignatureVersion": "2",
            "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
            **changes}  # fmt: skip
    names = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn",
             "Type")  # fmt: skip
    text = "".join(f"{one}\n{said[one]}\n" for one in names if one in said)
    said["Signature"] = b64encode(KEY.sign(text.encode(), PKCS1v15(), SHA256())).decode()
    return json.dumps(said).encode()


def test_a_message_of_sns_is_signed_by_amazon_for_the_topic() -> None:
    pem = certificate()

    def ask(body: bytes, topic: str = TOPIC) -> bool:
        return is_from_sns(topic, body, lambda url: pem)

    assert ask(signed())
    assert not ask(signed(), "arn:aws:sns:eu-west-1:2:other")
    assert not ask(signed().replace(b'"Message": "{}"', b'"Message": "{1}"'))
    for url in ("https://evil.example/a.pem", "http://sns.eu-west-1.amazonaws.com/a.pem",
                "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
                "https://sns.x.amazonaws.com@evil.example/a.pem"):  # fmt: skip
        assert not ask(signed(SigningCertURL=url))
    assert not ask(b"{}")


def test_a_subscription_is_confirmed_at_amazon_only() -> None:
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    asked = signed(Type="SubscriptionConfirmation", SubscribeURL=url, Token="t")
    assert is_from_sns(TOPIC, asked, lambda _: certificate())
    assert confirmation_url(asked) == url
    assert confirmation_url(signed()) is None
    other = signed(Type="SubscriptionConfirmation", SubscribeURL="https://evil.example/", Token="t")
    assert confirmation_url(other) is None
