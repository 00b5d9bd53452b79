"""The boards; a new one is a file here and a line in `BOARDS`."""

from typing import Final

from infra.grafana.boards.campaigns import CAMPAIGNS
from infra.grafana.boards.churn import CHURN
from infra.grafana.boards.contact_centre import CONTACT_CENTRE
from infra.grafana.boards.customers import CUSTOMERS
from infra.grafana.boards.dialogues import DIALOGUES
from infra.grafana.boards.executive import EXECUTIVE
from infra.grafana.boards.operations import OPERATIONS
from infra.grafana.boards.quality import QUALITY
from infra.grafana.panel import Board

BOARDS: Final[tuple[Board, ...]] = (
    EXECUTIVE,
    CUSTOMERS,
    DIALOGUES,
    CHURN,
    CAMPAIGNS,
    CONTACT_CENTRE,
    QUALITY,
    OPERATIONS,
)
