"""The certificate of SNS, fetched over real HTTP."""

import asyncio

import httpx
import pytest

from infra.sources.sns import LARGEST, fetch


@pytest.mark.parametrize(("size", "is_taken"), [(LARGEST, True), (LARGEST + 1, False)])
async def test_a_certificate_larger_than_its_bound_is_refused(size: int, is_taken: bool) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * size)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/certificate.pem"
    async with server:
        if is_taken:
            assert len(await asyncio.to_thread(fetch, url)) == size
        else:
            with pytest.raises(httpx.HTTPError, match="at most"):
                await asyncio.to_thread(fetch, url)
