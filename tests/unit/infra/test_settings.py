"""Settings: what is wrong is said, and no password with it."""

import pytest

from infra.clickhouse.connection import address
from infra.settings import Settings, SettingsError

SECRET = "whsec_" + "c2VjcmV0" * 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "http://user:hidden@host:1/0"),
        ("REDIS_URL", "redis//:hidden@host"),
        ("CLICKHOUSE_URL", "user:hid:hidden@host"),
        ("WEBHOOK_URL", "htps://user:hidden@host"),
        ("WEBHOOK_SECRET", "hidden"),
    ],
)
def test_a_wrong_setting_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("DAEHWA_WEBHOOK_URL", "https://shop.example/hook")
    monkeypatch.setenv("DAEHWA_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv(f"DAEHWA_{name}", value)
    with pytest.raises(SettingsError, match=f"DAEHWA_{name}=.*write ") as wrong:
        Settings.from_environment()
    assert "hidden" not in str(wrong.value)


def test_an_endpoint_without_a_secret_is_refused_before_anything_is_delivered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAEHWA_WEBHOOK_URL", "https://shop.example/hook")
    with pytest.raises(SettingsError, match="DAEHWA_WEBHOOK_SECRET"):
        Settings.from_environment()
    monkeypatch.setenv("DAEHWA_WEBHOOK_SECRET", SECRET)
    assert Settings.from_environment().webhook_url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("clickhouse://default@db", ("db", 9000)),
        ("clickhouses://default@db", ("db", 9440)),
        ("clickhouses://default@db:9999", ("db", 9999)),
    ],
)
def test_where_clickhouse_is(url: str, place: tuple[str, int]) -> None:
    assert address(Settings(clickhouse_url=url)) == place


def test_a_setting_that_was_misspelt_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAEHWA_PARTITION", "3")
    with pytest.raises(SettingsError, match="did you mean DAEHWA_PARTITIONS"):
        Settings.from_environment()
