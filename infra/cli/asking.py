"""Asks the API; says in one sentence why it does not answer."""

import os
from typing import Any

import httpx

from infra.cli.refusal import Refusal, settings_or_refusal


def api_address() -> tuple[str, dict[str, str]]:
    """The API's URL and the headers that let one read."""
    settings = settings_or_refusal()
    url = os.environ.get("DAEHWA_URL") or f"http://{settings.host}:{settings.port}"
    token = settings.api_token.get_secret_value()
    if not token:
        raise Refusal("set DAEHWA_API_TOKEN to the token of the API")
    return url.rstrip("/"), {"Authorization": f"Bearer {token}"}


def ask(path: str) -> Any:
    """The JSON that the API answers. `Refusal` with its message otherwise."""
    url, headers = api_address()
    try:
        answer = httpx.get(url + path, headers=headers, timeout=30)
    except httpx.HTTPError as problem:
        raise Refusal(f"no answer from {url}: {problem}") from None
    if answer.status_code != 200:
        raise Refusal(message_of(answer))
    return answer.json()


def message_of(answer: httpx.Response) -> str:
    """What an answer that is no success says."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"the API answered {answer.status_code}"
