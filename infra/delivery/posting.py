"""One POST to an endpoint, and what its answer means."""

import asyncio
from collections.abc import Mapping

import httpcore

from infra.delivery.addresses import CheckedBackend, PrivateAddressError
from infra.delivery.connections import Connections
from infra.delivery.records import Attempt
from infra.delivery.retrying import LONGEST_WAIT

TIMEOUT = 15.0
"""Seconds an attempt may take as a whole."""

_MOST_READ = 64 * 1024
_SLOW_DOWN = (429, 502, 504)


class Poster:
    """Posts to endpoints over kept connections. No redirects, no proxies, no private addresses
    unless allowed."""

    def __init__(self, *, allow_private: bool) -> None:
        self._pool = Connections(None if allow_private else CheckedBackend())

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """One attempt. Never raises for what the receiver does."""
        try:
            request = httpcore.Request(
                "POST",
                url,
                headers=[
                    ("Host", _host(httpcore.URL(url).origin)),
                    ("Content-Length", str(len(body))),
                    *headers.items(),
                ],
                content=body,
            )
            async with asyncio.timeout(TIMEOUT), self._pool.answer(request) as answer:
                read = 0
                async for piece in answer.aiter_stream():
                    read += len(piece)
                    if read > _MOST_READ:
                        break
        except PrivateAddressError as problem:
            return Attempt("refused", str(problem))
        except TimeoutError:
            return Attempt("again", f"no answer within {TIMEOUT:g} s")
        except (
            httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError,
        ) as problem:  # fmt: skip
            return Attempt("again", repr(problem)[:200])
        except (httpcore.UnsupportedProtocol, UnicodeError, ValueError) as problem:
            return Attempt("refused", f"the endpoint's URL is wrong: {problem}"[:200])
        return judge(answer.status, dict(answer.headers))

    async def close(self) -> None:
        """Closes the connections."""
        await self._pool.aclose()


def _host(origin: httpcore.Origin) -> str:
    """The Host header: the port only where it is not the scheme's own."""
    host = origin.host.decode("ascii")
    host = f"[{host}]" if ":" in host else host
    usual = {b"http": 80, b"https": 443}.get(origin.scheme)
    return host if origin.port == usual else f"{host}:{origin.port}"


def judge(status: int, headers: Mapping[bytes, bytes]) -> Attempt:
    """What an answer means: 2xx delivered, 410 gone, everything else (3xx too) again."""
    detail = f"the endpoint answered {status}"
    if 200 <= status < 300:
        return Attempt("delivered", detail)
    if status == 410:
        return Attempt("gone", detail)
    lower = {name.lower(): value for name, value in headers.items()}
    return Attempt(
        "again", detail, _seconds(lower.get(b"retry-after", b"")), slow_down=status in _SLOW_DOWN
    )


def _seconds(value: bytes) -> float | None:
    text = value.decode("latin-1").strip()
    # isdecimal() alone also takes the digits of other scripts, which no receiver means.
    if not (text.isascii() and text.isdecimal()):
        return None
    return min(float(text[:12]), LONGEST_WAIT)
