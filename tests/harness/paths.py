"""Where the files that tests read are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FIXTURES = ROOT / "tests" / "fixtures"
CAPTURES = FIXTURES / "captures"
