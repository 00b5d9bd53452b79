"""A history of e-CRM in an archive."""

from infra.clickhouse.inserter import Inserter
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK
from schemas.event import WireEvent
from streams.archive.rows import Place, block_token, event_columns, trigger_columns
from streams.archive.tables import EVENTS_TABLE, TRIGGERS_TABLE
from tests.harness.crm_history import History, batches

ENVELOPE = 50
TRIGGERS_BLOCK = 700


def store_history(inserter: Inserter, history: History, blocks: int) -> None:
    """Stores the events in so many blocks, and the triggers as a worker that died writes them."""
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    offset = 0
    for batch in batches(history.arrivals, blocks):
        records: list[tuple[Place, list[WireEvent]]] = []
        for start in range(0, len(batch), ENVELOPE):
            records.append((Place("log", 0, offset), batch[start : start + ENVELOPE]))
            offset += 1
        columns = event_columns(records, playbook)
        inserter.insert(EVENTS_TABLE, columns, block_token(place for place, _ in records))
    # A worker that died after it wrote its triggers writes them again.
    decided = [*history.triggers, *history.triggers[:100]]
    places = [(Place("log", 0, number), one) for number, one in enumerate(decided)]
    for start in range(0, len(places), TRIGGERS_BLOCK):
        columns = trigger_columns(places[start : start + TRIGGERS_BLOCK])
        inserter.insert(TRIGGERS_TABLE, columns, f"triggers/{start}")
