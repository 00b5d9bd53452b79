"""Validation of the endpoints of a playbook."""

from schemas.playbook import Endpoint, Playbook
from streams.playbook.errors import RuleError

SECRET = "DAEHWA_SECRET_"  # noqa: S105 - how the names of secrets begin
"""Prefix of the environment variables that a playbook may name as secrets; it can read no other."""

_USED_BY = {
    "url": ("webhook",),
    "secrets": ("webhook", "slack"),
    "sender": ("email",),
}
"""Field -> the kinds that read it."""


def check_endpoints(playbook: Playbook, errors: list[RuleError]) -> None:
    """Appends missing and unused fields of an endpoint to `errors`."""
    for name, endpoint in playbook.endpoints.items():
        where = f"endpoints.{name}"
        _check(endpoint, where, errors)
        for index, secret in enumerate(endpoint.secrets):
            if not secret.startswith(SECRET) or len(secret) == len(SECRET):
                said = f"{secret!r} is not the name of an environment variable {SECRET}…"
                errors.append(RuleError(f"{where}.secrets[{index}]", said))


def _check(endpoint: Endpoint, where: str, errors: list[RuleError]) -> None:
    kind = endpoint.kind
    if kind == "webhook" and not endpoint.url:
        errors.append(RuleError(where, "a webhook endpoint needs its `url`"))
    if endpoint.url is not None and not endpoint.url.startswith(("https://", "http://")):
        errors.append(RuleError(f"{where}.url", "write an address that begins with https://"))
    if kind == "slack" and not endpoint.secrets:
        said = f"a slack endpoint needs `secrets`: [{SECRET}…], the variable that holds its URL"
        errors.append(RuleError(where, said))
    if kind == "email" and not endpoint.sender:
        errors.append(RuleError(where, "an email endpoint needs its `sender`, who it is from"))
    for field, kinds in _USED_BY.items():
        if getattr(endpoint, field) and kind not in kinds:
            said = f"{field!r} means nothing to a {kind} endpoint, only to {' and '.join(kinds)}"
            errors.append(RuleError(f"{where}.{field}", said))
