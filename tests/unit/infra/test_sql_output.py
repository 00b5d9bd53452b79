"""What `daehwa sql --json` prints of a row."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from ipaddress import IPv4Address
from uuid import UUID

from infra.cli.formats.json_lines import json_line


def test_a_row_is_an_object_that_every_reader_of_json_takes() -> None:
    row = {
        "text": '대화 "x"',
        "none": None,
        "nan": float("nan"),
        "endless": float("-inf"),
        "time": datetime(2026, 1, 15, 12, tzinfo=UTC),
        "day": date(2026, 1, 15),
        "money": Decimal("1.50"),
        "id": UUID(int=7),
        "address": IPv4Address("192.0.2.1"),
        "list": [1, (2.5, float("nan"))],
        "map": {"a": 1},
    }

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    line = json_line(list(row), list(row.values()))
    assert json.loads(line, parse_constant=refuse) == {
        **row,
        "nan": None,
        "endless": None,
        "time": "2026-01-15T12:00:00Z",
        "day": "2026-01-15",
        "money": "1.50",
        "id": "00000000-0000-0000-0000-000000000007",
        "address": "192.0.2.1",
        "list": [1, [2.5, None]],
    }
