"""The view `daehwa.consents` reads a statement as the fold does, on a real engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.clickhouse.migrations import migrate
from infra.embedded.clickhouse.launch import launch
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.event import WireEvent
from streams.archive.rows import Place, block_token, event_columns
from streams.archive.tables import EVENTS_TABLE
from streams.codec.codec import decode_envelope, encode_envelope, encode_event
from streams.consent.consent import consent_of
from tests.harness.consent_spellings import NAMES, NO, UNCLEAR, YES

NOW = 1_750_000_000_000
STATED: list[Any] = [
    *[{"email": value} for value in (*NO, *YES, *UNCLEAR, "", " ", [], {})],
    *[{name: False} for name in NAMES],
    *[{"all": {"Marketing": value}} for value in ("No", True, "maybe")],
    True, False, "no", "granted", 0, None,
    {"phone": "N", "KakaoTalk": "수신동의", "email:News Letter": "off"},
]  # fmt: skip
BANNERS: list[Any] = [
    {"ad_user_data": "denied", "analytics_storage": "granted", "other": "x"},
    {"categoryPreferences": {"Advertising": "false", "Functional": True}},
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder: Path = tmp_path_factory.mktemp("consent")
    server = launch(folder / "data", folder / "log")
    yield Settings(clickhouse_url=server.url)
    server.stop()


def events() -> list[WireEvent]:
    made = []
    for number, (kind, stated, banner) in enumerate(
        [*[("identify", one, None) for one in STATED], *[("contact", one, None) for one in STATED],
         *[("page", None, one) for one in BANNERS]]
    ):  # fmt: skip
        properties = {} if kind == "page" else {"consent": stated}
        made.append(
            WireEvent(
                message_id=f"m{number}",
                type=kind,  # type: ignore[arg-type]
                occurred_at=NOW,
                received_at=NOW,
                user_id=f"u{number}",
                channel="web",
                properties=msgspec.Raw(msgspec.json.encode(properties)),
                context=msgspec.Raw(msgspec.json.encode({"consent": banner} if banner else {})),
            )
        )
    for name in ("Unsubscribed", "unSubscribe", "Other"):
        made.append(
            WireEvent(message_id=name, type="track", name=name, occurred_at=NOW, received_at=NOW,
                      user_id=name, channel="web")
        )  # fmt: skip
    return made


def test_the_view_reads_every_statement_as_the_fold_does(settings: Settings) -> None:
    client: Client = open_client(settings)
    migrate(client)
    sent = events()
    place = Place("log", 0, 0)
    inserter = Inserter(settings)
    columns = event_columns([(place, sent)], read_playbook(SHIPPED_PLAYBOOK))
    inserter.insert(EVENTS_TABLE, columns, block_token([place]))
    inserter.close()
    found: dict[str, dict[str, bool]] = {}
    for message_id, about, granted in client.execute(
        "SELECT message_id, about, granted FROM daehwa.consents"
    ):
        found.setdefault(message_id, {})[about] = bool(granted)
    client.disconnect()
    decoded, _ = decode_envelope(encode_envelope([encode_event(one) for one in sent]))
    expected = {one.message_id: dict(consent_of(one)) for one in decoded if consent_of(one)}
    assert found == expected
    assert len(expected) > 180
