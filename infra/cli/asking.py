"""Requests to the API; a failure is one sentence."""

import getpass
import os
from typing import Any

import httpx

from infra.cli.refusal import Refusal, settings_or_refusal
from infra.settings import Settings


def api_address() -> tuple[str, dict[str, str]]:
    """The API's URL and authorisation headers. Raises `Refusal` where one is missing or invalid."""
    settings = settings_or_refusal()
    token = settings.api_token.get_secret_value()
    if not token:
        raise Refusal("set DAEHWA_API_TOKEN to the token of the API, which `daehwa up` prints")
    if not (token.isascii() and token.isprintable()):
        raise Refusal(
            "DAEHWA_API_TOKEN has characters that a header cannot have: write it in ASCII"
        )
    return api_url(settings), {"Authorization": f"Bearer {token}"}


def api_url(settings: Settings) -> str:
    """The API's URL without a slash at the end. Raises `Refusal` for an invalid DAEHWA_URL."""
    url = os.environ.get("DAEHWA_URL") or f"http://{settings.host}:{settings.port}"
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as problem:
        raise Refusal(f"DAEHWA_URL={url!r} is no URL: {problem}") from None
    if parts.scheme not in ("http", "https") or not parts.host:
        raise Refusal(f"DAEHWA_URL={url!r} is no URL: write http://HOST:PORT")
    return url.rstrip("/")


def operator() -> str:
    """Name of the user who runs the command; a container's user may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def ask(path: str) -> Any:
    """The JSON answer of the API. Raises `Refusal` with its message."""
    url, headers = api_address()
    try:
        answer = httpx.get(url + path, headers=headers, timeout=30)
    except httpx.HTTPError as problem:
        raise no_answer(url, problem) from None
    if answer.status_code != 200:
        raise Refusal(message_of(answer))
    try:
        return answer.json()
    except ValueError:
        raise Refusal(f"what answers at {url} is not the API of Daehwa") from None


def no_answer(url: str, problem: Exception) -> Refusal:
    """Why the API at `url` does not answer, and what to check."""
    why = str(problem) or type(problem).__name__
    return Refusal(f"no answer from {url} ({why}): is `daehwa up` running, and DAEHWA_URL right?")


def message_of(answer: httpx.Response) -> str:
    """The message of an error answer."""
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        at = f"{answer.url.scheme}://{answer.url.netloc.decode()}"
        return f"DAEHWA_API_TOKEN is not the token of the API at {at}; `daehwa up` prints it"
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"the API answered {answer.status_code}"
