"""Sessions of the HTTP interface: requests with one ``session_id`` share SET and temporary tables.

A request without a ``session_id`` has a session of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from .access import Account
from .engine import Engine
from .failure import (
    BAD_ARGUMENTS,
    INVALID_SESSION_TIMEOUT,
    SESSION_IS_LOCKED,
    SESSION_NOT_FOUND,
    TOO_MANY_CONNECTIONS,
    failure,
)
from .session import Session

DEFAULT_SECONDS: Final = 60
MAX_SECONDS: Final = 3600
MAX_SESSIONS: Final = 100
MAX_ID_LENGTH: Final = 200

Name = tuple[str, str]
"""(user, ``session_id``): nobody finds the session of another user."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A session while one request uses it."""

    session: Session
    name: Name | None = None
    """None for a session of this request alone."""
    seconds: int = 0
    """How long the session stays without a request; 0: it ends with this one."""


class HttpSessions:
    """The open sessions by name; one request at a time uses a session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._used: set[Name] = set()
        self._idle: dict[Name, tuple[Session, asyncio.TimerHandle]] = {}
        """The one that has been idle longest comes first."""
        self._ending: set[asyncio.Task[None]] = set()

    async def take(self, parameters: Mapping[str, str], account: Account) -> Lease:
        """The session of a request with these parameters.

        Raises 372 SESSION_NOT_FOUND for a new one with ``session_check=1``, 373 SESSION_IS_LOCKED
        while another request uses it, 374 INVALID_SESSION_TIMEOUT, 36 BAD_ARGUMENTS for a longer
        ``session_id`` than `MAX_ID_LENGTH`, 202 while all are in use.
        """
        name = _name_of(parameters, account)
        if name is None:
            return Lease(await self._opened(account))
        seconds = _seconds_of(parameters)
        if name in self._used:
            text = f"Session {name[1]} is used by another request."
            raise failure(SESSION_IS_LOCKED, "SESSION_IS_LOCKED", text)
        if name in self._idle:
            session, expiry = self._idle.pop(name)
            expiry.cancel()
            self._used.add(name)
            return Lease(session, name, seconds)
        if parameters.get("session_check") == "1":
            raise failure(SESSION_NOT_FOUND, "SESSION_NOT_FOUND", f"No session {name[1]}.")
        self._make_room()
        self._used.add(name)
        try:
            return Lease(await self._opened(account), name, seconds)
        except BaseException:
            self._used.discard(name)
            raise

    async def give_back(self, lease: Lease, *, whole: bool) -> None:
        """Ends the request's use; a session whose answer was not read to its end ends with it."""
        name = lease.name
        if name is None or not whole or not lease.seconds:
            try:
                await self._engine.close_session(lease.session)
            finally:
                if name is not None:
                    self._used.discard(name)
            return
        self._used.discard(name)
        expiry = asyncio.get_running_loop().call_later(lease.seconds, self._end_idle, name)
        self._idle[name] = (lease.session, expiry)

    async def close(self) -> None:
        """Ends every idle session: the engine shuts down with its last connection."""
        for name in list(self._idle):
            self._end_idle(name)
        if self._ending:
            await asyncio.wait(self._ending)

    def _make_room(self) -> None:
        if len(self._idle) + len(self._used) < MAX_SESSIONS:
            return
        if not self._idle:
            text = f"All of {MAX_SESSIONS} sessions are in use."
            raise failure(TOO_MANY_CONNECTIONS, "TOO_MANY_SIMULTANEOUS_QUERIES", text)
        self._end_idle(next(iter(self._idle)))

    def _end_idle(self, name: Name) -> None:
        session, expiry = self._idle.pop(name)
        expiry.cancel()
        ending = asyncio.ensure_future(self._engine.close_session(session))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _opened(self, account: Account) -> Session:
        open_session = partial(self._engine.open_session, account.user, readonly=account.readonly)
        return await self._engine.run(open_session)


def _name_of(parameters: Mapping[str, str], account: Account) -> Name | None:
    given = parameters.get("session_id", "")
    if len(given) > MAX_ID_LENGTH:
        text = f"A session_id has at most {MAX_ID_LENGTH} characters."
        raise failure(BAD_ARGUMENTS, "BAD_ARGUMENTS", text)
    return (account.user, given) if given else None


def _seconds_of(parameters: Mapping[str, str]) -> int:
    if parameters.get("close_session") == "1":
        return 0
    given = parameters.get("session_timeout", str(DEFAULT_SECONDS))
    seconds = int(given) if given.isdecimal() and len(given) < 6 else 0
    if not 1 <= seconds <= MAX_SECONDS:
        text = f"session_timeout is {given[:20]!r}; give seconds from 1 to {MAX_SECONDS}."
        raise failure(INVALID_SESSION_TIMEOUT, "INVALID_SESSION_TIMEOUT", text)
    return seconds
