"""Deduplication before an insert: each row of a table once, at every moment, so that no view needs
`FINAL`.

A filter in memory says of most rows that they are certainly new; the others are looked up by the
table's sorting key. The filter is read from the table after the first few thousand look-ups.
Two workers that insert two receipts of one event within the same second, which only a change of
its address can bring into two partitions, both store it: ClickHouse merges those
(ReplacingMergeTree).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from threading import Lock
from typing import Any, Final

import msgspec
import numpy as np
from clickhouse_cityhash.cityhash import CityHash64  # type: ignore[import-untyped]
from clickhouse_driver import Client

from streams.archive.key_filter import Hashes, KeyFilter
from streams.archive.tables import (
    COLUMNS_OF,
    EVENTS_TABLE,
    FACT_TABLES,
    IDENTITIES,
    Identity,
)

Columns = Sequence[list[Any]]
Key = tuple[Any, ...]

AT_ONCE: Final = 20_000
"""Keys of one look-up."""

HASHES_AT_ONCE: Final = 1_000_000
"""Hashes that are added to a new filter at a time."""

LOOKED_UP: Final = 5_000
"""Rows that are looked up one by one before a filter is worth its reading."""

_SPARE: Final = 1.5
"""How much larger a new filter is than the table."""

_LARGE_QUERY: Final = {"max_query_size": 1 << 28, "max_ast_elements": 10_000_000}
_RECEIPT_BITS: Final = ((22, None), (18, 15), (0, 262_143))
_UINT64: Final = 2**64 - 1


class Fresh(msgspec.Struct, frozen=True):
    """The rows of a block that are to be stored."""

    columns: Columns
    replaced: tuple[Key, ...] = ()
    """Keys of stored rows with a later receipt, which give way."""


class StoredKeys:
    """What the tables of `IDENTITIES` hold, as far as one worker needs to know. Its inserters share
    it: calls from several threads queue where they touch a filter."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` bounds the memory of one table's filter."""
        self._max_bytes = max_bytes
        self._filters: dict[str, KeyFilter] = {}
        self._counts: Counter[str] = Counter()
        self._latest: dict[tuple[str, int], Hashes] = {}
        """(table, connection) -> hashes of its latest block, which may not be stored yet."""
        self._lock = Lock()

    def forget(self) -> None:
        """The filters are read anew before the next insert: other workers may have inserted."""
        with self._lock:
            self._filters.clear()
            self._counts.clear()

    def fresh(self, client: Client, table: str, columns: Columns) -> Fresh:
        """The block without rows that are stored already, or that it holds twice. Raises what the
        driver raises."""
        identity = IDENTITIES.get(table)
        if identity is None or not columns[0]:
            return Fresh(columns)
        block = _Block(table, identity, columns)
        known = self._known(client, table, block)
        first = block.first_receipts()
        replaced: list[Key] = []
        kept = list(range(len(block.keys))) if first is None else first
        doubtful = [block.keys[index] for index in kept if known[index]]
        if doubtful:
            stored = stored_receipts(client.execute, table, doubtful)
            if stored:
                kept, replaced = _later_dropped(block, kept, stored)
        if len(kept) == len(block.keys):
            return Fresh(columns, tuple(replaced))
        return Fresh([[column[index] for index in kept] for column in columns], tuple(replaced))

    def _known(self, client: Client, table: str, block: "_Block") -> Sequence[bool]:
        """Whether each row may be stored already."""
        rows = len(block.keys)
        hashes = block.hashes()
        with self._lock:
            self._counts[table] += rows
            count = self._counts[table]
            found = self._filters.get(table)
            if found is None and count <= LOOKED_UP:
                self._latest[table, id(client)] = hashes
                return [True] * rows
            if found is None or self._outgrown(found, count):
                found = self._filters[table] = self._load(client, table, rows)
            self._latest[table, id(client)] = hashes
            known = found.contains(hashes)
            found.add(hashes)
        for index in block.elsewhere():
            known[index] = True
        answer: list[bool] = known.tolist()
        return answer

    def _outgrown(self, found: KeyFilter, count: int) -> bool:
        return count > found.capacity and found.bytes < self._max_bytes

    def _load(self, client: Client, table: str, more: int) -> KeyFilter:
        rows = int(client.execute(f"SELECT count() FROM {table}")[0][0])  # noqa: S608 - ours
        found = KeyFilter(round((rows + more) * _SPARE) + AT_ONCE, self._max_bytes)
        hashed = _hashed(IDENTITIES[table])
        answer = client.execute_iter(f"SELECT {hashed} FROM {table}")  # noqa: S608 - ours
        hashes = chain.from_iterable(answer)  # rows of one column
        while page := list(islice(hashes, HASHES_AT_ONCE)):
            found.add(np.array(page, np.uint64))
        # What other connections are inserting is not in the table's answer.
        for (of, _), latest in self._latest.items():
            if of == table:
                found.add(latest)
        self._counts[table] = rows + more
        return found


