"""One frozen object, read once from `DAEHWA_*` environment variables."""

import os
import re
from base64 import b64decode
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from infra.privacy.privacy_settings import PrivacySettings

SECRET_PREFIX = "DAEHWA_SECRET_"  # noqa: S105 - the beginning of names
"""Prefix of variables with secrets of endpoints, named by the playbook."""

RETRY_DELAYS = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds before the second, third, … tenth attempt: the recommended schedule of Standard Webhooks
1.0.0."""

SHIPPED_PLAYBOOK = Path(__file__).parent / "playbooks" / "shop.yaml"


_FOR_COMMANDS = ("write_key",)
"""Variables of `daehwa run` for its command that are no settings."""


class SettingsError(Exception):
    """An invalid setting; the text says which, why, and how to correct it."""


class Settings(PrivacySettings):
    """Everything that can be set. Each field is the variable `DAEHWA_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="DAEHWA_", frozen=True, extra="ignore")

    kafka_url: str = Field("kafka://127.0.0.1:9092", description="kafka://HOST:PORT[,HOST:PORT…]")
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0", description="redis://[:PASSWORD@]HOST:PORT/DB"
    )
    clickhouse_url: str = Field(
        "clickhouse://default@127.0.0.1:9000",
        description="clickhouse://[USER[:PASSWORD]@]HOST:PORT of the native protocol",
    )
    write_keys: Annotated[dict[str, str], NoDecode] = Field(
        {}, description="KEY=SOURCE[,KEY=SOURCE…]; a write key is public and can only send"
    )
    api_token: SecretStr = Field(
        SecretStr(""),
        description="bearer token of everything that reads; empty: nothing can be read",
    )
    playbook: Path = Field(SHIPPED_PLAYBOOK, description="path of the playbook")
    sources: Path | None = Field(
        None, description="folder with mappings (*.yaml) beside those that ship; empty: none"
    )
    host: str = Field("127.0.0.1", description="address the API listens on")
    port: int = Field(8080, ge=0, le=65535, description="port the API listens on")
    partitions: int = Field(4, ge=1, le=1000, description="partitions of each Kafka topic")
    replication: int = Field(1, ge=1, le=15, description="replicas of each Kafka topic")
    retention_hours: int = Field(168, ge=1, description="how long Kafka keeps events, hours")
    compression: Literal["zstd", "none"] = Field(
        "zstd", description="how the API compresses envelopes on the log: zstd or none"
    )
    linger_ms: int = Field(3, ge=0, le=1000, description="how long the collector gathers events")
    rebalance_timeout_s: int = Field(
        60, ge=1, description="Kafka consumer groups: rebalance timeout, seconds"
    )
    session_timeout_s: int = Field(
        30, ge=1, description="Kafka consumer groups: session timeout, seconds"
    )
    fetch_wait_ms: int = Field(
        500,
        ge=1,
        le=1000,
        description="how long Kafka may hold a worker's fetch that finds nothing",
    )
    dialogue_workers: int = Field(
        1, ge=1, le=64, description="dialogue workers of the stack that `daehwa up` and `run` start"
    )
    cached_profiles: int = Field(
        50_000, ge=100, description="profiles a dialogue worker keeps in memory"
    )
    profile_days: int = Field(
        730, ge=1, description="a profile that stays untouched for so many days expires"
    )
    anonymous_days: int = Field(
        90,
        ge=1,
        description="the same for visitors who never said who they are, bought or stated consent",
    )
    fold_failed_in_a_row: int = Field(
        50, ge=1, description="events in a row that fail before a partition stops"
    )
    fold_failed_share: float = Field(
        0.2, gt=0, le=1, description="share of the latest 1,000 events of a partition, likewise"
    )
    region: str = Field(
        "", description="country (such as KR) of telephone numbers written without +"
    )
    our_numbers: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="telephone numbers of ours, comma between them: none of them is a customer"
    )
    archive_linger_ms: int = Field(
        500, ge=0, description="how long the archive worker gathers rows"
    )
    archive_filter_mb: int = Field(
        256, ge=1, description="most memory (MiB) of the archive worker's filter of stored rows"
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="port of a worker's /metrics; 0 opens none"
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",),
        description="origins that may send from a browser, comma-separated; SOURCE=ORIGIN for "
        "those of one source",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="hosts that the API answers to, comma-separated, * for all; empty: on loopback "
        "its own names, else all",
    )
    connections_per_address: int = Field(
        256, ge=0, description="open connections of one address; 0: any number"
    )
    rate_limit: int = Field(
        20_000,
        ge=0,
        description="events a second that one source may send to an API process; 0: any",
    )
    webhook_url: str = Field("", description="where triggers are delivered; empty: nowhere")
    webhook_secret: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="whsec_… with which deliveries are signed; newest first, with commas",
    )
    webhook_private: bool = Field(
        False, description="allow deliveries to private and loopback addresses"
    )
    delivery_pauses: Annotated[tuple[float, ...], NoDecode] = Field(
        RETRY_DELAYS, description="seconds before the second, third, … attempt of a delivery"
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="smtp://[USER:PASSWORD@]HOST:PORT or smtps://… that takes our mails",
    )
    public_url: str = Field(
        "", description="https://HOST where customers reach this API; links in mails lead there"
    )
    link_secret: SecretStr = Field(
        SecretStr(""), description="signs links in mails; SECRET[,FORMER SECRET…]"
    )
    demo: bool = Field(False, description="serve the demo shop at /demo")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug, info, warning or error"
    )
    log_json: bool = Field(False, description="logs as JSON lines")

    @field_validator("write_keys", mode="before")
    @classmethod
    def _read_write_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.strip() for part in value.split(",") if part.strip()]
        keys = {}
        for pair in pairs:
            key, _, source = pair.partition("=")
            if not key.strip():
                raise ValueError(f"write KEY=SOURCE, not {pair!r}")
            keys[key.strip()] = source.strip() or "web"
        return keys

    @field_validator("sources", mode="before")
    @classmethod
    def _read_sources(cls, value: object) -> object:
        return value or None

    @field_validator("allowed_hosts", "allowed_origins", "our_numbers", mode="before")
    @classmethod
    def _read_list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("delivery_pauses", mode="before")
    @classmethod
    def _read_pauses(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(float(part) for part in value.split(",") if part.strip())

    @field_validator("delivery_pauses")
    @classmethod
    def _pauses(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 <= pause <= 7 * 86_400 for pause in value) or len(value) > 50:
            raise ValueError("write at most 50 numbers of seconds, each up to a week, with commas")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            _checked(value.get_secret_value(), ("smtp", "smtps"), "smtp://HOST:PORT")
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        return _checked(value, ("http", "https"), "https://HOST").rstrip("/") if value else value

    @field_validator("link_secret")
    @classmethod
    def _links(cls, value: SecretStr) -> SecretStr:
        if any(len(secret) < 16 for secret in _listed(value)):
            raise ValueError("write at least 16 characters that nobody can guess")
        return value

    @field_validator("region")
    @classmethod
    def _region(cls, value: str) -> str:
        if value and value.upper() not in SUPPORTED_REGIONS:
            raise ValueError(
                "write a country as ISO 3166 has it, such as KR or DE, or leave it empty"
            )
        return value.upper()

    @field_validator("kafka_url")
    @classmethod
    def _kafka(cls, value: str) -> str:
        if not value.startswith("kafka://") or not value.removeprefix("kafka://"):
            raise ValueError("write kafka://HOST:PORT")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        return _checked(value, ("redis", "rediss", "unix"), "redis://HOST:PORT/0")

    @field_validator("clickhouse_url")
    @classmethod
    def _clickhouse(cls, value: str) -> str:
        return _checked(value, ("clickhouse", "clickhouses"), "clickhouse://USER@HOST:9000")

    @field_validator("webhook_url")
    @classmethod
    def _webhook(cls, value: str) -> str:
        return _checked(value, ("http", "https"), "https://HOST/PATH") if value else value

    @field_validator("webhook_secret")
    @classmethod
    def _signing(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        secrets = _listed(value)
        if info.data.get("webhook_url") and not (
            secrets and all(is_signing_secret(one) for one in secrets)
        ):
            raise ValueError("write whsec_ and base64 of 24 to 64 bytes; the endpoint needs it")
        return value

    @property
    def webhook_secrets(self) -> list[str]:
        """The signing keys of the endpoint of the settings, newest first."""
        return _listed(self.webhook_secret)

    @property
    def link_secrets(self) -> list[str]:
        """Signing keys of links in mails, newest first."""
        return _listed(self.link_secret)

    @property
    def kafka_servers(self) -> str:
        """`HOST:PORT[,HOST:PORT…]` for Kafka clients."""
        return self.kafka_url.removeprefix("kafka://").rstrip("/")

    @property
    def clickhouse(self) -> SplitResult:
        """The parts of the ClickHouse URL."""
        return urlsplit(self.clickhouse_url)

    @classmethod
    def from_environment(cls) -> Self:
        """The settings of this process. Raises `SettingsError` with the name of an invalid
        variable."""
        for name in os.environ:
            field = name.removeprefix("DAEHWA_").lower()
            if name.startswith(SECRET_PREFIX):  # of an endpoint; the playbook names it
                continue
            if name.startswith("DAEHWA_") and field not in {*cls.model_fields, *_FOR_COMMANDS}:
                near = get_close_matches(field, cls.model_fields, 1, cutoff=0.85)
                if near:
                    meant = f"DAEHWA_{near[0].upper()}"
                    raise SettingsError(f"there is no setting {name}; did you mean {meant}?")
        try:
            return cls()
        except ValidationError as problem:
            first = problem.errors()[0]
            name = "DAEHWA_" + str(first["loc"][0]).upper()
            message = first["msg"].removeprefix("Value error, ")
            given = _shown(name, os.environ.get(name, ""))
            raise SettingsError(f"{name}={given!r}: {message}") from None


def _listed(value: SecretStr) -> list[str]:
    """The secrets in a list with commas."""
    return [part.strip() for part in value.get_secret_value().split(",") if part.strip()]


def is_signing_secret(secret: str) -> bool:
    """Whether the text is a secret of Standard Webhooks."""
    try:
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return secret.startswith("whsec_") and 24 <= len(key) <= 64


def _shown(name: str, value: str) -> str:
    """An invalid value for messages, without passwords."""
    if name.endswith(("_SECRET", "_TOKEN")):
        return "…" if value else ""
    return re.sub(r"^([a-z]*:?/*).*@", r"\1…@", value)


def _checked(value: str, schemes: tuple[str, ...], example: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not (parts.hostname or parts.scheme == "unix"):
        raise ValueError(f"write {example}")
    return value
