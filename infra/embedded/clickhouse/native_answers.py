"""What a native client gets for each kind of statement."""

from __future__ import annotations

from functools import partial
from typing import Final

from . import packets
from .blocks import Columns, columns_of, header_block, labelled, needs_labels, split_blocks
from .byte_stream import MalformedError
from .column_layout import UnsupportedTypeError, layout_of
from .failure import (
    NOT_IMPLEMENTED,
    QUERY_WAS_CANCELLED,
    ClickHouseError,
    failure,
)
from .native_connection import PATIENCE_SECONDS, NativeConnection
from .packets import ClientPacket, Query
from .session import Chunk, Results, Session, Written
from .spool import Spool
from .statement import ANSWERING, SELECTING, Insert, first_word, insert_of, without_format

_NATIVE: Final = "Native"
_NOT_STREAMABLE: Final = "Streaming query is not supported"


async def answer(connection: NativeConnection) -> None:
    """Read one query and answer it; an error of the query is an answer too."""
    query = await packets.read_query(connection.stream)
    connection.abandoned = False
    tables = await _external_tables(connection, compressed=query.compressed)
    try:
        if tables:
            raise _not_implemented(f"External tables ({', '.join(tables)}) are not supported.")
        await connection.work(partial(connection.session.prepare, query.settings))
        await _dispatch(connection, query)
    except UnsupportedTypeError as error:
        unsupported = _not_implemented(f"Columns of type {error} cannot be sent or received.")
        await connection.send(packets.exception(unsupported))
    except ClickHouseError as error:
        if connection.abandoned and error.code == QUERY_WAS_CANCELLED:
            await connection.send(packets.END_OF_STREAM)
        else:
            await connection.send(packets.exception(error))


async def _dispatch(connection: NativeConnection, query: Query) -> None:
    insert = insert_of(query.sql)
    if insert is not None and insert.inline:
        await _insert_inline(connection, insert)
    elif insert is not None:
        await _insert(connection, query, insert)
    elif first_word(query.sql) in SELECTING:
        try:
            await _select(connection, query)
        except ClickHouseError as error:
            if _NOT_STREAMABLE not in error.message:
                raise
            await _run(connection, query)
    else:
        await _run(connection, query)


async def _external_tables(connection: NativeConnection, *, compressed: bool) -> list[str]:
    """Read the Data packets that follow a query up to the empty one; gives the tables' names."""
    names: list[str] = []
    while True:
        if await connection.packet_kind(PATIENCE_SECONDS) != ClientPacket.DATA:
            raise MalformedError("a query that is not followed by its data")
        name, shape = await connection.read_data(compressed=compressed)
        if not shape.columns:
            return names
        names.append(name)


async def _select(connection: NativeConnection, query: Query) -> None:
    sql, _ = without_format(query.sql)
    session, compressed = connection.session, query.compressed
    columns = await connection.work(partial(_columns_if_any, session, sql))
    rows = blocks = size = 0
    chunk = None
    await _send_header(connection, columns, compressed=compressed)
    results = await connection.work(partial(session.stream, sql, _NATIVE))
    try:
        while not connection.abandoned:
            pull = partial(
                _pull, results, columns, headed=bool(columns or blocks), compressed=compressed
            )
            pulled = await connection.work(pull)
            if pulled is None:
                break
            chunk, packet = pulled
            await connection.send(packet)
            rows, blocks, size = rows + chunk.rows, blocks + 1, size + len(chunk.data)
    finally:
        await connection.backend.engine.run(results.close)
    await connection.send(
        packets.profile_info(rows=rows, blocks=blocks, size=size)
        + (packets.progress(rows=chunk.read_rows, read_bytes=chunk.read_bytes) if chunk else b"")
        + packets.END_OF_STREAM
    )


def _pull(
    results: Results, columns: Columns, *, headed: bool, compressed: bool
) -> tuple[Chunk, bytes] | None:
    """Make the next block's packet, with a header before it when there was none yet."""
    chunk = results.pull()
    if chunk is None:
        return None
    block = labelled(chunk.data, columns) if needs_labels(columns) else chunk.data
    packet = packets.data(block, compressed=compressed)
    found = None if headed else columns_of(block)
    if found:
        packet = packets.data(header_block(found), compressed=compressed) + packet
    return chunk, packet


def _columns_if_any(session: Session, sql: str) -> Columns:
    try:
        return session.columns_of_query(sql)
    except ClickHouseError:
        # Either running it says better what is wrong, or it is one of the few forms that can be
        # run but not described, such as a SELECT in parentheses.
        return ()


async def _run(connection: NativeConnection, query: Query) -> None:
    """Answer a statement the engine does in one go: DDL, SET, INSERT … SELECT, SHOW, …"""
    sql, _ = without_format(query.sql)
    session = connection.session
    blocks = split_blocks(await connection.work(partial(session.query, sql, _NATIVE)))
    columns: Columns = blocks[0][0].columns if blocks else ()
    if not columns and first_word(sql) in ANSWERING:
        columns = await connection.work(partial(session.columns_of_answer, sql))
    await _send_header(connection, columns, compressed=query.compressed)
    for _, block in blocks:
        await connection.send(packets.data(block, compressed=query.compressed))
    await connection.send(packets.END_OF_STREAM)


async def _insert_inline(connection: NativeConnection, insert: Insert) -> None:
    data_format = insert.data_format or "Values"
    rows = [insert.inline.encode()]
    session = connection.session
    call = partial(session.insert, insert.head, data_format, rows)
    await _send_written(connection, await connection.work(call, stoppable=False))


async def _insert(connection: NativeConnection, query: Query, insert: Insert) -> None:
    """Ask for the blocks, keep them until the last is here, then insert them in one go."""
    if insert.target.startswith("FUNCTION "):
        raise _not_implemented("Client data cannot be inserted into a table function.")
    session = connection.session
    columns = await connection.work(partial(session.columns_to_insert, insert))
    for _, type_name in columns:
        layout_of(type_name)
    await _send_header(connection, columns, compressed=query.compressed)
    with connection.backend.spool() as spool:
        complete = await _receive_blocks(connection, spool, compressed=query.compressed)
        spool.check()
        if not complete or not spool.size:
            await connection.send(packets.END_OF_STREAM)
            return
        call = partial(session.insert, insert.head, _NATIVE, spool.pieces())
        # All of it is here: half of an insert is never what a client that left has wanted.
        await _send_written(connection, await connection.work(call, stoppable=False))


async def _receive_blocks(connection: NativeConnection, spool: Spool, *, compressed: bool) -> bool:
    """Spool all blocks of an insert; False when the client cancelled it half-way."""
    while True:
        kind = await connection.packet_kind(PATIENCE_SECONDS)
        if kind == ClientPacket.CANCEL:
            return False
        if kind != ClientPacket.DATA:
            raise MalformedError(f"packet {kind} inside an insert")
        _, shape = await connection.read_data(compressed=compressed, sink=spool.write)
        if not shape.columns:
            return True


async def _send_header(connection: NativeConnection, columns: Columns, *, compressed: bool) -> None:
    if columns:
        await connection.send(packets.data(header_block(columns), compressed=compressed))


async def _send_written(connection: NativeConnection, written: Written) -> None:
    done = packets.progress(written_rows=written.rows, written_bytes=written.bytes)
    await connection.send(done + packets.END_OF_STREAM)


def _not_implemented(text: str) -> ClickHouseError:
    return failure(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", text)