class _Block:
    """The keys and receipts of the rows of one block."""

    def __init__(self, table: str, identity: Identity, columns: Columns) -> None:
        named = dict(zip(COLUMNS_OF[table], columns, strict=True))
        self._named = named
        self._identity = identity
        self.place_bits = identity.place_bits
        self.keys: list[Key] = list(zip(*(named[name] for name in identity.keys), strict=True))

    def hashes(self) -> Hashes:
        """As `_hashed` has ClickHouse compute them."""
        return np.array(
            [
                CityHash64("\0".join(map(str, key)).encode("utf-8", "surrogatepass"))
                for key in self.keys
            ],
            np.uint64,
        )

    def elsewhere(self) -> Iterable[int]:
        """Rows whose double may have come in another partition."""
        if not self._identity.elsewhere:
            return ()
        column = self._named[self._identity.elsewhere]
        return (
            index for index, value in enumerate(column) if value and value != self.keys[index][0]
        )

    def receipt(self, index: int) -> int:
        """The smaller, the earlier."""
        values = [self._named[name][index] for name in self._identity.receipt_of]
        if len(values) == 1:
            return int(max(values[0], 0))
        found = 0
        for value, (shift, most) in zip(values, _RECEIPT_BITS, strict=True):
            found |= (max(value, 0) if most is None else min(value, most)) << shift
        return found & _UINT64

    def first_receipts(self) -> list[int] | None:
        """Rows without later receipts of the same key, in their order; None where all stay."""
        if len(set(self.keys)) == len(self.keys):
            return None
        first: dict[Key, int] = {}
        for index, key in enumerate(self.keys):
            other = first.setdefault(key, index)
            if other != index and self.receipt(index) < self.receipt(other):
                first[key] = index
        return sorted(first.values())


def erase_replaced(execute: Callable[..., Any], table: str, replaced: Sequence[Key]) -> None:
    """Deletes stored rows that give way to an earlier receipt, and what was taken from them. May be
    repeated."""
    if not replaced:
        return
    _delete(execute, table, IDENTITIES[table].keys, replaced)
    if table == EVENTS_TABLE:
        erase_facts(execute, replaced)


def erase_facts(execute: Callable[..., Any], keys: Sequence[Key]) -> None:
    """Deletes what was taken from the events of these keys; nothing is taken from a copy. May be
    repeated."""
    names = IDENTITIES[EVENTS_TABLE].keys[:2]
    originals = [key[:2] for key in keys if not key[2]]
    for fact_table in FACT_TABLES:
        _delete(execute, fact_table, names, originals)


def _delete(
    execute: Callable[..., Any], table: str, names: Sequence[str], keys: Sequence[Key]
) -> None:
    for start in range(0, len(keys), AT_ONCE):
        execute(
            f"DELETE FROM {table} WHERE ({', '.join(names)}) IN %(keys)s",  # noqa: S608 - ours
            {"keys": list(keys[start : start + AT_ONCE])},
            settings=_LARGE_QUERY,
        )


def stored_receipts(execute: Callable[..., Any], table: str, keys: Sequence[Key]) -> dict[Key, int]:
    """Key -> first stored receipt, of those keys of a table of `IDENTITIES` that are stored. Raises
    what the driver raises."""
    identity = IDENTITIES[table]
    names = ", ".join(identity.keys)
    found: dict[Key, int] = {}
    for start in range(0, len(keys), AT_ONCE):
        rows = execute(
            f"SELECT {names}, min({identity.receipt}) FROM {table}"  # noqa: S608 - ours
            f" WHERE ({names}) IN %(keys)s GROUP BY {names}",
            {"keys": list(keys[start : start + AT_ONCE])},
            settings=_LARGE_QUERY,
        )
        found.update((tuple(row[:-1]), row[-1]) for row in rows)
    return found


def _later_dropped(
    block: _Block, kept: Sequence[int], stored: dict[Key, int]
) -> tuple[list[int], list[Key]]:
    """The rows that stay, and the keys of stored rows that give way to them."""
    bits = block.place_bits
    staying: list[int] = []
    replaced: list[Key] = []
    for index in kept:
        key = block.keys[index]
        at = stored.get(key)
        if at is None:
            staying.append(index)
        elif block.receipt(index) >> bits < at >> bits:
            staying.append(index)
            replaced.append(key)
    return staying, replaced


def _hashed(identity: Identity) -> str:
    parts = ", '\\0', ".join(f"toString({name})" for name in identity.keys)
    return f"cityHash64(concat({parts}))"
