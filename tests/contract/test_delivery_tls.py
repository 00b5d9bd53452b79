"""TLS to an endpoint whose name was looked up and checked first: the address is pinned, the name is
what the certificate has to be for."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.delivery import addresses
from infra.delivery.posting import Poster
from infra.delivery.records import Attempt

NAME = "hooks.example"


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our own authority")])
        self.file = folder / "authority.pem"
        own = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(True, None))
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def server(self, host: str) -> ssl.SSLContext:
        """What a server needs that is to be believed to be `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        path = self._folder / f"{host}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + self._sign(subject, key.public_key(), names).public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, about: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(about, critical=False)
            .sign(self._key, hashes.SHA256())
        )


class Server:
    """A receiver on loopback: which names were asked for, and the heads of the requests."""

    def __init__(self) -> None:
        self.names: list[str | None] = []
        self.heads: list[bytes] = []
        self.port = 0

    @asynccontextmanager
    async def listening(self, context: ssl.SSLContext) -> AsyncIterator[None]:
        """Answers 204."""
        context.sni_callback = lambda _, name, __: self.names.append(name)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(autouse=True)
def the_name_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """`hooks.example` is on loopback, and loopback, for once, the internet."""

    async def resolve(host: str, _: int) -> list[str]:
        assert host == NAME
        return ["127.0.0.1"]

    monkeypatch.setattr(addresses, "resolve", resolve)
    monkeypatch.setattr(addresses, "is_public", lambda _: True)


async def attempt(server: Server) -> Attempt:
    poster = Poster(allow_private=False)
    try:
        return await poster.post(f"https://{NAME}:{server.port}/hook", b"{}", {"webhook-id": "1"})
    finally:
        await poster.close()


async def test_the_certificate_is_for_the_name_though_the_address_is_pinned(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    server = Server()
    async with server.listening(authority.server(NAME)):
        told = await attempt(server)
    assert told.verdict == "delivered", told
    assert server.names == [NAME]
    assert f"host: {NAME}:{server.port}" in server.heads[0].decode().lower()


async def test_a_certificate_for_another_name_is_refused(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    server = Server()
    async with server.listening(authority.server("elsewhere.example")):
        told = await attempt(server)
    assert (told.verdict, server.heads) == ("again", [])
    assert "Certificate" in told.detail


async def test_a_certificate_of_an_authority_nobody_named_is_refused(authority: Authority) -> None:
    server = Server()
    async with server.listening(authority.server(NAME)):
        told = await attempt(server)
    assert (told.verdict, server.heads) == ("again", [])
    assert "Certificate" in told.detail
