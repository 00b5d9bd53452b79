"""One POST to an endpoint, and the outcome of its answer."""

import asyncio
from collections.abc import Mapping

import aiohttp

from infra.delivery.addresses import CheckedResolver, PrivateAddressError, public_socket
from infra.delivery.records import Attempt
from infra.delivery.retry_policy import MAX_WAIT
from infra.delivery.trusted import trusted

TIMEOUT = 15.0
"""Seconds an attempt may take as a whole."""

_IDLE_S = 4.0
"""Keep-alive time: Node and uvicorn close after 5 s without a request."""

_MAX_READ = 64 * 1024
_SLOW_DOWN = (429, 502, 504)
_WRONG_URL = "the endpoint's URL is wrong"
"""Only the host: a chat's URL is a secret, and this text is shown and logged."""


class Poster:
    """Posts to endpoints over kept connections. No redirects, no proxies, no private addresses
    unless allowed."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """One attempt. Never raises for an answer of the receiver; its text has no path of the
        URL."""
        if self._session is None:
            self._session = _session(self._allow_private)
        try:
            async with (
                asyncio.timeout(TIMEOUT),
                self._session.post(
                    url, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                read = 0
                while piece := await answer.content.readany():
                    read += len(piece)
                    if read > _MAX_READ:
                        break
        except PrivateAddressError as problem:
            return Attempt("refused", str(problem))
        except TimeoutError:
            return Attempt("again", f"no answer within {TIMEOUT:g} s")
        except aiohttp.ClientResponseError as problem:
            said = " ".join(problem.message.split())
            return Attempt("again", f"the endpoint answered no HTTP: {said}"[:200])
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            return Attempt("refused", _WRONG_URL)
        except (aiohttp.ClientError, OSError) as problem:
            return Attempt("again", f"{type(problem).__name__}: {problem}"[:200])
        except ValueError:
            return Attempt("refused", _WRONG_URL)
        return judge(answer.status, answer.headers.get("Retry-After", ""))

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()


def _session(allow_private: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=0,
        ssl=trusted(),
        keepalive_timeout=_IDLE_S,
        use_dns_cache=False,
        happy_eyeballs_delay=None,
        resolver=None if allow_private else CheckedResolver(),
        socket_factory=None if allow_private else public_socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("Accept", "Accept-Encoding"),
    )


def judge(status: int, retry_after: str = "") -> Attempt:
    """The outcome of an answer: 2xx delivered, 410 gone, any other (3xx too) again."""
    detail = f"the endpoint answered {status}"
    if 200 <= status < 300:
        return Attempt("delivered", detail)
    if status == 410:
        return Attempt("gone", detail)
    return Attempt("again", detail, _seconds(retry_after), slow_down=status in _SLOW_DOWN)


def _seconds(value: str) -> float | None:
    text = value.strip()
    # isdecimal() alone also takes the digits of other scripts, which no receiver means.
    if not (text.isascii() and text.isdecimal()):
        return None
    return min(float(text[:12]), MAX_WAIT)
