"""Triggers by e-mail, over SMTP."""

import asyncio
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from hashlib import blake2b
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import aiosmtplib

from infra.delivery.mail_links import tracked
from infra.delivery.posting import TIMEOUT
from infra.delivery.records import Attempt, Delivery, Verdict
from infra.delivery.templates import WritingError, write
from infra.delivery.tracking import Link, LinkSigner
from infra.delivery.trusted import trusted
from schemas.playbook import Template
from schemas.profile import Profile
from streams.identity.aliases import aliases_of

CHANNEL = "email"


class EmailSender:
    """Writes mails and sends them over one SMTP server."""

    def __init__(self, smtp_url: str, sender: str, links: LinkSigner, region: str) -> None:
        self._server = urlsplit(smtp_url)
        self._sender = sender
        self._links = links
        self._region = region

    async def send(self, delivery: Delivery, template: Template, profile: Profile) -> Attempt:
        """One attempt to send the template to the address in the profile's traits.

        5xx about the message or its recipient is final; any other failure is retried.
        """
        to = address_of(profile, self._region)
        if to is None:
            # The trigger may be read before the profile whose address came with the same event.
            verdict: Verdict = "again" if delivery.attempts == 0 else "refused"
            return Attempt(verdict, "the customer has no e-mail address", blames_endpoint=False)
        try:
            mail = write_mail(delivery, template, profile, self._sender, to, self._links)
        except (WritingError, ValueError) as problem:
            return Attempt("refused", str(problem)[:300], blames_endpoint=False)
        try:
            async with asyncio.timeout(TIMEOUT):
                await aiosmtplib.send(mail, **_connection(self._server))  # type: ignore[arg-type]
        except aiosmtplib.SMTPRecipientsRefused as problem:
            codes = [refused.code for refused in problem.recipients]
            return _judge(min(codes, default=450), "the receiver's address", at_fault=False)
        except aiosmtplib.SMTPSenderRefused as problem:
            return _judge(problem.code, "the sender's address", at_fault=True)
        except aiosmtplib.SMTPAuthenticationError as problem:
            return Attempt("again", f"the mail server refused the user: {problem.code}")
        except aiosmtplib.SMTPResponseException as problem:
            return _judge(problem.code, "the message", at_fault=problem.code < 500)
        except (TimeoutError, OSError, aiosmtplib.SMTPException) as problem:
            return Attempt("again", f"the mail server does not answer: {problem!r}"[:200])
        return Attempt("delivered", "the mail server took it")


def address_of(profile: Profile, region: str) -> str | None:
    """The customer's e-mail address: the trait `email`, else the first by name that holds one."""
    for name in sorted(profile.traits, key=lambda name: (name.lower() != "email", name)):
        for alias in aliases_of({name: profile.traits[name]}, region):
            if alias.kind == "email":
                return alias.value
    return None


def write_mail(
    delivery: Delivery,
    template: Template,
    profile: Profile,
    sender: str,
    to: str,
    links: LinkSigner,
) -> EmailMessage:
    """The mail: text, and html where the template has some, with one-click unsubscription (RFC
    8058). Its Message-ID is the same at every attempt. WritingError, ValueError (an address)."""
    trigger = delivery.trigger
    about = (trigger.id, profile.key, trigger.channel or CHANNEL)
    unsubscribe = links.url(Link("unsubscribe", *about))
    written = write(template, trigger, profile, unsubscribe_url=unsubscribe)
    mail = EmailMessage()
    mail["From"] = sender
    name, _, host = to.partition("@")
    mail["To"] = Address(username=name, domain=host)
    mail["Subject"] = written.subject
    at = datetime.fromtimestamp(trigger.decided_at / 1000, UTC)
    mail["Date"] = format_datetime(at)
    digest = blake2b(delivery.id.encode(), digest_size=16).hexdigest()
    mail["Message-ID"] = f"<{digest}@{parseaddr(sender)[1].partition('@')[2] or 'daehwa'}>"
    mail["List-Unsubscribe"] = f"<{unsubscribe}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(written.text)
    if written.html:
        html = tracked(written.html, links, Link("open", *about), unsubscribe)
        mail.add_alternative(html, subtype="html")
    return mail


def _judge(code: int, what: str, *, at_fault: bool) -> Attempt:
    final = 500 <= code < 600
    detail = f"the mail server refused {what}: {code}"
    return Attempt("refused" if final else "again", detail, blames_endpoint=at_fault)


def _connection(server: SplitResult) -> dict[str, object]:
    verified = parse_qs(server.query).get("verify", ["1"])[0] != "0"
    context = trusted()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    tls = server.scheme == "smtps"
    local = server.hostname in ("127.0.0.1", "::1", "localhost")
    return {
        "hostname": server.hostname,
        "port": server.port or (465 if tls else 587),
        "username": unquote(server.username) if server.username else None,
        "password": unquote(server.password) if server.password else None,
        "use_tls": tls,
        # A password is sent over TLS only.
        "start_tls": None if tls or local or not server.username else True,
        "tls_context": context,
        "timeout": TIMEOUT,
    }
