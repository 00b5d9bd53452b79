"""`python -m infra.grafana.dashboards_json` writes the boards as Grafana reads them."""

from pathlib import Path
from typing import Any, Final

import msgspec

from infra.grafana.boards import BOARDS
from infra.grafana.panel import DAYS, VARIABLES, Board, MetricPanel, Panel

FOLDER: Final = Path(__file__).parent / "dashboards"
DATA_SOURCE: Final = {"type": "grafana-clickhouse-datasource", "uid": "daehwa"}
METRICS: Final = {"type": "prometheus", "uid": "daehwa-prometheus"}

_DAYS: Final = "day >= toDate($__fromTime) AND day <= toDate($__toTime)"
_COLUMNS: Final = 24
_SIZES: Final = {"stat": (6, 4), "timeseries": (12, 8), "barchart": (12, 9), "table": (12, 9)}
"""Kind of panel -> width and height."""

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "none",
        "graphMode": "none",
        "textMode": "auto",
    },
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}},
    "barchart": {"orientation": "horizontal", "legend": {"showLegend": False}},
    "table": {"showHeader": True},
}


def board_json(board: Board) -> bytes:
    """The file of a board."""
    written = " ".join(panel.sql for panel in board.panels if isinstance(panel, Panel))
    made = {
        "uid": board.uid,
        "title": board.title,
        "tags": ["daehwa"],
        "timezone": "browser",
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "5m",
        "time": {"from": f"now-{board.days}d", "to": "now"},
        "templating": {"list": [_variable(name) for name in VARIABLES if f"${{{name}:" in written]},
        "annotations": {"list": []},
        "links": [],
        "panels": _placed(board.panels),
    }
    return msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"


def write_boards() -> None:
    """Writes the file of each board."""
    for board in BOARDS:
        (FOLDER / f"{board.uid}.json").write_bytes(board_json(board))


def _placed(panels: tuple[Panel | MetricPanel, ...]) -> list[dict[str, Any]]:
    """From left to right, then in the next row."""
    made = []
    x = y = row = 0
    for number, panel in enumerate(panels, 1):
        kind = panel.kind if isinstance(panel, Panel) else "timeseries"
        width, height = _SIZES[kind]
        if x + width > _COLUMNS or (row and height != row):
            x, y = 0, y + row
        row = height
        made.append(_panel(number, panel, {"x": x, "y": y, "w": width, "h": height}))
        x += width
    return made


def _panel(number: int, panel: Panel | MetricPanel, place: dict[str, int]) -> dict[str, Any]:
    if isinstance(panel, Panel):
        kind, target = panel.kind, _query(panel)
    else:
        kind, target = "timeseries", _metric(panel)
    return {
        "id": number,
        "title": panel.title,
        "description": panel.about,
        "type": kind,
        "datasource": target["datasource"],
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "custom": {}}, "overrides": []},
        "options": _OPTIONS[kind],
        "targets": [target],
    }


def _query(panel: Panel) -> dict[str, Any]:
    series = panel.kind == "timeseries"
    return {
        "refId": "A",
        "datasource": DATA_SOURCE,
        "editorType": "sql",
        "queryType": "timeseries" if series else "table",
        "format": 0 if series else 1,
        "rawSql": panel.sql.replace(DAYS, _DAYS),
    }


def _metric(panel: MetricPanel) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasource": METRICS,
        "expr": panel.expr,
        "legendFormat": panel.legend,
        "range": True,
    }


def _variable(name: str) -> dict[str, Any]:
    label, query = VARIABLES[name]
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATA_SOURCE,
        "query": query,
        "multi": True,
        "includeAll": True,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "refresh": 1,
        "sort": 1,
        "hide": 0,
    }


if __name__ == "__main__":
    write_boards()
