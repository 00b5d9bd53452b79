"""Delivery dispatcher: one attempt at an endpoint of any kind."""

from collections.abc import Callable, Mapping

from infra.delivery.call_list import CallList, call_of
from infra.delivery.email import EmailSender
from infra.delivery.posting import Poster
from infra.delivery.records import DEFAULT, Attempt, Delivery, Verdict
from infra.delivery.signing import Signer
from infra.delivery.slack import SlackSender
from infra.delivery.templates import WritingError, Written, write
from infra.delivery.tracking import LinkSigner
from infra.delivery.webhook import WebhookSender
from infra.redis.profile_reader import ProfileReader, UnreadableProfileError
from infra.settings import SECRET_PREFIX, Settings
from schemas.playbook import Endpoint, Playbook
from schemas.profile import Profile
from streams.consent.consent import MARKETING, may_speak

_SPEAKS_ON = {"email": "email", "call_list": "call"}
"""Endpoint kinds that always reach the customer -> channel."""


class NotReadyError(Exception):
    """A setting of the endpoint is missing; the text says which."""


class Endpoints:
    """Endpoints of the playbook in force, and that of the settings."""

    def __init__(self, settings: Settings, playbook: Callable[[], Playbook]) -> None:
        self._playbook = playbook
        self._of_settings = (
            Endpoint(kind="webhook", url=settings.webhook_url) if settings.webhook_url else None
        )

    def get(self, name: str) -> Endpoint | None:
        """The endpoint or None. The playbook's `default` replaces that of the settings."""
        found = self._playbook().endpoints.get(name)
        return self._of_settings if found is None and name == DEFAULT else found

    def names(self) -> list[str]:
        """All endpoints."""
        own = [DEFAULT] if self._of_settings is not None else []
        return list(dict.fromkeys([*own, *self._playbook().endpoints]))

    def kind(self, name: str) -> str:
        """The endpoint's kind; `webhook` for a removed one."""
        found = self.get(name)
        return "webhook" if found is None else found.kind


class DeliveryDispatcher:
    """Makes attempts. Consent is checked again before each attempt to reach a customer."""

    def __init__(
        self,
        settings: Settings,
        playbook: Callable[[], Playbook],
        profiles: ProfileReader,
        calls: CallList,
        environment: Mapping[str, str],
    ) -> None:
        self.endpoints = Endpoints(settings, playbook)
        self._settings = settings
        self._playbook = playbook
        self._profiles = profiles
        self._calls = calls
        self._environment = environment
        self._poster = Poster(allow_private=settings.webhook_private)
        self._webhooks: dict[Endpoint, WebhookSender] = {}
        self._emails: dict[Endpoint, EmailSender] = {}

    async def attempt(self, delivery: Delivery, now: int) -> Attempt:
        """One attempt at `now` (milliseconds). Raises only what Redis raises."""
        endpoint = self.endpoints.get(delivery.endpoint)
        if endpoint is None:
            # The next playbook may have it again: its deliveries go through their schedule.
            what = f"the playbook has no endpoint {delivery.endpoint!r}"
            return Attempt("again", what, blames_endpoint=False)
        trigger = delivery.trigger
        channel = trigger.channel or _SPEAKS_ON.get(endpoint.kind)
        try:
            found = await self._profiles.find(trigger.customer_id)
        except UnreadableProfileError as unreadable:
            what = f"the profile cannot be read: {unreadable.problem}"
            return Attempt("again", what[:200], blames_endpoint=False)
        if trigger.decided_at <= found.erased_at:
            what = "the customer was erased"
            return Attempt("withheld", what, blames_endpoint=False, erased=True)
        profile = found.profile
        if channel is not None:
            reason = _unspeakable(profile, channel, MARKETING if trigger.campaign else None)
            if reason is not None:
                # The trigger may be read before the profile of its batch is written.
                verdict: Verdict = "again" if delivery.attempts == 0 else "withheld"
                return Attempt(verdict, reason, blames_endpoint=False)
        try:
            return await self._dispatch(endpoint, delivery, profile, now)
        except WritingError as problem:
            return Attempt("refused", str(problem), blames_endpoint=False)
        except NotReadyError as problem:
            return Attempt("again", str(problem))

    async def close(self) -> None:
        """Closes the connections."""
        await self._poster.close()

    async def _dispatch(
        self, endpoint: Endpoint, delivery: Delivery, profile: Profile | None, now: int
    ) -> Attempt:
        if endpoint.kind == "webhook":
            return await self._webhook(endpoint).send(delivery, now)
        if endpoint.kind == "slack":
            (url,) = self._secrets(endpoint)[:1]
            return await SlackSender(self._poster, url).send(
                delivery, self._written(delivery, profile)
            )
        if endpoint.kind == "email":
            template = self._playbook().templates.get(delivery.trigger.template or "")
            if template is None or profile is None:
                what = f"there is no template {delivery.trigger.template!r}"
                return Attempt("refused", what, blames_endpoint=False)
            return await self._email(endpoint).send(delivery, template, profile)
        await self._calls.put(
            call_of(delivery, self._written(delivery, profile), profile, self._settings.region)
        )
        return Attempt("delivered", "on the call list")

    def _written(self, delivery: Delivery, profile: Profile | None) -> Written | None:
        template = self._playbook().templates.get(delivery.trigger.template or "")
        return None if template is None else write(template, delivery.trigger, profile)

    def _webhook(self, endpoint: Endpoint) -> WebhookSender:
        sender = self._webhooks.get(endpoint)
        if sender is None:
            if endpoint.secrets:
                secrets = self._secrets(endpoint)
            else:
                secrets = self._settings.webhook_secrets
            try:
                sender = WebhookSender(self._poster, endpoint.url or "", Signer(secrets))
            except ValueError as problem:
                raise NotReadyError(str(problem)) from None
            self._webhooks[endpoint] = sender
        return sender

    def _email(self, endpoint: Endpoint) -> EmailSender:
        sender = self._emails.get(endpoint)
        if sender is None:
            settings = self._settings
            smtp, keys = settings.smtp_url.get_secret_value(), settings.link_secrets
            for value, name in (
                (smtp, "DAEHWA_SMTP_URL"),
                (settings.public_url, "DAEHWA_PUBLIC_URL"),
                (keys, "DAEHWA_LINK_SECRET"),
                (endpoint.sender, "the endpoint's sender"),
            ):
                if not value:
                    raise NotReadyError(f"mails need {name}")
            links = LinkSigner(settings.public_url, keys)
            sender = EmailSender(smtp, endpoint.sender or "", links, settings.region)
            self._emails[endpoint] = sender
        return sender

    def _secrets(self, endpoint: Endpoint) -> list[str]:
        missing = [name for name in endpoint.secrets if not self._environment.get(name)]
        if missing or not endpoint.secrets:
            raise NotReadyError(f"the environment has no {', '.join(missing) or 'secret'}")
        if any(not name.startswith(SECRET_PREFIX) for name in endpoint.secrets):
            raise NotReadyError(f"names of secrets begin with {SECRET_PREFIX}")
        return [self._environment[name] for name in endpoint.secrets]


def _unspeakable(profile: Profile | None, channel: str, purpose: str | None) -> str | None:
    """Why the channel is suppressed for the customer."""
    if profile is None:
        return "customer profile not found"
    if not may_speak(profile.consent, channel, purpose):
        return f"no consent for {channel}"
    return None
