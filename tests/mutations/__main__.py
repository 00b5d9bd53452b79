"""`python -m tests.mutations`: breaks each guarantee in a copy and says which tests went red.

Exit code 1 where a mutation survives. `--json` prints JSON lines. Takes some minutes.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.harness.paths import ROOT
from tests.mutations.mutations import MUTATIONS, Mutation

COPIED = ("agents", "api", "bench", "docs", "infra", "schemas", "streams", "tests",
          "pyproject.toml", "README.md", "CONTRIBUTING.md", "docker-compose.yml")  # fmt: skip


def main() -> int:
    """Checks all of them."""
    survivors = 0
    table = Table("guarantee", "patch", "tests that went red")
    for mutation in MUTATIONS:
        red = tests_that_fail(mutation)
        survivors += not red
        patch = f"{mutation.path}: {' '.join(mutation.new.split()) or 'line removed'}"
        if "--json" in sys.argv:
            row = {"guarantee": mutation.guarantee, "patch": patch, "red": red}
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
        table.add_row(mutation.guarantee, patch, "\n".join(red[:4]) or "NONE: it survives")
    if "--json" not in sys.argv:
        Console().print(table)
    return 1 if survivors else 0


def tests_that_fail(mutation: Mutation) -> list[str]:
    """The failed tests of a copy in which the guarantee is broken."""
    with tempfile.TemporaryDirectory(prefix="daehwa-mutation-") as name:
        copy = Path(name)
        for part in COPIED:
            source = ROOT / part
            if source.is_dir():
                skipped = shutil.ignore_patterns("node_modules", "__pycache__")
                shutil.copytree(source, copy / part, ignore=skipped)
            else:
                shutil.copy(source, copy / part)
        path = copy / mutation.path
        text = path.read_text(encoding="utf-8")
        if text.count(mutation.old) != 1:
            raise SystemExit(f"{mutation.path} has changed: mend {mutation.guarantee!r}")
        path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header",
             "-rf", *mutation.tests],
            cwd=copy, capture_output=True, text=True, check=False, timeout=1200,
        )  # fmt: skip
    if run.returncode not in (0, 1):
        return [f"the run broke off: {run.stdout[-300:]}"]
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main())
