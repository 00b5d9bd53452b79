"""Posting to receivers that are none."""

import asyncio

from infra.delivery.posting import Poster


async def test_the_path_of_a_url_is_told_to_nobody_whatever_goes_wrong() -> None:
    """The URL of a chat's webhook is its secret; what an attempt says is logged and shown."""

    async def answer_no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"what?\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer_no_http, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    poster = Poster(allow_private=True)
    try:
        for beginning, verdict in (
            (f"http://127.0.0.1:{port}", "again"),
            (f"http://key:secret@127.0.0.1:{port}", "again"),
            ("hooks.example.com", "refused"),
            ("ftp://hooks.example.com", "refused"),
            ("https://hooks.example.com:99999", "refused"),
            ("https://", "refused"),
        ):
            attempt = await poster.post(f"{beginning}/services/secret", b"{}", {})
            assert attempt.verdict == verdict, attempt
            assert "secret" not in attempt.detail
    finally:
        await poster.close()
        server.close()
