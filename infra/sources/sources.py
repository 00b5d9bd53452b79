"""The sources that may send webhooks to this API process."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from infra.sources.mapping_file import MappingFile, read_mappings
from infra.sources.signatures import is_authentic
from streams.mapping.mapping_items import Mapper


class NoSecretError(Exception):
    """The environment has no usable secret for a source; the text names the variable."""


class Source:
    """One mapping with its signature check."""

    def __init__(self, file: MappingFile, environment: Mapping[str, str]) -> None:
        self.mapping = file.mapping.source
        self.mapper = Mapper(file.mapping)
        signature = self.mapping.signature
        self._variable = signature.secret if signature is not None else ""
        self._secret = environment.get(self._variable, "").strip()

    @property
    def signed(self) -> bool:
        """Whether senders sign; otherwise they send the API token."""
        return self.mapping.signature is not None

    def is_authentic(self, urls: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the request has the source's signature. Raises `NoSecretError`."""
        signature = self.mapping.signature
        if signature is None:
            return False
        if not self._secret:
            raise NoSecretError(f"set {self._variable} to the secret of {self.mapping.name}")
        try:
            return is_authentic(signature, self._secret, urls, headers, body)
        except ValueError as problem:
            raise NoSecretError(f"{self._variable} is no secret of its kind: {problem}") from None


class Sources:
    """All sources by name."""

    def __init__(
        self,
        folder: Path | None,
        region: str,
        environment: Mapping[str, str] = os.environ,
        our_numbers: Collection[str] = (),
    ) -> None:
        """Raises `MappingError` for an invalid mapping."""
        self._sources = {
            name: Source(file, environment)
            for name, file in read_mappings(folder, region, our_numbers).items()
        }

    def __contains__(self, name: str) -> bool:
        return name in self._sources

    def __getitem__(self, name: str) -> Source:
        return self._sources[name]

    def names(self) -> list[str]:
        """The names, sorted."""
        return sorted(self._sources)
