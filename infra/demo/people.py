"""The shoppers of the demo as persons."""

import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

_FIRST = (
    "ada", "amir", "anna", "bela", "chidi", "clara", "daniel", "elif", "emma", "farid", "greta",
    "hana", "ines", "ivan", "jonas", "jun", "kofi", "lea", "luca", "marta", "mina", "nadia",
    "noah", "olga", "omar", "pavel", "rosa", "sora", "tomas", "yuna",
)  # fmt: skip
_LAST = (
    "abe", "bauer", "choi", "costa", "diaz", "evans", "fischer", "garcia", "haas", "ito", "jung",
    "kaya", "kim", "kovac", "larsen", "lee", "moreau", "nowak", "okafor", "park", "rossi",
    "santos", "silva", "tanaka", "varga", "weber", "yilmaz", "zhang",
)  # fmt: skip
_CITIES = ("Berlin", "Busan", "Lisbon", "Lyon", "Milan", "Porto", "Seoul", "Vienna", "Warsaw")

_SIMULATED = re.compile(r"visitor-[0-9a-f]{12}|[a-z]+\.[a-z]+\.\d+|cdnow-\d+")


def is_simulated(customer_id: str) -> bool:
    """Whether the id belongs to a simulated shopper, not to a visitor of the demo shop."""
    return _SIMULATED.fullmatch(customer_id) is not None


@dataclass
class Person:
    """State of one shopper."""

    anonymous_id: str
    number: int
    first: str
    last: str
    city: str
    user_id: str | None = None
    """Set once they have logged in."""
    interest: str | None = None
    """The product they looked at last."""
    cart: dict[str, int] = field(default_factory=dict)
    """Slug -> quantity."""
    bought: set[str] = field(default_factory=set)
    busy_until: int = 0
    """End of their latest visit, milliseconds since 1970."""

    @property
    def traits(self) -> dict[str, Any]:
        """Traits at log-in."""
        return {
            "firstName": self.first.title(),
            "lastName": self.last.title(),
            "email": f"{self.first}.{self.last}.{self.number}@example.com",
            "phone": f"+49 30 901820{self.number:06d}",
            "address": {"city": self.city},
        }

    def log_in(self) -> None:
        """Logs in: from now on a customer with an id."""
        self.user_id = f"{self.first}.{self.last}.{self.number}"


def new_person(random: Random, number: int) -> Person:
    """A new visitor; `number` makes the customer id unique."""
    return Person(
        anonymous_id=new_device(random),
        number=number,
        first=random.choice(_FIRST),
        last=random.choice(_LAST),
        city=random.choice(_CITIES),
    )


def new_device(random: Random) -> str:
    """The anonymous id of a new browser."""
    return f"visitor-{random.getrandbits(48):012x}"
