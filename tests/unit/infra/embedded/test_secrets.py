"""Passwords of the embedded servers: kept, private to their owner, and never empty."""

from pathlib import Path

from infra.embedded.secrets import kept_secret


def test_a_secret_is_the_same_at_the_next_start(tmp_path: Path) -> None:
    made = kept_secret(tmp_path / "data", "redis-password")
    assert kept_secret(tmp_path / "data", "redis-password") == made
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["redis-password"]


def test_only_its_owner_reads_a_secret(tmp_path: Path) -> None:
    kept_secret(tmp_path, "redis-password")
    assert (tmp_path / "redis-password").stat().st_mode & 0o077 == 0


def test_a_file_that_a_crash_left_empty_is_no_empty_password(tmp_path: Path) -> None:
    (tmp_path / "redis-password").touch(mode=0o600)
    made = kept_secret(tmp_path, "redis-password")
    assert len(made) >= 32
    assert kept_secret(tmp_path, "redis-password") == made
