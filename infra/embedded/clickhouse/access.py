"""Who may connect, and whether they may write."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from .failure import AUTHENTICATION_FAILED, failure


@dataclass(frozen=True, slots=True)
class Account:
    """One user. An account with an empty password lets nobody in."""

    user: str
    password: str = field(repr=False)
    readonly: bool = False
    """Whether only what changes nothing is run for it."""


@dataclass(frozen=True, slots=True)
class Access:
    """The accounts of this server."""

    accounts: Sequence[Account] = ()

    def check(self, user: str, password: str) -> Account:
        """The account of this user and password, else raises 516 AUTHENTICATION_FAILED.

        The comparison takes the same time wherever the two passwords differ.
        """
        found = None
        for account in self.accounts:
            same_user = hmac.compare_digest(user.encode(), account.user.encode())
            same_password = hmac.compare_digest(password.encode(), account.password.encode())
            if same_user and same_password and account.password:
                found = account
        if found is None:
            raise failure(
                AUTHENTICATION_FAILED,
                "AUTHENTICATION_FAILED",
                f"{user}: Authentication failed: password is incorrect, "
                "or there is no user with such name.",
            )
        return found
