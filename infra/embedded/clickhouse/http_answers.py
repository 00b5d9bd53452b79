"""The headers of an answer: which query it was, in which form it is, and what it cost."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from uuid import uuid4

from .session import Chunk, Written

_NOTHING = Written()


@dataclass(frozen=True, slots=True)
class AnswerHeaders:
    """What is known of an answer before its statement is run."""

    query_id: str
    """As the client chose it; "" where it left that to the server."""
    timezone: str
    encoding: str
    """`Content-Encoding`; "" without one."""
    started: int
    """`time.perf_counter_ns` of the request's beginning."""

    def of(
        self,
        content_type: str,
        data_format: str,
        *,
        read: Chunk | None = None,
        written: Written = _NOTHING,
    ) -> dict[str, str]:
        """The headers of an answer. One that is sent while it is made (`read` is None) does not
        know yet what it reads, as on a ClickHouse server."""
        headers = {
            "Content-Type": content_type,
            "X-ClickHouse-Format": data_format,
            "X-ClickHouse-Query-Id": self.query_id or str(uuid4()),
            "X-ClickHouse-Server-Display-Name": "embedded",
            "X-ClickHouse-Timezone": self.timezone,
            "X-ClickHouse-Summary": self._summary(read, written),
        }
        if self.encoding:
            headers["Content-Encoding"] = self.encoding
        return headers

    def _summary(self, read: Chunk | None, written: Written) -> str:
        found = {
            "read_rows": read.read_rows if read else 0,
            "read_bytes": read.read_bytes if read else 0,
            "written_rows": written.rows,
            "written_bytes": written.bytes,
            "total_rows_to_read": 0,
            "result_rows": read.rows if read else written.rows,
            "result_bytes": len(read.data) if read else written.bytes,
            "elapsed_ns": time.perf_counter_ns() - self.started,
        }
        # Texts, because that is what clients parse.
        return json.dumps({name: str(value) for name, value in found.items()})
