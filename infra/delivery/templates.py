"""Message templates: Jinja2 in a sandbox."""

from typing import Any

import msgspec
from jinja2 import TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from schemas.playbook import Template
from schemas.profile import Profile
from schemas.trigger import Trigger

MAX_LENGTH = 200_000
"""Characters of one part of a message."""


class Written(msgspec.Struct, frozen=True):
    """A message; `html` is empty where the template has none."""

    subject: str
    text: str
    html: str


class WritingError(Exception):
    """The template cannot be rendered; the text says why."""


_plain = ImmutableSandboxedEnvironment(autoescape=False, undefined=Undefined)
_html = ImmutableSandboxedEnvironment(autoescape=True, undefined=Undefined)


def write(template: Template, trigger: Trigger, profile: Profile | None, **more: object) -> Written:
    """The message for this trigger. Templates see `trigger`, `customer` (`id`, `traits`) and what
    `more` names; a missing value is empty. Values are escaped in the html. Raises
    `WritingError`."""
    traits = {name: stamped.value for name, stamped in profile.traits.items()} if profile else {}
    customer = {"id": profile.key if profile else trigger.customer_id, "traits": traits}
    known: dict[str, Any] = {
        "trigger": msgspec.to_builtins(trigger), "customer": customer, **more,
    }  # fmt: skip
    try:
        subject, text, html = (
            environment.from_string(source).render(known)
            for environment, source in (
                (_plain, template.subject), (_plain, template.text), (_html, template.html),
            )
        )  # fmt: skip
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError,
            AttributeError, RecursionError) as problem:  # fmt: skip
        raise WritingError(f"the template cannot be filled in: {problem}"[:300]) from None
    if max(len(text), len(html)) > MAX_LENGTH:
        raise WritingError(f"the template writes more than {MAX_LENGTH} characters")
    return Written(" ".join(subject.split())[:500], text, html)
