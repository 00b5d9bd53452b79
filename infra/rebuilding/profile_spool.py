"""Spool of rebuilt profiles: on disk, with a bounded cache in memory."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from schemas.profile import Profile
from streams.codec.codec import decode_profile, encode_profile
from streams.fold.batch import Batch

MAX_CACHED = 20_000
"""Profiles kept in memory."""

_AT_ONCE = 500


class ProfileSpool:
    """The state of one partition, in a temporary file."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32000;"
            "CREATE TABLE profiles (key BLOB PRIMARY KEY, value BLOB, touched INTEGER)"
            " WITHOUT ROWID;"
            "CREATE TABLE deadlines (kind TEXT, key BLOB, due INTEGER, PRIMARY KEY (kind, key))"
            " WITHOUT ROWID;"
        )
        self._cached: dict[str, Profile] = {}

    def read(self, keys: Sequence[str]) -> dict[str, Profile]:
        """The profiles that exist, by key."""
        found: dict[str, Profile] = {}
        for key in keys:
            profile = self._cached.get(key)
            if profile is None:
                value = self.value(key)
                if value is None:
                    continue
                profile = decode_profile(value)
            found[key] = profile
        return found

    def value(self, key: str) -> bytes | None:
        """The bytes of a profile; None where there is none."""
        sought = "SELECT value FROM profiles WHERE key = ?"
        row = self._file.execute(sought, (_bytes(key),)).fetchone()
        return None if row is None else bytes(row[0])

    def touched(self, key: str) -> int | None:
        """When a profile was last written, milliseconds; None where there is none."""
        sought = "SELECT touched FROM profiles WHERE key = ?"
        row = self._file.execute(sought, (_bytes(key),)).fetchone()
        return None if row is None else int(row[0])

    def forget(self, key: str) -> None:
        """Removes a profile."""
        self._cached.pop(key, None)
        self._file.execute("DELETE FROM profiles WHERE key = ?", (_bytes(key),))

    def write(self, batch: Batch, touched: Mapping[str, int]) -> None:
        """Keeps the profiles and deadlines of a batch; `touched` (profile key -> milliseconds) says
        when it happened."""
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT OR REPLACE INTO profiles VALUES (?, ?, ?)",
            [
                (_bytes(key), encode_profile(profile), touched[key])
                for key, profile in batch.profiles.items()
            ],
        )
        for (kind, key), due in batch.deadlines.items():
            if due is None:
                self._file.execute(
                    "DELETE FROM deadlines WHERE kind = ? AND key = ?", (kind, _bytes(key))
                )
            else:
                self._file.execute(
                    "INSERT OR REPLACE INTO deadlines VALUES (?, ?, ?)", (kind, _bytes(key), due)
                )
        self._file.execute("COMMIT")
        cached = self._cached
        for key, profile in batch.profiles.items():
            cached.pop(key, None)
            cached[key] = profile
        for key in list(cached)[: max(0, len(cached) - MAX_CACHED)]:
            del cached[key]

    def __len__(self) -> int:
        return int(self._file.execute("SELECT count(*) FROM profiles").fetchone()[0])

    def profiles(self) -> Iterator[dict[str, tuple[bytes, int]]]:
        """Key -> bytes of every profile and when it was last written, a few hundred at a time."""
        rows = self._file.execute("SELECT key, value, touched FROM profiles ORDER BY key")
        while some := rows.fetchmany(_AT_ONCE):
            yield {_text(key): (bytes(value), touched) for key, value, touched in some}

    def deadlines(self) -> Iterator[dict[tuple[str, str], int]]:
        """(kind, profile key) -> due of every pending deadline, a few hundred at a time."""
        rows = self._file.execute("SELECT kind, key, due FROM deadlines ORDER BY kind, key")
        while some := rows.fetchmany(_AT_ONCE):
            yield {(kind, _text(key)): due for kind, key, due in some}

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")


def _text(key: bytes) -> str:
    return bytes(key).decode("utf-8", "surrogatepass")
