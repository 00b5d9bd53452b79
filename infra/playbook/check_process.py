"""`python -m infra.playbook.check_process`: a playbook on standard input, its mistakes as JSON on
standard output. `OUT_OF_MEMORY` is its exit code where the playbook takes too much memory; the
kernel ends it where it takes too much time."""

import resource
import sys

import msgspec

from infra.playbook.check import MAX_BYTES, MAX_SECONDS, OUT_OF_MEMORY
from infra.playbook.playbook_file import PlaybookError, parse_playbook


def main() -> int:
    """Checks one playbook within the bounds."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    try:
        parse_playbook(text, "playbook")
    except PlaybookError as problem:
        sys.stdout.buffer.write(msgspec.json.encode(problem.mistakes))
    except MemoryError:
        return OUT_OF_MEMORY
    else:
        sys.stdout.buffer.write(b"[]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
