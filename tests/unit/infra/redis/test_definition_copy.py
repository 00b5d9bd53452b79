"""The copy of the definitions in Redis: what of it cannot be read."""

from typing import Any

from structlog.testing import capture_logs

from infra.redis.definition_copy import DefinitionCopy
from infra.redis.keys import definitions_key
from schemas.definition import PLAYBOOK, Definition
from streams.definitions.definitions import Definitions, encode_definition


class Redis:
    """Answers with what it holds."""

    def __init__(self, held: dict[Any, Any]) -> None:
        self.held = held

    async def hgetall(self, name: str) -> dict[bytes, bytes]:
        return dict(self.held[name])

    async def hkeys(self, name: str) -> list[bytes]:
        return list(self.held[name])

    async def hset(self, name: str, mapping: dict[str, bytes]) -> None:
        self.held[name] |= {field.encode(): value for field, value in mapping.items()}


async def test_an_unreadable_definition_in_the_copy_is_as_good_as_missing() -> None:
    all_three = [
        Definition(kind=PLAYBOOK, version=v, content="", at=at, by="a test", replaces=before)
        for at, v, before in ((1, "v1", ""), (2, "v2", "v1"), (3, "v3", "v2"))
    ]
    held: dict[Any, Any] = {definitions_key(): {}}
    copy: Any = DefinitionCopy
    await copy(Redis(held)).keep(Definitions(all_three))
    entries = held[definitions_key()]
    good = dict(entries)
    entries[b"playbook:v2@2"] = b"{"
    ours = copy(Redis(held))
    with capture_logs() as logs:
        found = await ours.read()
        await ours.read()
    assert [line["name"] for line in logs] == ["playbook:v2@2"]
    # Where Kafka has forgotten them, all that are left count: nobody waits for one that never will.
    assert [one.version for one in Definitions(found).history(PLAYBOOK)] == ["v1", "v3"]
    await ours.keep(Definitions(all_three))
    assert entries == good, "Kafka has it: it is written again"
    assert encode_definition(all_three[1]) == entries[b"playbook:v2@2"]
