"""Privacy settings: traits allowed and hashed, networks, URL parameters."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode

from streams.privacy.scrubbing import Addresses, Scrubbing
from streams.privacy.urls import parameters_pattern


class PrivacySettings(BaseSettings):
    """Scrubbing before Kafka, by the collector and the contact API."""

    traits_allowed: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="names of the traits that are taken, comma-separated; empty: any"
    )
    traits_hashed: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="traits and properties of which only a keyed hash is taken"
    )
    traits_secret: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="the key of these hashes, 16 characters or more",
    )
    ip: Addresses = Field(
        "truncate",
        description="context.ip: truncate (to /24, IPv6 /48), drop or keep",
    )
    url_parameters_dropped: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="query parameters whose values are left out of URLs: email,token,…"
    )

    @field_validator("traits_allowed", "traits_hashed", "url_parameters_dropped", mode="before")
    @classmethod
    def _read_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("traits_secret")
    @classmethod
    def _secret(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        secret = value.get_secret_value()
        if (secret or info.data.get("traits_hashed")) and len(secret) < 16:
            raise ValueError("write at least 16 characters that nobody can guess; hashes need it")
        return value

    @property
    def scrubbing(self) -> Scrubbing:
        """The privacy settings compiled for every event."""
        return Scrubbing(
            allowed=frozenset(name.lower() for name in self.traits_allowed) or None,
            hashed=frozenset(name.lower() for name in self.traits_hashed),
            key=self.traits_secret.get_secret_value().encode(),
            addresses=self.ip,
            parameters=parameters_pattern(self.url_parameters_dropped),
        )
