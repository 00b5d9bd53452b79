"""Who may connect: one user, one password."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from .failure import AUTHENTICATION_FAILED, failure


@dataclass(frozen=True, slots=True)
class Access:
    """The one account of this server; an empty password means none is asked for."""

    user: str = "default"
    password: str = field(default="", repr=False)

    def check(self, user: str, password: str) -> None:
        """Return when the account is right, else raise 516 AUTHENTICATION_FAILED.

        The comparison takes the same time wherever the two passwords differ.
        """
        same_user = hmac.compare_digest(user.encode(), self.user.encode())
        same_password = hmac.compare_digest(password.encode(), self.password.encode())
        if not (same_user and same_password):
            raise failure(
                AUTHENTICATION_FAILED,
                "AUTHENTICATION_FAILED",
                f"{user}: Authentication failed: password is incorrect, "
                "or there is no user with such name.",
            )
